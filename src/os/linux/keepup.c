/* keepup.c - notices that another program took an address of a running shared-IP jail from the host, and has it put back. */
#include "os/linux/keepup.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "os/linux/links.h"
#include "os/linux/rtmsg.h"
#include "os/os.h"

#define SEEN_MAX  (2 * HOLD_ADDRS_MAX)
#define SETTLE_MS 500 /* who flushes an interface first puts back his own: an alias shall not come before them */
#define RETRY_MS  5000 /* the jail's lock was held, or the kernel refused */
#define ASK_MS    2000
#define ASK_MAX   5 /* doublings: about once a minute */
#define SAYS_MAX  65536

/* One address of the jail. */
struct seen {
	struct ipaddr addr;
	char link[IFNAME_CAP]; /* where it was last; "": never seen */
	bool here;
	bool left; /* others took it too often: not put back until it is seen again */
	/*
	 * It was not the jail's to put back. That changes when another jail that used it, too, stops: asked again, ever more rarely.
	 */
	int64_t ask_at;
	unsigned asked;
};

struct keepup {
	const char *self, *jail;
	struct seen seen[SEEN_MAX];
	size_t n;
	int64_t due;
	int64_t done[KEEPUP_TIMES]; /* when something was put back, the oldest at `next`; 0: never */
	unsigned next;
	bool last; /* the command that runs was told to give up */
	pid_t pid; /* of the command; 0: none runs */
	int out; /* what it says, -1: none runs */
};

struct keepup *keepup_open(const char *self, const char *jail)
{
	struct keepup *k = calloc(1, sizeof(*k));

	if (!k)
		return NULL;
	k->self = self;
	k->jail = jail;
	k->out = -1;
	return k;
}

/* --- looking --- */

static void want(struct seen *list, size_t *n, const struct keepup *k, int family, const uint8_t *b)
{
	struct seen *s = &list[(*n)++];

	*s = (struct seen){ .addr.family = (uint8_t)family };
	memcpy(s->addr.b, b, family == 4 ? 4 : 16);
	for (size_t i = 0; i < k->n; i++)
		if (ipaddr_same_host(&k->seen[i].addr, &s->addr)) {
			*s = k->seen[i];
			s->here = false;
			return;
		}
}

/* The addresses of h, with what is known of each. -ENOMEM. */
static int take_hold(struct keepup *k, const struct hold *h)
{
	_cleanup_free_ struct seen *list = calloc(SEEN_MAX, sizeof(*list));
	size_t n = 0;

	if (!list)
		return -ENOMEM;
	for (uint32_t i = 0; h->ip4 == IP_NEW && i < h->n4; i++)
		want(list, &n, k, 4, h->a4[i]);
	for (uint32_t i = 0; h->ip6 == IP_NEW && i < h->n6; i++)
		want(list, &n, k, 6, h->a6[i]);
	memcpy(k->seen, list, n * sizeof(*list));
	k->n = n;
	return 0;
}

static int see_addr(const struct nlmsghdr *h, void *ctx)
{
	struct keepup *k = ctx;
	struct addr_msg m;

	addr_read(h, &m);
	for (size_t i = 0; i < k->n; i++) {
		struct seen *s = &k->seen[i];

		if (!ipaddr_same_host(&s->addr, &m.addr))
			continue;
		s->here = true;
		s->left = false;
		s->asked = 0;
		s->ask_at = 0;
		if (nl_name(m.link, s->link) <= 0)
			s->link[0] = '\0';
	}
	return MNL_CB_OK;
}

/* Could the address be on its interface now. A link that is down loses IPv6 addresses: they come back when it is up. */
static bool can_be(struct nl *q, const struct seen *s)
{
	struct link_fact l = { 0 };

	if (!s->link[0])
		return true;
	nl_put(q, RTM_GETLINK, 0, sizeof(struct ifinfomsg));
	nl_attr_str(q, IFLA_IFNAME, s->link);
	if (nl_ask(q, link_take, &l) < 0)
		return false;
	return s->addr.family == 4 || (l.flags & IFF_UP);
}

/* --- the command --- */

/* How often something was put back of late. */
static unsigned times(const struct keepup *k, int64_t now)
{
	unsigned n = 0;

	for (unsigned i = 0; i < KEEPUP_TIMES; i++)
		n += k->done[i] && now - k->done[i] < KEEPUP_WITHIN;
	return n;
}

