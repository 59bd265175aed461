/* os.h - the contract an operating system fulfils, in words. Linux in os/linux, FreeBSD in os/freebsd, print in print.c. */
#ifndef IOCAGE_OS_OS_H
#define IOCAGE_OS_OS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "core/facts.h"
#include "core/hostnet.h"
#include "core/plan.h"
#include "core/survey.h"

/*
 * What a backend must know of a running or starting jail that plans do not carry. The cli fills it from the store.
 * `jail` names one jail; paths are absolute host paths.
 */
struct os_jail {
	const char *jail;
	const char *run; /* IOCAGE_RUN */
	const char *limits; /* of processes that are brought in: limits_process() of core/limit.h; NULL: the usual ones */
	const char *console_log; /* file the jail's console output goes to (created by the backend, size-capped) */
	unsigned console_kb; /* bound of that file; one older is kept beside it. 0: 1024 */
	unsigned jid;
	pid_t pid, monitor;
	uint64_t pid_start, monitor_start;
	bool vnet;
	char cgroup[256];
	char note[128]; /* filled by the backend: what the user is to be told of what was done; "" = nothing */
	/*
	 * argv of the command the monitor runs when the jail ends by itself (cleans up); NULL-terminated, or NULL. argv[0] is iocage:
	 * the monitor of a shared-IP jail runs `argv[0] keep JAIL N`, too, when an address is away; N: how often of late.
	 */
	char *const *on_death;
};
#define OS_KEEP_LATER 4 /* somebody changes the jail at the moment */
#define OS_KEEP_NOTHING \
	3 /* exit status of `keep`: there was nothing to be put back, or it was not the jail's; 0: it is back */

/* Opaque context of the real backend: netlink sockets, the jail being built. */
struct os;

/* Open what a plan for this jail needs. dry: only facts will be asked. */
must_check int os_open(struct os_jail *j, struct os **ret, struct err *e);
void os_close(struct os *os);

/* Facts about the host for this jail: links it names, default routes, which of its addresses exist already. Read-only. */
must_check int os_facts(struct os *os, const struct jail *j, struct facts *ret, struct err *e);

/* What the host's own network is now, as far as the model names it; who else manages its links. Read-only. */
must_check int os_hostnet_facts(struct os *os, const struct hostnet *h, struct hn_facts *ret, struct err *e);

/*
 * Does the host know a way to IPv4 address a other than its default route: 1 with that network in *ret (its own addresses
 * are networks of one), 0 when not, or negative.
 */
must_check int os_route_to(struct os *os, const struct ipaddr *a, struct ipaddr *ret, struct err *e);

/*
 * Put back the packet filter rules of a jail that runs, as its model says, after somebody removed them: rules that are
 * there are written anew, in one piece. f: os_facts() of the model, with the jail's jid. Journals are not touched: they have
 * what it takes to remove them.
 */
must_check int os_rules_restore(struct os *os, const struct jail *j, const struct facts *f, struct err *e);

/* The backend a plan is run with. After a successful OP_JAIL_ADD os_jail's pid fields are filled in. */
struct backend os_backend(struct os *os);

/* The backend that only prints (os/print.c): `op_format` lines to out. */
struct backend print_backend(struct sbuf *out);

/* Directory of the helper programs (iocage-init, iocage-bpf); dir is borrowed. Told once, before anything else. */
void os_set_libexec(const char *dir);

/* Can this kernel and this user run jails at all: one clear line if not (no root, missing feature by name). */
must_check int os_check(bool vnet, struct err *e);

/*
 * Does a set-user-ID program below this directory act as one for other users of the host: none of the directories above it is
 * closed to them, and its file system is not mounted nosuid. Its own mode is the jail's to change. False: there is none.
 */
bool os_suid_reachable(const char *path);

/*
 * The host's AppArmor, if it has it, is to know the jails' profiles: 1: it does (loaded now, or before); 0: this host has no
 * AppArmor, or one that is turned off; negative: they could not be loaded, and *ret_again says whether that was so before since
 * boot. run: IOCAGE_RUN. Then ALLOW_APPARMOR in a jail's flags makes it run under one.
 */
must_check int os_apparmor(const char *run, bool *ret_again, struct err *e);
/* Does that process run under a profile of ours: what is brought into its jail has to, too. */
bool os_apparmor_on(pid_t pid);

/*
 * Is a process still that process (pid and start time): 1; 0: it has ended. Negative: it cannot be told, and who would destroy or
 * use again what a live one has does not.
 */
must_check int os_jail_alive(pid_t pid, uint64_t pid_start, struct err *e);

/*
 * Does the monitor of a running jail answer: 1, also when there is none or it cannot be asked. 0: it did not within
 * ten seconds (one if it is stopped), and was killed: what is left of the jail is as after any other death of its monitor.
 */
must_check int os_monitor_answers(const struct os_jail *j, struct err *e);

/* --- entering --- */
struct os_exec {
	char *const *argv;
	const char *host_user; /* -u: resolved on the host; NULL */
	const char *jail_user; /* -U: resolved inside the jail; NULL */
	char *const *env; /* complete environment */
	bool login; /* console: always a terminal of the jail's own */
	unsigned allow; /* enum allow_flags of the jail */
};
/*
 * Run a command inside, held exactly as the jail's own processes are. A terminal on the caller's side is never handed
 * in: the jail gets one of its own and bytes are passed. Signals to us go to the command. *ret_status: exit code or
 * 128 + signal; 127/126 when it could not be executed.
 */
