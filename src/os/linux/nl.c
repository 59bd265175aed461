/* nl.c - netlink requests: built without checks, sent in one batch, answered one by one. */
#include "os/linux/nl.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/str.h"

#define NL_BUF (64 * 1024)

static int open_socket(int family, unsigned groups)
{
	struct sockaddr_nl sa = { .nl_family = AF_NETLINK, .nl_groups = groups };
	int on = 1, fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, family);

	if (fd < 0)
		return -errno;
	(void)setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on));
	(void)setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on));
	(void)setsockopt(fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0) {
		int code = errno;

		close(fd);
		return -code;
	}
	return fd;
}

int nl_socket(unsigned groups)
{
	return open_socket(NETLINK_ROUTE, groups);
}

int nl_open_family(struct nl *n, int family, struct err *e)
{
	*n = (struct nl)NL_INIT;
	n->buf = malloc(NL_BUF);
	if (!n->buf)
		return err_oom(e);
	n->fd = open_socket(family, 0);
	return n->fd < 0 ? err_set(e, -n->fd, "open a netlink socket: %s", strerror(-n->fd)) : 0;
}

int netns_return(int home)
{
	for (int tries = 0; tries < 100; tries++) {
		struct timespec pause = { 0, 10000000 };

		if (setns(home, CLONE_NEWNET) == 0)
			return 0;
		(void)nanosleep(&pause, NULL);
	}
	return -1;
}

int nl_open(struct nl *n, int nsfd, struct err *e)
{
	_cleanup_close_ int home = -1;

	*n = (struct nl)NL_INIT;
	n->buf = malloc(NL_BUF);
	if (!n->buf)
		return err_oom(e);
	if (nsfd >= 0) {
		home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
		if (home < 0)
			return err_sys(e, "open /proc/self/ns/net");
		if (setns(nsfd, CLONE_NEWNET) < 0)
			return err_sys(e, "enter the jail's network namespace");
	}
	n->fd = nl_socket(0);
	if (nsfd >= 0 && netns_return(home) < 0)
		return err_sys(e, "return to the host's network namespace");
	if (n->fd < 0)
		return err_set(e, -n->fd, "open a netlink socket: %s", strerror(-n->fd));
	return 0;
}

void nl_close(struct nl *n)
{
	if (n->fd >= 0)
		close(n->fd);
	free(n->buf);
	*n = (struct nl)NL_INIT;
}

void *nl_put(struct nl *n, uint16_t type, uint16_t flags, size_t size)
{
	void *extra;

	n->cur = NULL;
	if (n->overflow || n->len + MNL_NLMSG_HDRLEN + size + 2048 > NL_BUF) {
		n->overflow = true;
		return NULL;
	}
	n->cur = mnl_nlmsg_put_header(n->buf + n->len);
	n->cur->nlmsg_type = type;
	n->cur->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | flags;
	n->cur->nlmsg_seq = ++n->seq;
	extra = mnl_nlmsg_put_extra_header(n->cur, size);
	memset(extra, 0, size);
	if (n->count++ == 0)
		n->first = n->seq;
	n->len += n->cur->nlmsg_len;
	return extra;
}

/* Every append ends here: the waiting length follows the message's own. */
static void grown(struct nl *n, uint32_t before, bool ok)
{
	if (ok)
		n->len += n->cur->nlmsg_len - before;
	else
		n->overflow = true;
}

static size_t room(const struct nl *n)
{
	return NL_BUF - (size_t)((char *)n->cur - n->buf);
}

void nl_attr(struct nl *n, uint16_t type, const void *data, size_t len)
{
	if (n->cur) {
		uint32_t before = n->cur->nlmsg_len;

		grown(n, before, mnl_attr_put_check(n->cur, room(n), type, len, data));
	}
}

void nl_attr_u32(struct nl *n, uint16_t type, uint32_t v)
{
	nl_attr(n, type, &v, sizeof(v));
}

void nl_attr_u8(struct nl *n, uint16_t type, uint8_t v)
{
	nl_attr(n, type, &v, sizeof(v));
}

void nl_attr_str(struct nl *n, uint16_t type, const char *s)
{
	nl_attr(n, type, s, strlen(s) + 1);
}

