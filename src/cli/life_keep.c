/* life_keep.c - `keep`, which a jail's monitor runs: puts back the addresses that other programs took from the host. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "cli/life.h"

#define LOCK_S     10 /* whoever has the jail's lock changes it: look again later */
#define LIFE_TIMES 5 /* within a minute: KEEPUP_TIMES of the monitor, which counts */

struct keep {
	struct session s;
	struct journal journal;
	struct survey host, view;
	struct kept_list kept;
	int share;
	bool stop; /* only say that it is not put back any more */
	bool any; /* something was put back, or told */
};

static void keep_done(struct keep *k)
{
	session_done(&k->s);
	journal_done(&k->journal);
	survey_done(&k->host);
	survey_done(&k->view);
	kept_done(&k->kept);
	closep(&k->share);
}

static bool has_addr(const char *list, const struct ipaddr *a)
{
	_cleanup_free_ struct jaddr *v = NULL;
	size_t n = 0;

	return jaddr_list_parse(list, a->family, &v, &n, NULL) == 0 && jaddr_list_has(v, n, a);
}

/*
 * 1: it is up, and everything about it is read. 0: it stops, has ended, or a change of it was cut off, which the next command
 * takes back: then its addresses are not ours to judge.
 */
static int look(struct keep *k, const char *jail, struct err *e)
{
	struct session *s = &k->s;
	_cleanup_(journal_done) struct journal live = { 0 };
	int r = store_lock_jail(&s->c->st, jail, false, LOCK_S, &s->lock, e);

	if (r == 0)
		r = state_load(&s->c->st, jail, &s->st, e);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	if (s->st.vnet || s->st.lifecycle != LIFE_UP || os_jail_alive(s->st.pid, s->st.pid_start, NULL) <= 0)
		return 0;
	r = live_load(&s->c->st, jail, &live, e);
	if (r < 0 || live.n)
		return r;
	/* another jail that stops appends to our journal, and has removed what it had not passed on */
	r = share_lock(s, &k->share, e);
	if (r == 0)
		r = journal_load(&s->c->st, jail, &k->journal, e);
	if (r == 0)
		r = os_survey(0, &k->host, e);
	if (r == 0)
		r = kept_load(&s->c->st, jail, &k->kept, e);
	if (r == 0)
		r = session_os_jail(s, e);
	if (r == 0)
		r = session_os(s, e);
	return r < 0 ? r : 1;
}

/* Is it an alias of the jail's that is on no interface of the host now, and could be. */
static const struct sv_link *is_away(const struct keep *k, const struct op *undo)
{
	const struct sv_link *l;

	if (!share_is_alias(undo, OP_ADDR_DEL) || !undo->link || survey_addr(&k->host, &undo->addr) ||
	    !has_addr(undo->addr.family == 4 ? k->s.st.ip4 : k->s.st.ip6, &undo->addr))
		return NULL;
	l = survey_link(&k->host, undo->link);
	return l && (l->up || undo->addr.family == 4) ? l : NULL;
}

static int apply(struct keep *k, const struct op *op, struct err *e)
{
	struct backend b = os_backend(k->s.os);
	const struct op *ops[] = { op };
	size_t failed;
	int r = b.apply(b.ctx, ops, 1, &failed, e);

	return r == -EEXIST ? 0 : r;
}

/* The interface was made anew: the view's went with it. The monitor gives it what else the host's has. */
static int show_link(struct keep *k, const struct sv_link *l, struct err *e)
{
	struct op op = { .kind = OP_VIEW_ADD,
		         .where = AT_JAIL,
		         .link = l->name,
		         .index = l->index,
		         .mtu = l->mtu,
		         .mac = l->mac,
		         .flags = 1 }; /* IFF_UP */

	if (l->loopback || survey_link(&k->view, l->name))
		return 0;
	return apply(k, &op, e);
}