static void be_command(const struct keepup *k, int out, unsigned n)
{
	char count[16];

	(void)snprintf(count, sizeof(count), "%u", n);
	(void)signal(SIGPIPE, SIG_DFL);
	if (dup2(out, STDOUT_FILENO) < 0 || dup2(out, STDERR_FILENO) < 0)
		_exit(127);
	(void)execl(k->self, k->self, "keep", k->jail, count, (char *)NULL);
	_exit(127);
}

/* It takes the jail's lock and the addresses', which this process must never wait for. */
static void begin(struct keepup *k, int64_t now)
{
	unsigned n = times(k, now);
	int p[2];

	if (pipe2(p, O_CLOEXEC) < 0) {
		k->due = now + RETRY_MS;
		return;
	}
	(void)fcntl(p[0], F_SETFL, O_NONBLOCK);
	k->pid = fork();
	if (k->pid == 0)
		be_command(k, p[1], n);
	(void)close(p[1]);
	if (k->pid < 0) {
		k->pid = 0;
		k->due = now + RETRY_MS;
		(void)close(p[0]);
		return;
	}
	k->out = p[0];
	k->last = n >= KEEPUP_TIMES;
}

void keepup_look(struct keepup *k, const struct hold *h, int64_t now)
{
	struct err ignored = ERR_INIT;
	struct nl q = NL_INIT;
	bool any = false;
	int r;

	k->due = 0;
	if (k->pid) /* when that has ended */
		return;
	r = take_hold(k, h);
	if (r < 0 || !k->n)
		return;
	r = nl_open(&q, -1, &ignored);
	if (r == 0) {
		nl_put(&q, RTM_GETADDR, NLM_F_DUMP, sizeof(struct ifaddrmsg));
		r = nl_ask(&q, see_addr, k);
	}
	for (size_t i = 0; r == 0 && i < k->n; i++) {
		const struct seen *s = &k->seen[i];

		if (s->here || s->left || !can_be(&q, s))
			continue;
		any = any || s->ask_at <= now;
		if (s->ask_at > now && (!k->due || s->ask_at < k->due))
			k->due = s->ask_at;
	}
	nl_close(&q);
	if (r < 0)
		k->due = now + RETRY_MS;
	else if (any)
		begin(k, now);
}

void keepup_heard(struct keepup *k, int64_t now)
{
	if (!k->due || k->due > now + SETTLE_MS)
		k->due = now + SETTLE_MS;
}

int64_t keepup_due(const struct keepup *k)
{
	return k ? k->due : 0;
}

bool keepup_waits(const struct keepup *k)
{
	for (size_t i = 0; k && i < k->n; i++)
		if (!k->seen[i].here)
			return true;
	return false;
}

int keepup_fd(const struct keepup *k)
{
	return k ? k->out : -1;
}

/* What is away now stays away: until it is seen again, or is asked for again. What waits for its link is not meant. */
static void leave(struct keepup *k, int64_t now)
{
	struct err ignored = ERR_INIT;
	struct nl q = NL_INIT;

	if (nl_open(&q, -1, &ignored) < 0)
		return;
	for (size_t i = 0; i < k->n; i++) {
		struct seen *s = &k->seen[i];

		if (s->here || s->left || !can_be(&q, s))
			continue;
		s->left = k->last;
		s->ask_at = now + (ASK_MS << s->asked);
		s->asked += s->asked < ASK_MAX;
	}
	nl_close(&q);
}

bool keepup_serve(struct keepup *k, struct conlog *log, int64_t now)
{
	int status = 0, code;

	if (conlog_copy(log, k->out, SAYS_MAX) >= 0)
		return false;
	closep(&k->out);
	code = waitpid(k->pid, &status, 0) == k->pid && WIFEXITED(status) ? WEXITSTATUS(status) : 1;
	k->pid = 0;
	if ((k->last && code != OS_KEEP_LATER) || code == OS_KEEP_NOTHING)
		leave(k, now);
	if (code != OS_KEEP_NOTHING && code != OS_KEEP_LATER && !k->last) {
		k->done[k->next] = now;
		k->next = (k->next + 1) % KEEPUP_TIMES;
	}
	k->due = now + (code == 0 || code == OS_KEEP_NOTHING ? SETTLE_MS : RETRY_MS);
	return code == 0;
}
