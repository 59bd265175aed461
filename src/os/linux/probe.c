/* probe.c - asks the wire for addresses through the kernel's neighbour tables (rtnetlink(7)). */
#include "os/linux/probe.h"

#include <errno.h>
#include <linux/neighbour.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "base/cleanup.h"

struct question {
	char link[IFNAME_CAP];
	struct ipaddr addr;
	unsigned index;
};

struct probes {
	struct timespec first;
	struct question *q;
	size_t n;
};

static size_t len_of(const struct ipaddr *a)
{
	return a->family == 6 ? 16 : 4;
}

static void put_neigh(struct nl *n, uint16_t type, uint16_t flags, const struct question *q, uint8_t use)
{
	struct ndmsg *nd = nl_put(n, type, flags, sizeof(*nd));

	if (nd) {
		nd->ndm_family = q->addr.family == 6 ? AF_INET6 : AF_INET;
		nd->ndm_ifindex = (int)q->index;
		nd->ndm_flags = use;
	}
	nl_attr(n, NDA_DST, q->addr.b, len_of(&q->addr));
}

struct seen {
	uint16_t state;
	struct macaddr mac;
};

static int see_attr(const struct nlattr *a, void *ctx)
{
	struct seen *s = ctx;

	if (mnl_attr_get_type(a) == NDA_LLADDR && mnl_attr_get_payload_len(a) == sizeof(s->mac.b)) {
		memcpy(s->mac.b, mnl_attr_get_payload(a), sizeof(s->mac.b));
		s->mac.set = true;
	}
	return MNL_CB_OK;
}

static int see(const struct nlmsghdr *h, void *ctx)
{
	const struct ndmsg *nd = mnl_nlmsg_get_payload(h);
	struct seen *s = ctx;

	s->state = nd->ndm_state;
	mnl_attr_parse(h, sizeof(*nd), see_attr, s);
	return MNL_CB_OK;
}

static struct seen look(struct nl *n, const struct question *q)
{
	struct seen s = { 0 };

	put_neigh(n, RTM_GETNEIGH, 0, q, 0);
	if (nl_ask(n, see, &s) < 0)
		s.state = 0;
	return s;
}

/* A failure is no answer: a kernel that cannot ask (no IPv6 on the link) does not keep a jail down. */
static int flush(struct nl *n)
{
	char text[256];
	unsigned failed;

	return nl_flush(n, &failed, text, sizeof(text));
}

int probe_ask(struct os *os, const struct op *op, struct err *e)
{
	struct question q = { .addr = op->addr }, *grown;
	int r;

	if (os->hostq.fd < 0 && nl_open(&os->hostq, -1, e) < 0)
		return -e->code;
	if (!os->probes) {
		os->probes = calloc(1, sizeof(*os->probes));
		if (!os->probes)
			return err_oom(e);
		(void)clock_gettime(CLOCK_MONOTONIC, &os->probes->first);
	}
	r = nl_find(&os->hostq, op->link, &q.index);
	if (r < 0)
		return err_set(e, -r, "look for interface %s: %s", op->link, strerror(-r));
	if (!q.index || str_copy(q.link, sizeof(q.link), op->link) < 0)
		return 0;
	/* what the administrator entered by hand says nothing about who is there */
	if (look(&os->hostq, &q).state & (NUD_PERMANENT | NUD_NOARP))
		return 0;
	grown = realloc(os->probes->q, (os->probes->n + 1) * sizeof(*grown));
	if (!grown)
		return err_oom(e);
	os->probes->q = grown;
	/* an answer of earlier days does not count */
	put_neigh(&os->hostq, RTM_DELNEIGH, 0, &q, 0);
	(void)!flush(&os->hostq);
	put_neigh(&os->hostq, RTM_NEWNEIGH, NLM_F_CREATE, &q, NTF_USE);
	if (flush(&os->hostq) == 0)
		os->probes->q[os->probes->n++] = q;
	return 0;
}

static void wait_until(const struct timespec *first, unsigned ms)
{
	struct timespec at = *first;

	at.tv_sec += ms / 1000;
	at.tv_nsec += (long)(ms % 1000) * 1000000;
	if (at.tv_nsec >= 1000000000) {
		at.tv_sec++;
		at.tv_nsec -= 1000000000;
	}
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL) == EINTR)
		;
}

static int taken(const struct question *q, const struct macaddr *mac, struct err *e)
{
	char addr[IPADDR_TEXT], text[18];

	return err_class(e, ERR_BUSY, EADDRINUSE,
	                 "%s is in use on %s: %s answers for it\n"
	                 "choose another address; conflict_wait=0 starts without asking",
	                 ipaddr_format_host(&q->addr, addr), q->link, mac_format(mac, text));
}

int probe_answers(struct os *os, unsigned ms, struct err *e)
{
	int r = 0;

	if (!os->probes || !os->probes->n)
		return 0;
	wait_until(&os->probes->first, ms);
	for (size_t i = 0; i < os->probes->n; i++) {
		const struct question *q = &os->probes->q[i];
		struct seen s = look(&os->hostq, q);

		if (r == 0 && s.mac.set && (s.state & (NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE)))
			r = taken(q, &s.mac, e);
	}
	probe_forget(os);
	return r;
}

void probe_forget(struct os *os)
{
	if (!os->probes)
		return;
	for (size_t i = 0; i < os->probes->n; i++) {
		put_neigh(&os->hostq, RTM_DELNEIGH, 0, &os->probes->q[i], 0);
		(void)!flush(&os->hostq);
	}
	free(os->probes->q);
	free(os->probes);
	os->probes = NULL;
}

int probe_reach(struct os *os, const struct op *op, struct err *e)
{
	const struct timespec pause = { .tv_nsec = 5000000 };
	struct question q = { .addr = op->gw };
	struct timespec t0, t;
	char text[IPADDR_TEXT];
	int r = os->hostq.fd < 0 ? nl_open(&os->hostq, -1, e) : 0;

	if (r < 0)
		return r;
	q.index = nl_index(&os->hostq, op->link);
	if (!q.index)
		return err_set(e, ENODEV, "there is no interface %s", op->link);
	if (look(&os->hostq, &q).state & (NUD_PERMANENT | NUD_NOARP))
		return 0;
	put_neigh(&os->hostq, RTM_DELNEIGH, 0, &q, 0);
	(void)!flush(&os->hostq);
	(void)clock_gettime(CLOCK_MONOTONIC, &t0);
	for (;;) {
		struct seen s = look(&os->hostq, &q);

		if (s.mac.set && (s.state & (NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE)))
			return 0;
		(void)clock_gettime(CLOCK_MONOTONIC, &t);
		if ((t.tv_sec - t0.tv_sec) * 1000 + (t.tv_nsec - t0.tv_nsec) / 1000000 >= (long)op->timeout)
			break;
		/* not asked yet, or the kernel gave up: (again) */
		if (!(s.state & NUD_INCOMPLETE)) {
			put_neigh(&os->hostq, RTM_NEWNEIGH, NLM_F_CREATE, &q, NTF_USE);
			(void)!flush(&os->hostq);
		}
		(void)clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
	}
	return err_class(e, ERR_BUSY, EHOSTUNREACH, "the host's router %s does not answer on %s within %u ms",
	                 ipaddr_format_host(&op->gw, text), op->link, op->timeout);
}