struct nlattr *nl_nest(struct nl *n, uint16_t type)
{
	struct nlattr *nest = NULL;

	if (n->cur) {
		uint32_t before = n->cur->nlmsg_len;

		nest = mnl_attr_nest_start_check(n->cur, room(n), type);
		grown(n, before, nest != NULL);
	}
	return nest;
}

void nl_nest_end(struct nl *n, struct nlattr *nest)
{
	if (n->cur && nest)
		mnl_attr_nest_end(n->cur, nest);
}

void *nl_extra(struct nl *n, size_t size)
{
	void *p;

	if (!n->cur || n->len + size + 64 > NL_BUF) {
		n->overflow = true;
		return NULL;
	}
	p = mnl_nlmsg_put_extra_header(n->cur, size);
	n->len += MNL_ALIGN(size);
	return p;
}

static void ack_text(const struct nlmsghdr *h, char *text, size_t cap)
{
	const struct nlmsgerr *er = mnl_nlmsg_get_payload(h);
	size_t off = sizeof(*er);
	const struct nlattr *a;

	text[0] = '\0';
	if (!(h->nlmsg_flags & NLM_F_ACK_TLVS))
		return;
	if (!(h->nlmsg_flags & NLM_F_CAPPED))
		off += er->msg.nlmsg_len - sizeof(struct nlmsghdr);
	mnl_attr_for_each(a, h, off) if (mnl_attr_get_type(a) == NLMSGERR_ATTR_MSG)
		snprintf(text, cap, "%.*s", (int)mnl_attr_get_payload_len(a), mnl_attr_get_str(a));
}

void nl_reset(struct nl *n)
{
	n->len = 0;
	n->count = 0;
	n->overflow = false;
	n->cur = NULL;
}

/* Read one datagram; the kernel answers faster than we ask, so a full queue is the only wait. */
static ssize_t receive(struct nl *n, char *buf, size_t cap)
{
	ssize_t r;

	do
		r = recv(n->fd, buf, cap, MSG_TRUNC);
	while (r < 0 && errno == EINTR);
	if (r < 0)
		return -errno;
	return (size_t)r > cap ? -EMSGSIZE : r;
}

int nl_flush(struct nl *n, unsigned *ret_failed, char *text, size_t cap)
{
	char *buf = NULL;
	_cleanup_free_ char *mem = NULL;
	unsigned waiting = n->count;
	uint32_t first = n->first;
	int result = 0;

	if (n->overflow) {
		nl_reset(n);
		*ret_failed = 0;
		snprintf(text, cap, "too many requests in one batch");
		return -ENOBUFS;
	}
	if (!waiting)
		return 0;
	mem = buf = malloc(32768);
	if (!buf)
		return -ENOMEM;
	if (send(n->fd, n->buf, n->len, 0) < 0) {
		nl_reset(n);
		*ret_failed = 0;
		return -errno;
	}
	nl_reset(n);
	while (waiting) {
		ssize_t len = receive(n, buf, 32768);
		int left = (int)len;

		if (len < 0)
			return (int)len;
		for (struct nlmsghdr *h = (struct nlmsghdr *)buf; mnl_nlmsg_ok(h, left); h = mnl_nlmsg_next(h, &left)) {
			const struct nlmsgerr *er = mnl_nlmsg_get_payload(h);

			if (h->nlmsg_type != NLMSG_ERROR)
				continue;
			waiting--;
			if (er->error && !result) {
				result = er->error;
				*ret_failed = h->nlmsg_seq - first;
				ack_text(h, text, cap);
			}
		}
	}
	return result;
}

/* What has come of an answer: more to be read, its end, its end after changes meanwhile, or -errno. */
enum { ANSWER_MORE, ANSWER_DONE, ANSWER_MIXED };

