/* store.h - everything kept in files: where, under which lock, in which form. Knows no operating system. */
#ifndef IOCAGE_STORE_STORE_H
#define IOCAGE_STORE_STORE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/str.h"
#include "core/conf.h"
#include "core/kept.h"
#include "core/op.h"
#include "core/restart.h"

/*
 * Layout. ROOT (IOCAGE_ROOT, /var/lib/iocage), survives reboots:
 *   defaults.json
 *   releases/R/root/         an extracted release, ids as in the archive (0..65535)
 *   jails/J/config.json      only what differs from the defaults
 *   jails/J/fstab
 *   jails/J/layers/{upper,work}/   thin jail: overlay on its release
 *   jails/J/root/                  thick or empty jail: the root itself; thin jail: does not exist
 *   templates/ images/ download/ log/J-console.log
 * RUN (IOCAGE_RUN, /run/iocage), gone after a reboot like what it describes:
 *   jid                      bitmap of jail ids in use
 *   lock/J                   flock(2), never deleted while held
 *   jails/J/{state,journal,restarts}
 *   hostnet/journal          the inverses of what hostnet apply did
 *   mnt/                     empty mount point used inside private mount namespaces
 */
struct store {
	char root[1024], run[1024]; /* canonical, absolute */
	int rootfd, runfd; /* directories; -1: not made yet, which reads as empty */
	const char *libexec; /* directory of iocage-extract; NULL: the built-in one */
	struct defaults *defaults; /* defaults.json as read once; NULL: not read yet */
};

#define STORE_INIT                         \
	{                                  \
		"", "", -1, -1, NULL, NULL \
	}

/* Take IOCAGE_ROOT/IOCAGE_RUN values (NULL: the built-in ones), make what is missing when create. */
must_check int store_open(struct store *s, const char *root, const char *run, bool create, struct err *e);
void store_close(struct store *s);

/* --- locks: flock, released by death; order is always global before jail, jails by name --- */
/* Blocks (bounded by wait_seconds; 0 = try once) for the jail's lock; *ret_fd is closed to release. -EBUSY: held. */
must_check int store_lock_jail(struct store *s, const char *jail, bool shared, unsigned wait_seconds, int *ret_fd,
                               struct err *e);
must_check int store_lock_global(struct store *s, const char *what, int *ret_fd, struct err *e);
/* With others who share it; flock(2) on the fd makes it exclusive. */
must_check int store_lock_shared(struct store *s, const char *what, int *ret_fd, struct err *e);
/* Let one of these go, and -1 in *fd: a close alone leaves it to children that were forked meanwhile. */
void store_unlock(int *fd);

/* --- configuration --- */
struct config {
	char name[80]; /* jail name, or "default" */
	struct conf conf; /* own + base layers */
	void *doc; /* the JSON document as read: unknown keys and key order survive a rewrite */
};

/* Defaults only, for `default` and as base of every jail. A missing defaults.json is not an error. */
must_check int config_load_defaults(struct store *s, struct config *ret, struct err *e);
/*
 * -ENOENT: no such jail. -EBADMSG: the jail is there but its configuration is missing or broken (`list` shows CORRUPT);
 * the error gives file, line and column, and the file is never overwritten.
 */
must_check int config_load(struct store *s, const char *jail, struct config *ret, struct err *e);
/* A configuration that exists only in memory yet, over the defaults. */
must_check int config_new(struct store *s, const char *jail, struct config *ret, struct err *e);
/* Write conf.own back, sorted keys, 4-space indent, mode 0600, atomic and synced. */
must_check int config_save(struct store *s, struct config *c, struct err *e);
void config_done(struct config *c);
/* Value as `get` prints it; unknown-to-us keys of the document too. NULL: no such key. Owned by caller. */
char *config_value(const struct config *c, const char *key);

/* --- jails --- */
/* Names of all jails (directories below jails/), natural order. */
must_check int store_jails(struct store *s, struct strv *ret, struct err *e);
/*
 * Which jail the user means. exact: only the full name. Otherwise F's rule: exact, else unique prefix; several:
 * "Multiple jails found for X:" with one "  name (path)" line each; none: "jail 'X' not found!".
 */
must_check int store_resolve(struct store *s, const char *given, bool exact, struct strv *ret_name, struct err *e);
bool store_has_jail(struct store *s, const char *jail);
/* 1, 0: there is none of this name, or -errno: it cannot be told. */
must_check int store_find_jail(struct store *s, const char *jail);
/*
 * Make jails/J with its directories. release NULL: empty jail. thick: copy of the release. The new jail appears at
 * once with its configuration, or not at all (it is built under a temporary name and renamed). -EEXIST.
 */
must_check int store_create_jail(struct store *s, struct config *c, const char *release, bool thick, struct err *e);
/*
 * Close jails/J, its files and defaults.json to all but root, where an older version or somebody by hand left them open.
 * A few stat(2) when they are closed. Links are not followed.
 */
must_check int store_private_jail(struct store *s, const char *jail, struct err *e);
/* Remove jails/J and its logs. Refuses while something is mounted below. Renamed out of sight first. */
must_check int store_destroy_jail(struct store *s, const char *jail, struct err *e);
/* Where its root file system comes from; strings owned by caller in ret (struct root_paths_done). */
struct root_paths {
	char *lower, *layers, *dir, *fstab_text;
};
must_check int store_root_paths(struct store *s, const struct config *c, struct root_paths *ret, struct err *e);
void root_paths_done(struct root_paths *p);