/* Of the jail's addresses each that the host has there, the host's own ones, too. */
static int show_addrs(struct keep *k, const char *link, struct err *e)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < k->host.naddrs; i++) {
		const struct sv_addr *a = &k->host.addrs[i];
		const struct sv_link *l = survey_index(&k->host, a->link);
		struct op op = { .kind = OP_ADDR_ADD, .where = AT_JAIL, .flags = OP_ADDR_NOROUTE, .link = link };

		if (!l || !streq(l->name, link) || survey_addr(&k->view, &a->addr) ||
		    !has_addr(a->addr.family == 4 ? k->s.st.ip4 : k->s.st.ip6, &a->addr))
			continue;
		op.addr = a->addr;
		r = apply(k, &op, e);
	}
	return r;
}

/* The link and, now that they are back, its addresses. */
static int show(struct keep *k, const char *link, struct err *e)
{
	const struct sv_link *l;
	int r;

	survey_done(&k->host);
	survey_done(&k->view);
	r = os_survey(0, &k->host, e);
	if (r == 0)
		r = os_survey(k->s.st.pid, &k->view, e);
	l = r == 0 ? survey_link(&k->host, link) : NULL;
	if (!l)
		return r;
	r = show_link(k, l, e);
	return r < 0 ? r : show_addrs(k, l->name, e);
}

/* In the jail's log, and for doctor. */
static int tell(struct keep *k, const struct op *undo, struct err *e)
{
	struct kept *what = kept_get(&k->kept, &undo->addr, undo->link);
	char text[IPADDR_TEXT], who[256];

	if (!what)
		return err_oom(e);
	ipaddr_format(&undo->addr, text);
	os_who_manages(undo->link, who, sizeof(who));
	what->left = k->stop;
	what->times += !k->stop;
	what->last = (int64_t)time(NULL);
	if (k->stop)
		info("iocage: %s was removed from %s by another program again, after it was put back %d times in a "
		     "minute: "
		     "it is not put back any more%s%s; iocage doctor %s",
		     text, undo->link, LIFE_TIMES, *who ? "; it may be " : "", who, k->s.jail);
	else
		info("iocage: %s was removed from %s by another program, and is put back%s%s", text, undo->link,
		     *who ? "; it may be " : "", who);
	k->any = true;
	return 0;
}

static int put_back(struct keep *k, const struct op *undo, struct err *e)
{
	struct op op = *undo;
	int r = 0;

	op.kind = OP_ADDR_ADD;
	if (!k->stop)
		r = apply(k, &op, e);
	return r < 0 ? r : tell(k, undo, e);
}

/* Is it the first alias of its interface. */
static bool is_first(const struct journal *j, size_t i)
{
	if (!share_is_alias(&j->undo[i], OP_ADDR_DEL) || !j->undo[i].link)
		return false;
	for (size_t k = 0; k < i; k++)
		if (share_is_alias(&j->undo[k], OP_ADDR_DEL) && j->undo[k].link &&
		    streq(j->undo[k].link, j->undo[i].link))
			return false;
	return true;
}

static int keep_all(struct keep *k, struct err *e)
{
	const struct journal *j = &k->journal;
	int r = 0, saved;

	for (size_t i = 0; r == 0 && i < j->n; i++)
		if (is_away(k, &j->undo[i]))
			r = put_back(k, &j->undo[i], e);
	if (!k->any)
		return r;
	saved = kept_save(&k->s.c->st, k->s.jail, &k->kept, r < 0 ? NULL : e);
	for (size_t i = 0; r == 0 && !k->stop && i < j->n; i++)
		if (is_first(j, i))
			r = show(k, j->undo[i].link, e);
	return r < 0 ? r : saved;
}

int life_keep(struct cli *c, const char *jail, unsigned times, struct err *e)
{
	_cleanup_(keep_done) struct keep k = { .share = -1, .stop = times >= LIFE_TIMES };
	struct run_opts o = { .quiet = true };
	int r;

	session_init(&k.s, c, jail, &o);
	r = look(&k, jail, e);
	if (r == -EBUSY)
		return OS_KEEP_LATER;
	if (r > 0)
		r = keep_all(&k, e);
	if (r < 0)
		return err_wrap(e, "%s: put back the addresses that another program removed", jail);
	return k.any ? 0 : OS_KEEP_NOTHING;
}
