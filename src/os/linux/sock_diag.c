/* sock_diag.c - lists IP sockets through sock_diag(7). */
#include "os/linux/sock_diag.h"

#include <errno.h>
#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <sched.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "os/linux/nl.h"

#define ANSWER_MAX 32768

static int open_in(int nsfd, struct err *e)
{
	_cleanup_close_ int home = -1;
	int fd;

	if (nsfd >= 0) {
		home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
		if (home < 0)
			return err_sys(e, "open /proc/self/ns/net");
		if (setns(nsfd, CLONE_NEWNET) < 0)
			return err_sys(e, "enter the jail's network namespace");
	}
	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
	if (fd < 0)
		(void)err_sys(e, "open a sock_diag socket");
	if (nsfd >= 0 && netns_return(home) < 0) {
		closep(&fd);
		return err_sys(e, "return to the host's network namespace");
	}
	return fd < 0 ? -e->code : fd;
}

struct listing {
	struct diag_sock s;
	diag_fn see;
	void *ctx;
};

static int attr(const struct nlattr *a, void *ctx)
{
	struct diag_sock *s = ctx;

	if (mnl_attr_get_type(a) == INET_DIAG_CGROUP_ID)
		s->cgroup = mnl_attr_get_u64(a);
	else if (mnl_attr_get_type(a) == INET_DIAG_SKV6ONLY)
		s->v6only = mnl_attr_get_u8(a) != 0;
	return MNL_CB_OK;
}

static int take(const struct nlmsghdr *h, void *ctx)
{
	const struct inet_diag_msg *m = mnl_nlmsg_get_payload(h);
	struct listing *l = ctx;
	struct diag_sock *s = &l->s;

	if (mnl_nlmsg_get_payload_len(h) < sizeof(*m))
		return MNL_CB_OK;
	s->family = m->idiag_family;
	s->state = m->idiag_state;
	s->inode = m->idiag_inode;
	s->cgroup = 0;
	s->v6only = false;
	memcpy(s->local, m->id.idiag_src, sizeof(s->local));
	memcpy(s->peer, m->id.idiag_dst, sizeof(s->peer));
	s->lport = ntohs(m->id.idiag_sport);
	s->pport = ntohs(m->id.idiag_dport);
	(void)mnl_attr_parse(h, sizeof(*m), attr, s);
	l->see(s, l->ctx);
	return MNL_CB_OK;
}

/* 0 or -errno; -ENOENT: this kernel has no list of that protocol. */
static int list_one(int fd, int family, int proto, uint32_t states, struct listing *l)
{
	_cleanup_free_ char *answer = malloc(ANSWER_MAX);
	char ask[MNL_ALIGN(sizeof(struct nlmsghdr)) + MNL_ALIGN(sizeof(struct inet_diag_req_v2))];
	struct nlmsghdr *h = mnl_nlmsg_put_header(ask);
	struct inet_diag_req_v2 *req;
	int r = 1;

	if (!answer)
		return -ENOMEM;
	h->nlmsg_type = SOCK_DIAG_BY_FAMILY;
	h->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	req = mnl_nlmsg_put_extra_header(h, sizeof(*req));
	req->sdiag_family = (uint8_t)family;
	req->sdiag_protocol = (uint8_t)proto;
	req->idiag_states = states;
	if (send(fd, h, h->nlmsg_len, 0) < 0)
		return -errno;
	l->s.proto = proto;
	while (r > 0) {
		ssize_t n = recv(fd, answer, ANSWER_MAX, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		r = mnl_cb_run(answer, (size_t)n, 0, 0, take, l);
		if (r < 0)
			return -errno;
	}
	return 0;
}

int diag_list(int nsfd, uint32_t states, diag_fn see, void *ctx, struct err *e)
{
	static const int protos[] = { IPPROTO_TCP, IPPROTO_UDP }, families[] = { AF_INET, AF_INET6 };
	_cleanup_close_ int fd = open_in(nsfd, e);
	struct listing l = { .see = see, .ctx = ctx };

	if (fd < 0)
		return fd;
	for (int i = 0; i < 4; i++) {
		int r = list_one(fd, families[i % 2], protos[i / 2], states, &l);

		if (r < 0 && r != -ENOENT)
			return err_set(e, -r, "list the kernel's sockets: %s", strerror(-r));
	}
	return 0;
}
