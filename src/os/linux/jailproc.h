/* jailproc.h - what the starter and the jail's first process share while a jail is being built. Internal to os/linux. */
#ifndef IOCAGE_OS_LINUX_JAILPROC_H
#define IOCAGE_OS_LINUX_JAILPROC_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"
#include "core/hold.h"
#include "core/op.h"
#include "os/linux/nl.h"
#include "os/os.h"

#define JAIL_IDS     65536U
#define OP_FLAG_VNET (1u << 31) /* in flags of JAIL_ADD and JAIL_RUN; the low bits are enum allow_flags */

/* First host id of a jail's private range: past systemd-nspawn's, 32,000 jails below 2^32. */
static inline unsigned jail_id_base(unsigned jid)
{
	return 0x70000000U + jid * JAIL_IDS;
}

/* Context of the Linux backend. Strings of queued ops belong to the plan being run. */
struct os {
	struct os_jail *j;
	struct nl host, hostq; /* the host's namespace: batch, and questions beside it */
	struct nl in, inq; /* the jail's */
	const struct op **queue; /* ROOT and MOUNTs, done by the first process */
	size_t nqueue, capqueue;
	int userns, netns, cgroup, pidfd, sync; /* -1: not open */
	unsigned base; /* jail_id_base() */
	unsigned allow; /* enum allow_flags, of JAIL_ADD */
	pid_t holder; /* process that held the namespaces open, to be waited for; 0 = none */
	struct hold hold;
	struct probes *probes; /* probe.c; NULL: none */
	int reported[2]; /* what the first process sent when it was confined; -1: nothing */
	int lease; /* a socket to the DHCP client that this start has begun; -1: none */
	bool held, confined;
	uint64_t nproc; /* processes and threads at most, by the jail's user namespace; 0: the control group bounds them */
};

/* Everything the first process needs; it inherits the fds by fork. */
struct child_args {
	const struct op *add; /* JAIL_ADD */
	const struct op *const *queue; /* ROOT, then MOUNTs in order */
	size_t nqueue;
	const char *run; /* IOCAGE_RUN */
	const struct rlimits *limits; /* of the jail's processes */
	int sync, userns;
	int init; /* the built-in init's program */
	unsigned base;
	bool vnet;
	bool renames; /* a jail that may change its host name, and has a broker to do it */
};

/* The first process's life up to execve. Reports over sync; never returns. */
void child_main(const struct child_args *a) __attribute__((noreturn));

/* Messages on the sync socket (SOCK_SEQPACKET). */
#define CHILD_MSG_MAX 131072
struct child_report {
	int code; /* 0 or errno */
	char msg[sizeof(((struct err *)0)->msg)];
};
/*
 * To the first process, in this order. NET: with the fd of a VNET jail's network namespace. FILE: path NUL contents; COPY:
 * the same of a file the jail can do without. HOSTS: what localhost is (struct ipaddr).
 * CONFINE: flags(u32) and whether a real init will run (u8). RUN: path NUL word NUL word NUL ..., with the console and
 * status pipes. It reports when it has made a shared-IP jail's view, when its mounts are done, and when it is confined
 * (with the filter's listener and the terminal of a real init, if there is one); a failure at any time.
 */
enum { CHILD_NET = 'N', CHILD_FILE = 'F', CHILD_COPY = 'T', CHILD_HOSTS = 'H', CHILD_CONFINE = 'C', CHILD_RUN = 'R' };

/* mount.c: as host root in the jail's own mount namespace. rootfd is the root being built. */
must_check int mount_root(const struct op *op, const char *run, int userns, unsigned base, int *ret_rootfd,
                          struct err *e);
/* root: the plan's OP_ROOT, which says where jails are. */
must_check int mount_one(const struct op *op, const struct op *root, int rootfd, int userns, unsigned base,
                         struct err *e);
/* O_PATH of what an fstab line binds; through other jails' roots as they see themselves (mount_source.c). fd or -errno. */
must_check int open_source(const char *path, const struct op *root);
must_check int mount_pivot(int rootfd, struct err *e);
/* The jail's console for a real init: a terminal of its own bound over /dev/console. *ret_master, *ret_slave owned. */
must_check int mount_console(int *ret_master, int *ret_slave, unsigned base, struct err *e);

/* Open below the jail's root; nothing leads out of it. */
must_check int open_in_root(int rootfd, const char *path, int flags, unsigned mode);

/* Send and receive with at most two fds. 0 or -errno. */
must_check int sync_send(int sock, const void *data, size_t len, const int *fds, unsigned nfds);
ssize_t sync_recv(int sock, void *data, size_t cap, int *fds, unsigned nfds); /* unused fds are -1; 0: peer is gone */

/*
 * Start time of a process (field 22 of /proc/PID/stat, clock ticks since boot): 0, never 0 in *ret then. -ESRCH: there is none,
 * or nothing of it but its exit status. Any other -errno: /proc cannot be read, so it cannot be told; 0 in *ret.
 */
must_check int proc_start_time(pid_t pid, uint64_t *ret);
uint64_t proc_stat_start(const char *text); /* the same, of what /proc/PID/stat says; 0: it has ended */

const char *os_libexec(void);

/* Write a file below rootfd, with the rights of the caller; a symlink there is replaced, not followed. No directory: 0. */
must_check int write_in_root(int rootfd, const char *path, const void *data, size_t len, struct err *e);

/*
 * SOCK_SEQPACKET sockets in the jail's run directory, which only host root gets near: listen at one, connect to one. The
 * fd, or -errno: -ECONNREFUSED and -ENOENT when nobody is there.
 */
must_check int jail_sock_listen(const struct os_jail *j, const char *name, struct err *e);
must_check int jail_sock_reach(const struct os_jail *j, const char *name, struct err *e);

/* Start the monitor of a jail that is about to run. listener: of its filter. allow: enum allow_flags. Takes no ownership of fds. */
must_check int monitor_start(struct os *os, int console, int listener, int view, unsigned allow, struct err *e);

/* Tell the monitor of a jail that runs a new hold (text as of HOLD_SET). None there: nobody makes sockets, success. */
must_check int monitor_set_hold(const struct os_jail *j, const char *text, struct err *e);

/* Hand the monitor the listener of a process that is brought in, which may do what allow says. */
must_check int monitor_give_listener(const struct os_jail *j, unsigned allow, int listener, struct err *e);

#endif
