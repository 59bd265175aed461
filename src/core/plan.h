/* plan.h - an ordered list of steps, each an operation with its inverse; and the one runner. Pure but for its backend. */
#ifndef IOCAGE_CORE_PLAN_H
#define IOCAGE_CORE_PLAN_H

#include "core/facts.h"
#include "core/jail.h"
#include "core/op.h"

/* What the user is told as groups of steps end: "  + Started OK". */
enum phase { PH_QUIET, PH_PRESTART, PH_START, PH_VNET, PH_SERVICES, PH_POSTSTART, PH__COUNT };

struct step {
	struct op redo, undo; /* undo.kind OP_NONE: nothing to undo */
	enum phase phase;
};

/* Owns its steps and the strings of their ops. Zero-initialised is empty. */
struct plan {
	struct step *steps;
	size_t n, cap;
	char **mem; /* every string handed out by plan_str */
	size_t nmem, capmem;
	bool failed; /* out of memory while building: plan_check() says so */
};

/* Copy s into the plan's memory (NULL stays NULL; NULL and failed set when out of memory). */
const char *plan_str(struct plan *p, const char *s);
const char *plan_strf(struct plan *p, const char *fmt, ...) printf_like(2, 3);
/* Append a step; the ops' strings must already be the plan's (plan_str) or static. */
void plan_add(struct plan *p, enum phase ph, const struct op *redo, const struct op *undo);
must_check int plan_check(const struct plan *p, struct err *e);
void plan_done(struct plan *p);
/* One line per step (`op | undo op`), for --dry-run and golden tests. */
void plan_format(const struct plan *p, struct sbuf *out);

/* Where the jail's file system comes from, found by the store and passed in. */
struct root_source {
	const char *lower; /* overlay: the release's root (host path); NULL: no overlay */
	const char *layers; /* overlay: directory with upper/ and work/ (host path) */
	const char *dir; /* no overlay: the root itself (host path) */
	const char *host_root; /* prefix of fstab destinations, as F writes them (host path of the root); NULL = none */
	const char *init; /* what exec_init resolved to: NULL = built-in */
	bool no_rc; /* exec_start is the default and the root has no such script: nothing to run */
	const char *fstab; /* text of the jail's fstab, NULL = none */
	const char *resolv; /* text for etc/resolv.conf, NULL = leave alone */
};

/* Plan of `start`. Facts and model in, steps out; no side effects. */
must_check int plan_start(const struct jail *j, const struct facts *f, const struct root_source *root, struct plan *ret,
                          struct err *e);

/* FreeBSD's rule for an address that the facts say another jail has: 0, or EADDRINUSE with whose it is. */
must_check int plan_may_share(const struct jail *j, const struct facts *f, const struct ipaddr *a, struct err *e);
/*
 * Plan of `set` on a jail that runs: from the model it runs with to the one it shall have. facts must know the addresses
 * and interfaces of both. Only addresses, default routes and MTUs are looked at. change: all or nothing, each step with
 * its inverse. after: what cannot be taken back (connections on addresses that are gone), for when all else is done.
 * Both are the caller's to plan_done(), filled on success only.
 */
must_check int plan_live(const struct jail *old, const struct jail *new, const struct facts *f, struct plan *change,
                         struct plan *after, struct err *e);

/*
 * The packet filter's part of that plan alone, for a jail that runs with the id in f: each step can be done again, and then
 * replaces what it did before.
 */
must_check int plan_rules(const struct jail *j, const struct facts *f, struct plan *ret, struct err *e);

/* What an operating system does for a plan. */
struct backend {
	void *ctx;
	/*
	 * Carry out ops[0..n). n > 1 only for neighbours whose kind is batched. On failure *ret_failed is the index of
	 * the op that failed; ops before it are done, ops after it may be.
	 */
	int (*apply)(void *ctx, const struct op *const *ops, size_t n, size_t *ret_failed, struct err *e);
};

/* Durable before the step is done: the runner calls it with each step's inverse. 0 or negative. */
struct journal_sink {
	void *ctx;
	int (*append)(void *ctx, const struct op *undo, struct err *e);
};

/* Told after the last step of each phase, or at its failure. May be NULL. */
typedef void (*plan_progress)(void *ctx, enum phase ph, bool ok);

/*
 * Run all steps in order. On failure the inverses of what was journalled are applied in reverse, to the end, and e
 * keeps the first error; what could not be undone is appended to it, one line each, and *ret_stuck counts them.
 */
must_check int plan_run(const struct plan *p, const struct backend *b, const struct journal_sink *sink,
                        plan_progress progress, void *progress_ctx, size_t *ret_stuck, struct err *e);

/*
 * Apply inverse operations last to first, going on past failures. What would be put back on an interface that is gone counts
 * as done; what has to wait for one that could not be taken out of a jail is not tried. stuck[i] tells which were not done (array
 * of n, may be NULL: then nothing waits). Returns 0 or the first failure; e has one line per failure.
 */
int plan_undo(const struct op *undo, size_t n, const struct backend *b, bool *stuck, struct err *e);
/*
 * A bridge in use stays, and that is no failure. But when what uses it may be what is stuck, its removal is to be tried again,
 * too: marks it in stuck, as plan_undo() filled it, for a journal that is kept.
 */
void plan_keep_bridges(const struct op *undo, size_t n, bool *stuck);

#endif
