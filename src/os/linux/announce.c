/* announce.c - gratuitous ARP and unsolicited neighbour advertisements for a jail's addresses. */
#include "os/linux/announce.h"

#include <net/if.h>
#include <net/if_arp.h>
#include <netinet/icmp6.h>
#include <netinet/if_ether.h>
#include <netpacket/packet.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "os/linux/nl.h"
#include "os/linux/rtmsg.h"

/* Where an announcement goes out. */
struct port {
	int index;
	uint8_t mac[ETH_ALEN];
};

static int take_port(const struct nlmsghdr *h, void *ctx)
{
	struct link_msg m;
	struct port *on = ctx;

	link_read(h, &m);
	if (m.type != ARPHRD_ETHER || !m.mac.set || !(m.flags & IFF_UP) || (m.flags & IFF_NOARP))
		return MNL_CB_OK;
	on->index = (int)m.index;
	memcpy(on->mac, m.mac.b, ETH_ALEN);
	return MNL_CB_OK;
}

/* The interface that has the address, when it is one of Ethernet's kind that is up. */
static bool port_of(struct nl *q, const struct ipaddr *a, struct port *ret)
{
	struct addr_found found;
	struct ifinfomsg *ifi;

	*ret = (struct port){ 0 };
	if (addr_ask(q, a, &found) < 0 || !found.link)
		return false;
	ifi = nl_put(q, RTM_GETLINK, 0, sizeof(*ifi));
	if (ifi)
		ifi->ifi_index = (int)found.link;
	return nl_ask(q, take_port, ret) == 0 && ret->index;
}

static void announce4(const struct ipaddr *a, const struct port *on)
{
	_cleanup_close_ int fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ARP) };
	struct ether_arp arp = { 0 };

	to.sll_ifindex = on->index;
	to.sll_halen = ETH_ALEN;
	memset(to.sll_addr, 0xff, ETH_ALEN);
	arp.arp_hrd = htons(ARPHRD_ETHER);
	arp.arp_pro = htons(ETH_P_IP);
	arp.arp_hln = ETH_ALEN;
	arp.arp_pln = sizeof(arp.arp_spa);
	arp.arp_op = htons(ARPOP_REQUEST);
	memcpy(arp.arp_sha, on->mac, ETH_ALEN);
	memcpy(arp.arp_spa, a->b, sizeof(arp.arp_spa));
	memcpy(arp.arp_tpa, a->b, sizeof(arp.arp_tpa));
	if (fd >= 0)
		(void)!sendto(fd, &arp, sizeof(arp), 0, (struct sockaddr *)&to, sizeof(to));
}

static void announce6(const struct ipaddr *a, const struct port *on)
{
	_cleanup_close_ int fd = socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMPV6);
	struct sockaddr_in6 from = { .sin6_family = AF_INET6 }, to = { .sin6_family = AF_INET6 };
	int hops = 255, index = on->index;
	struct {
		struct nd_neighbor_advert na;
		struct nd_opt_hdr opt;
		uint8_t mac[ETH_ALEN];
	} msg;

	memset(&msg, 0, sizeof(msg));
	msg.na.nd_na_type = ND_NEIGHBOR_ADVERT;
	msg.na.nd_na_flags_reserved = ND_NA_FLAG_OVERRIDE;
	memcpy(&from.sin6_addr, a->b, sizeof(from.sin6_addr));
	msg.na.nd_na_target = from.sin6_addr;
	msg.opt.nd_opt_type = ND_OPT_TARGET_LINKADDR;
	msg.opt.nd_opt_len = 1;
	memcpy(msg.mac, on->mac, ETH_ALEN);
	to.sin6_addr.s6_addr[0] = 0xff; /* ff02::1, all nodes */
	to.sin6_addr.s6_addr[1] = 0x02;
	to.sin6_addr.s6_addr[15] = 1;
	from.sin6_scope_id = to.sin6_scope_id = (uint32_t)index;
	if (fd < 0 || setsockopt(fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, &hops, sizeof(hops)) < 0 ||
	    setsockopt(fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, &index, sizeof(index)) < 0 ||
	    bind(fd, (struct sockaddr *)&from, sizeof(from)) < 0)
		return;
	(void)!sendto(fd, &msg, sizeof(msg), 0, (struct sockaddr *)&to, sizeof(to));
}

static void announce_one(struct nl *q, int family, const uint8_t *b)
{
	struct ipaddr a = { .family = (uint8_t)family };
	struct port on;

	memcpy(a.b, b, family == 4 ? 4 : 16);
	if (!port_of(q, &a, &on))
		return;
	if (family == 4)
		announce4(&a, &on);
	else
		announce6(&a, &on);
}

void announce(const struct hold *h)
{
	struct nl q = NL_INIT;

	if (nl_open(&q, -1, NULL) < 0)
		return;
	for (uint32_t i = 0; h->ip4 == IP_NEW && i < h->n4; i++)
		announce_one(&q, 4, h->a4[i]);
	for (uint32_t i = 0; h->ip6 == IP_NEW && i < h->n6; i++)
		announce_one(&q, 6, h->a6[i]);
	nl_close(&q);
}
