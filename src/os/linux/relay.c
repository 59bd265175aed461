/* relay.c - in the monitor: sends packets to groups and to all once more, to the real port of the jail's UDP sockets. */
#include "os/linux/relay.h"

#include <netinet/in.h> /* first: the kernel's headers make room for it */

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/bpf.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_log.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "os/linux/relay_udp.h"

#define PACKET_MAX 65535
#define GROUP_LOW  0x4000 /* where no other program is likely to be; further ones are tried */
#define GROUPS_TRY 64
#define PORTS_MAX  16
#define AT_ONCE    64 /* messages, before others have a turn */

struct relay {
	struct mnl_socket *nl;
	uint16_t group;
	int raw4, raw6;
	char in[PACKET_MAX + 4096];
	_Alignas(4) uint8_t packet[PACKET_MAX + 1];
};

/* --- hearing of packets --- */

static struct nlmsghdr *config(char *buf, uint16_t group, uint32_t seq)
{
	struct nlmsghdr *h = mnl_nlmsg_put_header(buf);
	struct nfgenmsg *g;

	h->nlmsg_type = NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_CONFIG;
	h->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	h->nlmsg_seq = seq;
	g = mnl_nlmsg_put_extra_header(h, sizeof(*g));
	g->nfgen_family = AF_UNSPEC;
	g->version = NFNETLINK_V0;
	g->res_id = htons(group);
	return h;
}

static int ask(struct mnl_socket *nl, struct nlmsghdr *h)
{
	char buf[1024];
	ssize_t n;

	if (mnl_socket_sendto(nl, h, h->nlmsg_len) < 0)
		return -errno;
	n = mnl_socket_recvfrom(nl, buf, sizeof(buf));
	if (n < 0)
		return -errno;
	return mnl_cb_run(buf, (size_t)n, h->nlmsg_seq, mnl_socket_get_portid(nl), NULL, NULL) < 0 ? -errno : 0;
}

/* A group of the kernel's log that nobody else listens to, whole packets, each at once. */
static int listen_to(struct relay *r, uint64_t jail)
{
	struct nfulnl_msg_config_cmd bind = { .command = NFULNL_CFG_CMD_BIND };
	struct nfulnl_msg_config_mode mode = { .copy_range = htonl(PACKET_MAX), .copy_mode = NFULNL_COPY_PACKET };
	char buf[256];
	struct nlmsghdr *h;
	int e = -EBUSY;

	for (unsigned i = 0; i < GROUPS_TRY && e == -EBUSY; i++) {
		r->group = (uint16_t)(GROUP_LOW + (jail * GROUPS_TRY + i) % (65536 - GROUP_LOW));
		h = config(buf, r->group, 1);
		mnl_attr_put(h, NFULA_CFG_CMD, sizeof(bind), &bind);
		e = ask(r->nl, h);
	}
	if (e < 0)
		return e;
	h = config(buf, r->group, 2);
	mnl_attr_put(h, NFULA_CFG_MODE, sizeof(mode), &mode);
	mnl_attr_put_u32(h, NFULA_CFG_QTHRESH, htonl(1));
	return ask(r->nl, h);
}

/* --- sending them --- */

/* Raw sockets of this process are held as the jail's are; the kernel side lets the copies through that stay here. */
static int raw_sockets(struct relay *r, const struct hold_maps *m)
{
	struct hold_sock s;
	int on = 1;

	memset(&s, 0, sizeof(s));
	s.state = HOLD_RELAY;
	r->raw4 = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
	if (r->raw4 < 0 || setsockopt(r->raw4, SOL_SOCKET, SO_BROADCAST, &on, sizeof(on)) < 0)
		return -errno;
	r->raw6 = socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
	if (r->raw6 < 0) /* a kernel without IPv6 */
		return 0;
	if (setsockopt(r->raw6, IPPROTO_IPV6, IPV6_HDRINCL, &on, sizeof(on)) < 0)
		return -errno;
	return hold_map_put(m->hold_socks, &r->raw6, &s, BPF_ANY);
}

