/* conn.c - ends TCP connections through sock_diag(7). */
#include "os/linux/conn.h"

#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <sched.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "os/linux/cgroup.h"
#include "os/linux/nl.h"

#ifndef TCP_LISTEN
enum { TCP_SYN_RECV = 3, TCP_TIME_WAIT = 6, TCP_CLOSE = 7, TCP_LISTEN = 10 };
#endif

#define ROUNDS 16 /* the list is read again as long as there was something to end */

static int open_diag(int nsfd)
{
	_cleanup_close_ int home = -1;
	int fd;

	if (nsfd >= 0) {
		home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
		if (home < 0 || setns(nsfd, CLONE_NEWNET) < 0)
			return -1;
	}
	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
	if (nsfd >= 0 && netns_return(home) < 0)
		closep(&fd);
	return fd;
}

/* The group a jail's sockets are made in; 0: not known, which matches none. */
static uint64_t group_of(const struct os_jail *j)
{
	struct err ignored = ERR_INIT;
	_cleanup_close_ int fd = cgroup_open(j->cgroup, "mon", &ignored);
	struct stat st;

	return fd >= 0 && fstat(fd, &st) == 0 ? st.st_ino : 0;
}

static void put_request(struct nlmsghdr *h, uint16_t type, uint16_t flags, int family,
                        const struct inet_diag_sockid *id)
{
	struct inet_diag_req_v2 *req;

	h->nlmsg_type = type;
	h->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	req = mnl_nlmsg_put_extra_header(h, sizeof(*req));
	memset(req, 0, sizeof(*req));
	req->sdiag_family = (uint8_t)family;
	req->sdiag_protocol = IPPROTO_TCP;
	req->idiag_states = ~(1U << TCP_LISTEN | 1U << TCP_CLOSE | 1U << TCP_TIME_WAIT);
	if (id)
		req->id = *id;
}

/* Those of the group only: the kernel filters. */
static void put_group(struct nlmsghdr *h, uint64_t group)
{
	struct {
		struct inet_diag_bc_op op;
		uint64_t id;
	} __attribute__((packed)) code = { { INET_DIAG_BC_CGROUP_COND, sizeof(code), sizeof(code) + 4 }, group };

	mnl_attr_put(h, INET_DIAG_REQ_BYTECODE, sizeof(code), &code);
}

struct victims {
	const struct ipaddr *addr;
	int kill; /* a second socket: the first is being read */
	unsigned n;
};

/* Is it addr, also in a v6 socket's form of an IPv4 address. */
static bool is_addr(const struct inet_diag_msg *m, const struct ipaddr *a)
{
	const uint8_t *src = (const uint8_t *)m->id.idiag_src;
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	if (m->idiag_family == AF_INET)
		return a->family == 4 && memcmp(src, a->b, 4) == 0;
	if (a->family == 4)
		return memcmp(src, mapped, 12) == 0 && memcmp(src + 12, a->b, 4) == 0;
	return memcmp(src, a->b, 16) == 0;
}

static int see(const struct nlmsghdr *h, void *ctx)
{
	const struct inet_diag_msg *m = mnl_nlmsg_get_payload(h);
	struct victims *v = ctx;
	char buf[512], answer[1024];
	struct nlmsghdr *req;

	if (!is_addr(m, v->addr))
		return MNL_CB_OK;
	req = mnl_nlmsg_put_header(buf);
	put_request(req, SOCK_DESTROY, NLM_F_ACK, m->idiag_family, &m->id);
	if (send(v->kill, req, req->nlmsg_len, 0) < 0)
		return MNL_CB_STOP;
	if (recv(v->kill, answer, sizeof(answer), 0) >= (ssize_t)(NLMSG_HDRLEN + sizeof(struct nlmsgerr)) &&
	    ((struct nlmsgerr *)NLMSG_DATA((struct nlmsghdr *)(void *)answer))->error == 0)
		v->n++;
	return MNL_CB_OK;
}

static void end_family(int list, struct victims *v, int family, const uint64_t *group)
{
	for (int round = 0; round < ROUNDS; round++) {
		char buf[512];
		_cleanup_free_ char *answer = malloc(32768);
		struct nlmsghdr *h = mnl_nlmsg_put_header(buf);
		ssize_t n;

		v->n = 0;
		put_request(h, SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, family, NULL);
		if (group)
			put_group(h, *group);
		if (!answer || send(list, h, h->nlmsg_len, 0) < 0)
			return;
		do
			n = recv(list, answer, 32768, 0);
		while (n > 0 && mnl_cb_run(answer, (size_t)n, 0, 0, see, v) > 0);
		if (!v->n)
			return;
	}
}

void conn_end(int nsfd, const struct os_jail *j, const struct ipaddr *addr)
{
	uint64_t group = j ? group_of(j) : 0;
	_cleanup_close_ int list = open_diag(nsfd), kill = open_diag(nsfd);
	struct victims v = { .addr = addr, .kill = kill };

	if (list < 0 || kill < 0)
		return;
	if (addr->family == 4)
		end_family(list, &v, AF_INET, j ? &group : NULL);
	end_family(list, &v, AF_INET6, j ? &group : NULL);
}
