/* order.c - jails in the order of their needs and priorities. */
#include "core/order.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

size_t order_find(const struct order *o, const char *name)
{
	for (size_t i = 0; i < o->n; i++)
		if (streq(o->v[i].name, name))
			return i;
	return ORDER_NONE;
}

int order_add(struct order *o, const char *name, long priority, size_t *ret, struct err *e)
{
	if (o->n == o->cap) {
		size_t cap = o->cap ? o->cap * 2 : 16;
		struct order_node *v = realloc(o->v, cap * sizeof(*v));

		if (!v)
			return err_oom(e);
		o->v = v;
		o->cap = cap;
	}
	o->v[o->n] = (struct order_node){ .name = strdup(name), .priority = priority };
	if (!o->v[o->n].name)
		return err_oom(e);
	*ret = o->n++;
	return 0;
}

int order_need(struct order *o, size_t who, size_t what, struct err *e)
{
	struct order_node *n = &o->v[who];
	size_t *needs = realloc(n->needs, (n->nneeds + 1) * sizeof(*needs));

	if (!needs)
		return err_oom(e);
	n->needs = needs;
	needs[n->nneeds++] = what;
	return 0;
}

void order_done(struct order *o)
{
	for (size_t i = 0; i < o->n; i++) {
		free(o->v[i].name);
		free(o->v[i].needs);
	}
	free(o->v);
	*o = (struct order){ 0 };
}

/* --- circles --- */

struct path {
	size_t *at; /* nodes from the first to where we are */
	size_t *edge; /* which need of each is next */
	size_t n;
};

/* The path from `first` on is a circle. */
static int circle(struct order *o, const struct path *p, size_t first, struct strv *ret)
{
	_cleanup_(sbuf_done) struct sbuf b = { 0 };
	size_t k = 0;

	while (p->at[k] != first)
		k++;
	for (; k < p->n; k++) {
		sbuf_addf(&b, "%s -> ", o->v[p->at[k]].name);
		o->v[p->at[k]].state = ORDER_FAILED;
	}
	sbuf_add(&b, o->v[first].name);
	return b.failed ? -ENOMEM : strv_add(ret, b.p);
}

static bool on_path(const struct path *p, size_t i)
{
	for (size_t k = 0; k < p->n; k++)
		if (p->at[k] == i)
			return true;
	return false;
}

static void push(struct order *o, struct path *p, size_t i)
{
	o->v[i].seen = true;
	p->at[p->n] = i;
	p->edge[p->n++] = 0;
}

/* Depth first, without recursion: a chain can be as long as there are jails. */
static int search(struct order *o, struct path *p, size_t from, struct strv *ret)
{
	push(o, p, from);
	while (p->n) {
		const struct order_node *n = &o->v[p->at[p->n - 1]];
		size_t next;
		int r;

		if (p->edge[p->n - 1] == n->nneeds) {
			p->n--;
			continue;
		}
		next = n->needs[p->edge[p->n - 1]++];
		if (on_path(p, next)) {
			r = circle(o, p, next, ret);
			if (r < 0)
				return r;
		} else if (!o->v[next].seen) {
			push(o, p, next);
		}
	}
	return 0;
}

/* As long as it changes something, which is as often as the longest chain is long. */
static void spread(struct order *o)
{
	bool changed = true;

	for (size_t round = 0; changed && round <= o->n; round++) {
		changed = false;
		for (size_t i = 0; i < o->n; i++)
			for (size_t k = 0; k < o->v[i].nneeds; k++) {
				struct order_node *need = &o->v[o->v[i].needs[k]];

				if (need->priority > o->v[i].priority) {
					need->priority = o->v[i].priority;
					changed = true;
				}
			}
	}
}

int order_settle(struct order *o, struct strv *ret_circles, struct err *e)
{
	_cleanup_free_ size_t *at = calloc(o->n + 1, sizeof(*at)), *edge = calloc(o->n + 1, sizeof(*edge));
	struct path p = { at, edge, 0 };

	if (!at || !edge)
		return err_oom(e);
	for (size_t i = 0; i < o->n; i++)
		if (!o->v[i].seen && search(o, &p, i, ret_circles) < 0)
			return err_oom(e);
	spread(o);
	return 0;
}

/* --- going through it --- */

static bool unfinished(const struct order_node *n)
{
	return n->state == ORDER_WAITS || n->state == ORDER_RUNS;
}

static bool needs_are(const struct order *o, const struct order_node *n)
{
	for (size_t k = 0; k < n->nneeds; k++)
		if (o->v[n->needs[k]].state != ORDER_DONE)
			return false;
	return true;
}

/* Is somebody who needs i not stopped yet. */
static bool needed(const struct order *o, size_t i)
{
	for (size_t k = 0; k < o->n; k++)
		for (size_t n = 0; unfinished(&o->v[k]) && k != i && n < o->v[k].nneeds; n++)
			if (o->v[k].needs[n] == i)
				return true;
	return false;
}

/* The priority whose turn it is: everything before it has ended. false: nothing is left. */
static bool turn(const struct order *o, bool falling, long *ret)
{
	bool any = false;

	for (size_t i = 0; i < o->n; i++)
		if (unfinished(&o->v[i]) && (!any || (falling ? o->v[i].priority > *ret : o->v[i].priority < *ret))) {
			*ret = o->v[i].priority;
			any = true;
		}
	return any;
}

size_t order_next_start(struct order *o)
{
	long now = 0;

	for (size_t i = 0; turn(o, false, &now) && i < o->n; i++)
		if (o->v[i].state == ORDER_WAITS && o->v[i].priority == now && needs_are(o, &o->v[i])) {
			o->v[i].state = ORDER_RUNS;
			return i;
		}
	return ORDER_NONE;
}

size_t order_next_stop(struct order *o)
{
	size_t any = ORDER_NONE;
	long now = 0;
	bool runs = false;

	for (size_t i = o->n; turn(o, true, &now) && i-- > 0;) {
		runs = runs || o->v[i].state == ORDER_RUNS;
		if (o->v[i].state != ORDER_WAITS || o->v[i].priority != now)
			continue;
		if (!needed(o, i)) {
			o->v[i].state = ORDER_RUNS;
			return i;
		}
		any = any == ORDER_NONE ? i : any;
	}
	/* a circle that was made after they started: somebody is the first */
	if (!runs && any != ORDER_NONE)
		o->v[any].state = ORDER_RUNS;
	return runs ? ORDER_NONE : any;
}

void order_end(struct order *o, size_t i, bool ok)
{
	o->v[i].state = ok ? ORDER_DONE : ORDER_FAILED;
}

size_t order_hopeless(struct order *o, size_t *ret_need)
{
	for (size_t i = 0; i < o->n; i++)
		for (size_t k = 0; o->v[i].state == ORDER_WAITS && k < o->v[i].nneeds; k++)
			if (o->v[o->v[i].needs[k]].state == ORDER_FAILED) {
				o->v[i].state = ORDER_FAILED;
				*ret_need = o->v[i].needs[k];
				return i;
			}
	return ORDER_NONE;
}