/* It is looped back to the sockets of this host; the original does not leave (hold_out refuses it, or its hop limit). */
static void send4(const struct relay *r, size_t len, unsigned link)
{
	const struct iphdr *ip = (const struct iphdr *)(const void *)r->packet;
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr.s_addr = ip->daddr };
	struct in_pktinfo info = { .ipi_ifindex = (int)link };
	union {
		char buf[CMSG_SPACE(sizeof(info))];
		struct cmsghdr align;
	} ctl;
	struct iovec iov = { (void *)(uintptr_t)r->packet, len };
	struct msghdr m = { .msg_name = &to,
		            .msg_namelen = sizeof(to),
		            .msg_iov = &iov,
		            .msg_iovlen = 1,
		            .msg_control = ctl.buf,
		            .msg_controllen = sizeof(ctl.buf) };

	memset(&ctl, 0, sizeof(ctl));
	ctl.align = (struct cmsghdr){ CMSG_LEN(sizeof(info)), IPPROTO_IP, IP_PKTINFO };
	memcpy(CMSG_DATA(&ctl.align), &info, sizeof(info));
	(void)sendmsg(r->raw4, &m, MSG_DONTWAIT);
}

static void send6(const struct relay *r, size_t len, unsigned link)
{
	struct ip6_hdr *ip = (struct ip6_hdr *)(void *)(uintptr_t)r->packet;
	struct sockaddr_in6 to = { .sin6_family = AF_INET6, .sin6_addr = ip->ip6_dst, .sin6_scope_id = link };

	ip->ip6_hlim = 0;
	(void)sendto(r->raw6, r->packet, len, MSG_DONTWAIT, (const struct sockaddr *)&to, sizeof(to));
}

static void relay_packet(struct relay *r, size_t len, unsigned link, relay_ports ports, void *ctx)
{
	uint16_t real[PORTS_MAX];
	struct udphdr *u;
	size_t udp_len;
	unsigned n;
	bool v4;

	u = relay_udp(r->packet, len, &v4);
	if (!u)
		return;
	udp_len = len - (size_t)((const uint8_t *)u - r->packet);
	n = ports(ctx, v4, ntohs(u->dest), real, PORTS_MAX);
	for (unsigned i = 0; i < n; i++) {
		u->dest = htons(real[i]);
		if (v4) {
			relay_checksum(u, udp_len, r->packet + offsetof(struct iphdr, saddr), 8);
			send4(r, len, link);
		} else {
			relay_checksum(u, udp_len, r->packet + offsetof(struct ip6_hdr, ip6_src), 32);
			send6(r, len, link);
		}
	}
}

struct logged {
	const uint8_t *packet;
	size_t len;
	unsigned link;
};

static int log_attr(const struct nlattr *a, void *ctx)
{
	struct logged *l = ctx;

	switch (mnl_attr_get_type(a)) {
	case NFULA_PAYLOAD:
		l->packet = mnl_attr_get_payload(a);
		l->len = mnl_attr_get_payload_len(a);
		break;
	case NFULA_IFINDEX_INDEV:
		if (mnl_attr_get_payload_len(a) == sizeof(uint32_t))
			l->link = ntohl(mnl_attr_get_u32(a));
		break;
	default:
		break;
	}
	return MNL_CB_OK;
}

void relay_serve(struct relay *r, relay_ports ports, void *ctx)
{
	for (int i = 0; i < AT_ONCE; i++) {
		ssize_t n = recv(mnl_socket_get_fd(r->nl), r->in, sizeof(r->in), MSG_DONTWAIT);
		int left = (int)n;

		if (n < 0 && errno != ENOBUFS && errno != EINTR)
			return;
		for (const struct nlmsghdr *h = (const void *)r->in; n > 0 && mnl_nlmsg_ok(h, left);
		     h = mnl_nlmsg_next(h, &left)) {
			struct logged l = { .packet = NULL };

			if (h->nlmsg_type != (NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_PACKET))
				continue;
			(void)mnl_attr_parse(h, sizeof(struct nfgenmsg), log_attr, &l);
			if (!l.packet || !l.link || l.len > PACKET_MAX)
				continue;
			memcpy(r->packet, l.packet, l.len);
			relay_packet(r, l.len, l.link, ports, ctx);
		}
	}
}

struct relay *relay_open(const struct hold_maps *m, uint64_t jail)
{
	struct relay *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->raw4 = r->raw6 = -1;
	r->nl = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
	if (r->nl && mnl_socket_bind(r->nl, 0, MNL_SOCKET_AUTOPID) == 0 && listen_to(r, jail) == 0 &&
	    raw_sockets(r, m) == 0)
		return r;
	relay_close(r);
	return NULL;
}

uint16_t relay_group(const struct relay *r)
{
	return r->group;
}

int relay_fd(const struct relay *r)
{
	return mnl_socket_get_fd(r->nl);
}

void relay_close(struct relay *r)
{
	if (!r)
		return;
	if (r->nl)
		(void)mnl_socket_close(r->nl);
	closep(&r->raw4);
	closep(&r->raw6);
	free(r);
}
