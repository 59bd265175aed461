/* life.h - starting and stopping one jail: where store, core and operating system meet. */
#ifndef IOCAGE_CLI_LIFE_H
#define IOCAGE_CLI_LIFE_H

#include "cli/cli.h"
#include "core/jail.h"
#include "core/plan.h"
#include "core/restart.h"
#include "os/os.h"

struct run_opts {
	bool quiet; /* --rc: nothing but errors */
	bool dry_run; /* print the plan, change nothing */
	bool force; /* stop: without exec_prestop and exec_stop */
	/* start: nobody asked for it. Only if the jail's restarts say that we are about to (-ECANCELED); kept with it */
	struct restarts *again;
};

/*
 * Start a jail, the jails it depends on first. -EALREADY with class ERR_BUSY: it runs. Prints as it goes; what failed is
 * in e, whole lines as the user is to see them.
 */
must_check int life_start(struct cli *c, const char *jail, const struct run_opts *o, struct err *e);

/*
 * Stop it. -ESRCH with class ERR_BUSY: it does not run ("J is not running!"); what a dead one left over is removed then,
 * too.
 */
must_check int life_stop(struct cli *c, const char *jail, const struct run_opts *o, struct err *e);

/* Stop and start what runs inside, the jail and its network stay. Errors as life_stop. */
must_check int life_soft_restart(struct cli *c, const char *jail, struct err *e);

/*
 * With what its journal says: put back the addresses of a running shared-IP jail that another program took from the host. times:
 * how often that was done within a minute; after five it is only said that it is not done any more. What is done is said on
 * stdout. 0: something was; OS_KEEP_NOTHING, OS_KEEP_LATER; or -errno.
 */
must_check int life_keep(struct cli *c, const char *jail, unsigned times, struct err *e);

/* Undo a jail whose first process is gone or whose start was interrupted; nothing to do is success. */
must_check int life_reap(struct cli *c, const char *jail, struct err *e);

/*
 * For a jail's monitor: the jail is to end by what happened inside it, or has (how: restart_wanted()). It is stopped with its
 * hooks, and started again if that is to be. A stop by anybody else wins: -ECANCELED, or nothing is left to do.
 */
must_check int life_ended(struct cli *c, const char *jail, const char *how, struct err *e);

/*
 * set on a jail that runs, with its lock: what can change at once does, and cfg, in which the values are set already, is
 * written; all or nothing. *ret_live false: nothing of it can, and cfg is written only.
 */
must_check int life_set(struct cli *c, struct config *cfg, const struct assigns *props, bool *ret_live, struct err *e);
/* What the jail's network runs with, for later changes: into the state. */
void live_note(struct state *st, const struct conf *c, const struct jnic *nics, size_t nnics);

/* Which addresses a jail that has just started learned, and which not. */
struct session;
void learned_tell(const struct session *s);

/* --- shared by life*.c and the commands that enter a jail --- */

/* Where the root comes from, with what plan_start wants to know. src points into the rest. */
struct root_info {
	struct root_paths paths;
	char *init, *resolv, *host_root;
	bool no_rc_stop; /* exec_stop is the default and its script does not exist */
	struct root_source src;
};

/* Everything held while one jail is worked on. */
struct session {
	struct cli *c;
	const char *jail; /* borrowed */
	struct run_opts o;
	int lock;
	int uplinks; /* uplink_lock() held, else -1 */
	int share; /* share_lock() or share_bridges() held during a start, else -1 */
	struct config cfg;
	bool have_cfg, have_model;
	struct jail model;
	struct root_info root;
	struct state st;
	struct os_jail oj;
	struct os *os;
	char *console_log;
	struct sbuf limits;
	char *on_death[5];
};

void session_init(struct session *s, struct cli *c, const char *jail, const struct run_opts *o);
void session_done(struct session *s);
must_check int session_lock(struct session *s, struct err *e);
must_check int session_config(struct session *s, struct err *e); /* configuration and model */
/* Shared directories in which the jail's root could leave a set-user-ID program for the host's users (life_fstab.c). */
void warn_shared(const struct session *s, const struct plan *p);
/* The model's flags for what is brought into the jail, which runs: held as its first process is. */
unsigned session_allow(const struct session *s);
/* The jail that is about to start runs under AppArmor where the host has it, as its property says. */
must_check int session_apparmor(struct session *s, struct err *e);
/* Text for etc/resolv.conf, NULL: the jail's own is left alone. -ENOMEM. */
must_check int resolver_text(const char *value, char **ret);
must_check int session_root(struct session *s, struct err *e); /* root paths and exec_init */
/* os_jail from what the state says. */
must_check int session_os_jail(struct session *s, struct err *e);
must_check int session_os(struct session *s, struct err *e);
/* Replay the journal, last to first, through b; what could not be undone stays in it, else the jail is down. */
must_check int session_undo(struct session *s, const struct backend *b, struct err *e);
/* If its monitor was killed: end what is left of the jail, remove what it had added, and say so. Takes the lock. */
must_check int life_end_unheld(struct cli *c, const char *jail, struct err *e);
must_check int life_end_unheld_locked(struct cli *c, const char *jail, struct err *e); /* with the lock */