must_check int os_exec(const struct os_jail *j, const struct os_exec *x, int *ret_status, struct err *e);

/* --- sockets --- */
/* An IP socket as its owner sees it: what getsockname(2) and getpeername(2) say. */
struct os_socket {
	int owner; /* which of the jails asked for; OS_SOCKET_HOST: the host's own */
	char proto[8]; /* "tcp4", "tcp6", "tcp46" (both families); as well udp, raw, icmp */
	bool shared; /* of the host's stack, not of one of the jail's own */
	bool listens; /* takes what comes from anywhere: a TCP listener, a datagram or raw socket without a peer */
	struct ipaddr local, peer; /* family 0: none; all zero: the wildcard */
	uint16_t lport, pport; /* 0: none. Of a raw socket: the protocol's number */
	const char *state; /* "LISTEN" and the others of RFC 9293; "-": there is none. Static */
	pid_t *pids; /* processes that have it, lowest first, as numbered on the host; owned */
	size_t npids;
	char command[32]; /* of the first of them, printable ASCII; "" = none */
};
#define OS_SOCKET_HOST (-1)
struct os_sockets {
	struct os_socket *v;
	size_t n;
};
/*
 * Sockets of the processes of n running jails (name, vnet, pid and cgroup are used), and, when one of them is a shared-IP
 * jail, those of the host's own that listen (proto, local, lport only; those of jails that were not asked for are not the
 * host's). Connections that no process has taken yet, or has any more, are among them. In no order.
 */
must_check int os_sockets(const struct os_jail *jails, size_t n, struct os_sockets *ret, struct err *e);
void os_sockets_done(struct os_sockets *s);

/* --- what it takes --- */
#define OS_USAGE_MAX 32
struct os_use {
	const char *prop; /* the property that bounds it; static */
	uint64_t n; /* bytes, or a number; of what bounds each process, or each file system: the most that one takes */
};
struct os_usage {
	struct os_use v[OS_USAGE_MAX];
	size_t n;
};
/* What a running jail (jail, pid, vnet, cgroup and console_log are used) takes now. What this host does not count is not there. */
must_check int os_usage(const struct os_jail *j, struct os_usage *ret, struct err *e);

/*
 * Ask the jail's own init to shut down (exec_init jails), wait up to timeout seconds. 1: it ended; 0: not in that time; negative:
 * it could not be asked.
 */
must_check int os_jail_shutdown(const struct os_jail *j, unsigned timeout, struct err *e);
/*
 * SIGTERM to all that runs in a jail with the built-in init, as stop.timeout of jail(8) says, and wait up to timeout seconds
 * (0: neither). 1: nothing runs any more; 0: something still does; negative: it could not be asked.
 */
must_check int os_jail_end_services(const struct os_jail *j, unsigned timeout, struct err *e);

/*
 * --- what is ours ---
 * Every interface, address and control group of this host that carries our mark, as the operation that removes it; its
 * strings live for the call. Groups are those of this run directory. see returns 0 to go on, negative to end with it.
 */
typedef int (*os_marked_fn)(void *ctx, const struct op *undo);
must_check int os_marked(const char *run, os_marked_fn see, void *ctx, struct err *e);
/* What somebody who was killed had turned on for a moment, which no journal lists: back as it was. */
must_check int os_settle(const char *run, struct err *e);
/*
 * Are there jails of another run directory on this host: marks on interfaces and addresses do not tell them apart. True when it
 * cannot be told.
 */
bool os_other_runs(const char *run);
/* Is there, under its name, what this operation removes: still, or made by somebody else. */
bool os_is_there(struct os *os, const struct op *undo);

/*
 * --- looking ---
 * The network stack of a running jail's first process (0: the host's) as it is. ret to be given to survey_done().
 * forward_drop and translates are left alone: packet filters are asked elsewhere.
 */
must_check int os_survey(pid_t jail, struct survey *ret, struct err *e);
/* Add to the host's survey how it sends to every usable address of a jail's. No packet is sent. */
must_check int os_survey_ways(const struct survey *jail, struct survey *host, struct err *e);
/* A running jail's etc/resolv.conf, NULL when there is none. Owned by the caller. */
#define RESOLVER_MAX 8191 /* as much of it as is read */
char *os_jail_resolver(pid_t jail);

/*
 * The address an interface of a VNET jail learned: by DHCP (family 4) or from routers (6); family 0 in *ret: none. pid: its
 * first process.
 */
must_check int os_learned(pid_t pid, const char *link, int family, struct ipaddr *ret, struct err *e);

/*
 * Who may change the addresses of a host interface, as far as can be known: what manages it by its files (systemd-networkd,
 * NetworkManager, ifupdown, netplan), and programs that run and are known to do so. "": nobody known.
 */
void os_who_manages(const char *link, char *buf, size_t cap);

/* Which init a root offers: path inside the root, or NULL. Looks only below root, never follows out of it. */
char *os_find_init(const struct root_source *root);

/* Is there a regular file (or a link to one) of that name inside the root. Never follows out of it. */
bool os_root_has(const struct root_source *root, const char *path);

/* Default resolver text of the host, for etc/resolv.conf. NULL when there is none. */
char *os_host_resolver(void);

#endif
