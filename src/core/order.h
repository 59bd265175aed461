/* order.h - in which order jails start and stop: by what they depend on, then by priority, several at a time. Pure. */
#ifndef IOCAGE_CORE_ORDER_H
#define IOCAGE_CORE_ORDER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/str.h"

enum order_state { ORDER_WAITS, ORDER_RUNS, ORDER_DONE, ORDER_FAILED };

struct order_node {
	char *name;
	long priority; /* lower is earlier; what is needed is at least as early as who needs it */
	size_t *needs; /* numbers of nodes */
	size_t nneeds;
	enum order_state state;
	bool seen; /* by the search for circles */
};

/* Zero-initialised is empty. Owns its names. */
struct order {
	struct order_node *v;
	size_t n, cap;
};

#define ORDER_NONE ((size_t)-1)

size_t order_find(const struct order *o, const char *name); /* ORDER_NONE: not there */
must_check int order_add(struct order *o, const char *name, long priority, size_t *ret, struct err *e);
must_check int order_need(struct order *o, size_t who, size_t what, struct err *e);

/*
 * Before the first start: nodes that need one another in a circle become FAILED, and ret gets a line "a -> b -> a" for each
 * circle. And priorities are spread to what is needed.
 */
must_check int order_settle(struct order *o, struct strv *ret_circles, struct err *e);

/* The next that may start now; it then RUNS. ORDER_NONE: none, until one that runs ends; or nothing waits any more. */
size_t order_next_start(struct order *o);
/* The same for stopping: the other way round, and a failure holds nobody up. */
size_t order_next_stop(struct order *o);
/* It started (or stopped), or not. */
void order_end(struct order *o, size_t i, bool ok);
/* One that waits and never can start, as something it needs failed: it becomes FAILED. *ret_need: which. ORDER_NONE. */
size_t order_hopeless(struct order *o, size_t *ret_need);

void order_done(struct order *o);

#endif