/*
 * With the lock, of a jail that is up, its state loaded: does its monitor answer. 1: yes. 0: no, and it was ended as if it had been
 * killed, what was left of the jail, too; that was said, and the state is empty.
 */
must_check int session_held(struct session *s, struct err *e);
/* The same without the lock; it is taken if there is something to end. */
must_check int life_held(struct cli *c, const char *jail, const struct state *st, struct err *e);
/* What runs as its first process: a path inside, or NULL for the built-in init. */
const char *session_init_path(const struct session *s);

/* life_stop.c, parts of a stop. Configuration, model and root as far as they can be read; what cannot be is said. */
void stop_load(struct session *s);
/* exec_prestop; and in a jail that lives, what ends its services. What fails is said. */
void stop_services(struct session *s, bool alive);
/* The journal, told. */
must_check int stop_replay(struct session *s, struct err *e);
void stop_after(struct session *s); /* exec_poststop */
/* With the lock: are we still the process that is about to start it. Else -ECANCELED. */
must_check int restart_pending(struct session *s, struct err *e);

/* If a jail that is gone left something: remove it. One line on stderr says so, unless quiet. */
must_check int session_clean_leftovers(struct session *s, bool quiet, struct err *e);
/*
 * Between asking which addresses exist and having said that we use them, and while removing any: one at a time. Taken
 * with the jail's lock held, never the other way round.
 */
must_check int share_lock(struct session *s, int *ret_fd, struct err *e);
/*
 * Between asking which bridges exist and having a port on each: nobody removes one meanwhile. Who removes one does it alone.
 */
must_check int share_bridges(struct session *s, int *ret_fd, struct err *e);
must_check int share_bridges_alone(struct session *s, int *ret_fd, struct err *e);
/* Does no jail that has a state use this address. With share_lock(). */
must_check int share_is_free(struct session *s, const struct ipaddr *a, bool *ret, struct err *e);
/*
 * Give the removal of an address to the journal of the first other jail that uses it; *ret: there is one. It stays in ours for
 * now: died in between, both have it, and the last one does it. With the lock.
 */
must_check int share_pass(struct session *s, const struct op *op, bool *ret, struct err *e);
/* Who uses the addresses that are on the host already: into the facts. Only asked when there are such. */
must_check int share_holders(struct session *s, struct facts *f, struct err *e);
/* Is it one that adds or removes (kind) an alias on the host. */
bool share_is_alias(const struct op *op, enum op_kind kind);
/*
 * A backend for the aliases of j's addresses: one that another jail has added since it was asked for is used if both may have
 * it, and one that another jail uses is not removed but passed on to it. All else is real's. locked: share_lock() is held, else
 * it is taken for as long as it needs. j NULL: nothing is added. *u lives as long as it is used.
 */
struct share_backend {
	struct session *s;
	const struct jail *j;
	struct backend real;
	bool locked;
};
struct backend share_backend(struct share_backend *u, struct session *s, const struct jail *j,
                             const struct backend *real, bool locked);
/* The address of a jail with nat, into its model; chosen now unless it was before. */
must_check int session_nat(struct session *s, struct err *e);

/* The loopback address of a jail with assign_localhost, into its model; chosen now, and kept, unless it was before. */
must_check int session_localhost(struct session *s, struct err *e);

/* --- life_uplink.c --- */

/* One at a time works on the host's own network: taken before the locks of share_*, after the jail's. Held already: 0. */
must_check int uplink_lock(struct session *s, struct err *e);
void uplink_release(struct session *s);
/* The host's network and the jail's uplink into the facts, if it takes one. With uplink_lock(). */
must_check int uplink_facts(struct session *s, struct facts *f, struct err *e);
/* Somebody else manages what is about to be changed: said on stderr. */
void uplink_warn(const struct session *s, const struct facts *f);
/* A backend that also knows UPLINK_ADD and _DEL, and leaves all else to real. *u lives as long as it is used. */
struct uplink_backend {
	struct session *s;
	struct backend real;
};
struct backend uplink_backend(struct uplink_backend *u, struct session *s, const struct backend *real);
/* An uplink that was joined, and no jail says that it takes it out (*ret): out of its bridge, unless dry. For gc. */
must_check int uplink_orphan(struct session *s, const char *link, bool dry, bool *ret, struct err *e);

/* No state, so nothing was done: what a killed writer left of its files goes. */
must_check int session_sweep(struct session *s, struct err *e);
/* The jail runs, its state is loaded, we have its lock: take back a live change that was cut off. -ESRCH: it has ended. */
must_check int live_recover(struct session *s, struct err *e);
/* A progress line on stdout, unless quiet. */
void session_say(const struct session *s, const char *fmt, ...) printf_like(2, 3);

/* cmd_gc.c: how many things there are to remove, and the first in words. */
size_t gc_count(struct cli *c, char *first, size_t cap);

#endif