static int take_answer(char *buf, ssize_t len, uint32_t seq, mnl_cb_t cb, void *ctx, bool *mixed)
{
	int left = (int)len;

	for (struct nlmsghdr *h = (struct nlmsghdr *)buf; mnl_nlmsg_ok(h, left); h = mnl_nlmsg_next(h, &left)) {
		if (h->nlmsg_seq != seq)
			continue;
		*mixed = *mixed || (h->nlmsg_flags & NLM_F_DUMP_INTR);
		if (h->nlmsg_type == NLMSG_DONE)
			return *mixed ? ANSWER_MIXED : ANSWER_DONE;
		if (h->nlmsg_type == NLMSG_ERROR) {
			const struct nlmsgerr *er = mnl_nlmsg_get_payload(h);

			return er->error < 0 ? er->error : ANSWER_DONE;
		}
		if (h->nlmsg_type >= NLMSG_MIN_TYPE && cb(h, ctx) < 0)
			return -errno;
	}
	return ANSWER_MORE;
}

static int ask_once(struct nl *n, size_t len, char *buf, mnl_cb_t cb, void *ctx)
{
	uint32_t seq = n->seq;
	bool mixed = false;
	int r = ANSWER_MORE;

	if (send(n->fd, n->buf, len, 0) < 0)
		return -errno;
	while (r == ANSWER_MORE) {
		ssize_t got = receive(n, buf, 32768);

		r = got < 0 ? (int)got : take_answer(buf, got, seq, cb, ctx, &mixed);
	}
	return r;
}

int nl_transact(struct nl *n, char *text, size_t cap)
{
	_cleanup_free_ char *buf = malloc(32768);
	int result = 0;

	if (!buf)
		return -ENOMEM;
	text[0] = '\0';
	if (n->overflow || send(n->fd, n->buf, n->len, 0) < 0) {
		result = n->overflow ? -ENOBUFS : -errno;
		nl_reset(n);
		return result;
	}
	nl_reset(n);
	for (;;) {
		ssize_t len = recv(n->fd, buf, 32768, MSG_DONTWAIT);
		int left = (int)len;

		if (len < 0 && errno == EINTR)
			continue;
		if (len < 0)
			return errno == EAGAIN || errno == EWOULDBLOCK || result ? result : -errno;
		for (struct nlmsghdr *h = (struct nlmsghdr *)buf; mnl_nlmsg_ok(h, left); h = mnl_nlmsg_next(h, &left)) {
			const struct nlmsgerr *er = mnl_nlmsg_get_payload(h);

			if (h->nlmsg_type == NLMSG_ERROR && er->error && !result) {
				result = er->error;
				ack_text(h, text, cap);
			}
		}
	}
}

int nl_ask(struct nl *n, mnl_cb_t cb, void *ctx)
{
	_cleanup_free_ char *buf = malloc(32768);
	bool overflow = n->overflow;
	size_t len = n->len;
	int r = ANSWER_MIXED;

	nl_reset(n);
	if (!buf)
		return -ENOMEM;
	if (overflow)
		return -ENOBUFS;
	/* a dump during which something was changed may have left out what did not change */
	for (int tries = 0; r == ANSWER_MIXED && tries < 16; tries++)
		r = ask_once(n, len, buf, cb, ctx);
	return r < 0 ? r : 0;
}

static int take_index(const struct nlmsghdr *h, void *ctx)
{
	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(h);

	*(unsigned *)ctx = (unsigned)ifi->ifi_index;
	return MNL_CB_OK;
}

unsigned nl_index(struct nl *n, const char *name)
{
	unsigned index = 0;

	nl_put(n, RTM_GETLINK, 0, sizeof(struct ifinfomsg));
	nl_attr_str(n, IFLA_IFNAME, name);
	return nl_ask(n, take_index, &index) < 0 ? 0 : index;
}

int nl_find(const struct nl *n, const char *name, unsigned *ret)
{
	struct ifreq ifr = { .ifr_ifindex = 0 };

	*ret = 0;
	if (str_copy(ifr.ifr_name, sizeof(ifr.ifr_name), name) < 0)
		return 0;
	if (ioctl(n->fd, SIOCGIFINDEX, &ifr) < 0)
		return errno == ENODEV ? 0 : -errno;
	*ret = (unsigned)ifr.ifr_ifindex;
	return 0;
}

int nl_name(unsigned index, char ret[static IFNAME_CAP])
{
	if (if_indextoname(index, ret))
		return 1;
	return errno == ENXIO ? 0 : -errno;
}

unsigned nl_index_known(const struct nl *n, const char *name)
{
	unsigned index;

	return nl_find(n, name, &index) < 0 ? 0 : index;
}