/* --- state of a running jail: RUN/jails/J/state, key=value lines --- */
#define STATE_LIST 16384 /* 255 addresses with interface and prefix */
#define STATE_NET  8192
/* STARTING until start has gone to its end, STOPPING from before the first removal until the state itself is removed. */
enum lifecycle { LIFE_STARTING, LIFE_UP, LIFE_STOPPING };

struct state {
	unsigned jid;
	pid_t pid; /* the jail's pid 1, as seen from the host; 0: none */
	uint64_t pid_start; /* its start time (clock ticks since boot), against pid reuse */
	pid_t monitor;
	uint64_t monitor_start;
	bool vnet;
	enum lifecycle lifecycle;
	int64_t started; /* seconds since the epoch */
	char cgroup[256]; /* path below the cgroup2 mount */
	char ip4[STATE_LIST], ip6[STATE_LIST]; /* as it has them: of its start, or of the last live change */
	char net[STATE_NET]; /* what else its network runs with, PROP=VALUE words; "": not known */
	char release[128];
	char init[256]; /* what was started as its first process: a path inside, "builtin"; "": an earlier version did */
};
must_check int state_load(struct store *s, const char *jail, struct state *ret,
                          struct err *e); /* -ENOENT: no state; then, as after any error, *ret is all zero */
must_check int state_save(struct store *s, const char *jail, const struct state *st, struct err *e);
must_check int state_names(struct store *s, struct strv *ret, struct err *e); /* jails that have any run state */

/* With the jail's lock: remove what a writer of its files that was killed left half done. */
void store_sweep_jail(struct store *s, const char *jail);

/* --- journal: RUN/jails/J/journal, one inverse operation a line, in the order done --- */
/* The host's own network has one, too: it is no jail's name, and lies in RUN/hostnet. */
#define JOURNAL_HOST   ".hostnet"
/* And each uplink that jails share: this and its name; in RUN/uplinks. */
#define JOURNAL_UPLINK ".uplink/"
must_check int uplink_names(struct store *s, struct strv *ret, struct err *e); /* those that have one */
struct journal {
	struct op *undo;
	char **mem;
	size_t n;
};
/* Opens (creating) for append. *ret_fd owned by caller. Not synced: kernel objects die with the kernel. */
must_check int journal_open(struct store *s, const char *jail, int *ret_fd, struct err *e);
must_check int journal_append(int fd, const struct op *undo, struct err *e);
must_check int journal_load(struct store *s, const char *jail, struct journal *ret, struct err *e); /* none: n = 0 */
/* Keep only what could not be undone. n = 0 removes state and journal: the jail is down. */
must_check int journal_keep(struct store *s, const char *jail, const struct journal *j, const bool *keep,
                            struct err *e);
void journal_done(struct journal *j);

/*
 * RUN/jails/J/live: the same for a change of a jail that runs, as long as it is under way. It also notes what the state and
 * the configuration are to be (none path=state|config name=KEY text=VALUE).
 */
must_check int live_open(struct store *s, const char *jail, int *ret_fd, struct err *e);
must_check int live_load(struct store *s, const char *jail, struct journal *ret, struct err *e); /* none: n = 0 */
must_check int live_remove(struct store *s, const char *jail, struct err *e);

/* --- RUN/jails/J/kept: what other programs took from a running jail; with the jail's lock to write it --- */
must_check int kept_load(struct store *s, const char *jail, struct kept_list *ret, struct err *e); /* none: n = 0 */
must_check int kept_save(struct store *s, const char *jail, const struct kept_list *l, struct err *e);
/*
 * RUN/jails/J/restarts, with the jail's lock. It goes with the state. None, or one that makes no sense: all zero. Written after
 * the state was removed, it stays until the next start or stop.
 */
void restarts_load(struct store *s, const char *jail, struct restarts *ret);
must_check int restarts_save(struct store *s, const char *jail, const struct restarts *r, struct err *e);

/* --- the address of a jail with nat, with its prefix; kept beside its configuration --- */
must_check int nat_addr_load(struct store *s, const char *jail, struct ipaddr *ret, struct err *e); /* -ENOENT: none */
must_check int nat_addr_save(struct store *s, const char *jail, const struct ipaddr *a, struct err *e);

/* --- jail ids: small integers from 1 --- */
must_check int jid_take(struct store *s, unsigned *ret, struct err *e);
must_check int jid_put(struct store *s, unsigned jid, struct err *e);

/*
 * What killed writers left: unfinished jails, releases and files, ids that no jail has. *ret_n counts what was removed.
 * What somebody still works on stays, if he does not end within two seconds.
 */
must_check int store_sweep(struct store *s, size_t *ret_n, struct err *e);

/* --- releases (release.c and its helpers) --- */
must_check int store_releases(struct store *s, struct strv *ret, struct err *e);
bool store_has_release(struct store *s, const char *release);

struct fetch_req {
	const char *release; /* busybox, bookworm, ..., or the name for a local archive */
	const char *file; /* -F FILE: local archive or NULL */
	const char *sha256; /* expected, hex, or NULL */
	const char *mirror; /* -s: NULL = the host's own */
	void (*progress)(void *ctx, const char *text, int percent); /* percent -1: unknown. May be NULL */
	void *progress_ctx;
};
/* Make releases/R from it, whole or not at all. -EEXIST when it is there already. */
must_check int release_fetch(struct store *s, const struct fetch_req *r, struct err *e);
must_check int release_destroy(struct store *s, const char *release, struct err *e);
/* Jails whose thin root needs the release. */
must_check int release_users(struct store *s, const char *release, struct strv *ret, struct err *e);
/* Is it a name we know how to make without an archive. */
bool release_is_known(const char *release);

#endif
