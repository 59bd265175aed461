/* broker_run.c - the broker's own process: it gives up what it does not need, then answers until the jail ends. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "os/linux/broker.h"
#include "os/linux/caps.h"
#include "os/linux/jailproc.h"
#include "os/linux/monitor.h"
#include "seccomp_filters.h"

#define LISTENERS_MAX 8192 /* processes brought in by exec at one time */
#define OTHER_FILES   256

struct serving {
	struct broker *b;
	unsigned n;
	unsigned char flags[LISTENERS_MAX]; /* enum broker_flags */
	struct pollfd p[2 + LISTENERS_MAX]; /* the jail's end, the control socket, the listeners */
};

#define BIT(cap) (UINT64_C(1) << (cap))

/*
 * What stays, of being root on the host:
 * - usually nothing. The process joins the jail's user namespace, and has there CAP_SYS_PTRACE, to read system call
 *   arguments and fetch descriptors of the jail's processes, CAP_CHOWN, so that sockets belong to who asked for them, and
 *   CAP_SYS_ADMIN if the jail may change its host name;
 * - for jails with raw sockets CAP_NET_RAW, for those that use the host's own addresses CAP_NET_BIND_SERVICE. These are
 *   needed over the host's network stack, so the process stays in the host's user namespace; what it needs over the
 *   jail's it has as the user who owns that.
 * There CAP_CHOWN is the host's too: nothing but sockets is open, of the jail's nothing is fetched for it, and no call that
 * opens for writing is left by the filter. The group stays root's, because ping sockets are allowed by group.
 */
static uint64_t host_caps(const struct hold *h)
{
	uint64_t set = 0;

	if (h->raw_sockets)
		set |= BIT(CAP_NET_RAW);
	if (h->ip4 == IP_INHERIT || h->ip6 == IP_INHERIT)
		set |= BIT(CAP_NET_BIND_SERVICE);
	return set ? set | BIT(CAP_CHOWN) : 0;
}

static int join_jail(int pidfd, unsigned flags, struct err *e)
{
	/* its owner is the jail's user namespace only if the jail may change it; else there is nothing to do in it */
	if ((flags & BROKER_RENAMES) && setns(pidfd, CLONE_NEWUTS) < 0)
		return err_sys(e, "enter the jail's UTS namespace");
	return 0;
}

static int lose_rights(struct broker *b, int pidfd, unsigned flags, struct err *e)
{
	uint64_t caps = host_caps(&b->h);
	int r;

	if (setgroups(0, NULL) < 0)
		return err_sys(e, "leave all groups");
	/* nothing but /proc is left to open, and the filter lets it be opened for reading only */
	if (chroot("/proc") < 0 || chdir("/") < 0)
		return err_sys(e, "change the root directory to /proc");
	r = join_jail(pidfd, flags, e);
	if (r < 0)
		return r;
	if (!caps) {
		if (setns(pidfd, CLONE_NEWUSER) < 0)
			return err_sys(e, "enter the jail's user namespace");
		/* what is to be given away has to be of a group of the jail, too */
		(void)setfsgid(0);
		if (setresuid((uid_t)-1, 0, 0) < 0)
			return err_sys(e, "take the jail's user id");
		caps = BIT(CAP_SYS_PTRACE) | BIT(CAP_CHOWN) | (flags & BROKER_RENAMES ? BIT(CAP_SYS_ADMIN) : 0);
	} else if (setresuid((uid_t)-1, b->owner, b->owner) < 0) {
		return err_sys(e, "take the id of the jail's root");
	} else {
		(void)setfsgid((gid_t)b->owner);
	}
	return caps_keep(caps, e);
}

static int filter_calls(struct err *e)
{
	const struct sock_fprog prog = {
		.len = sizeof(seccomp_broker) / sizeof(*seccomp_broker),
		.filter = (struct sock_filter *)(uintptr_t)seccomp_broker,
	};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L) < 0)
		return err_sys(e, "set no_new_privs");
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog) < 0)
		return err_sys(e, "install the broker's system call filter");
	return 0;
}

static void add_listener(struct serving *s, int fd, unsigned flags)
{
	broker_listen_to(fd);
	s->flags[s->n] = (unsigned char)flags;
	s->p[2 + s->n++] = (struct pollfd){ .fd = fd, .events = POLLIN };
}

/* What the monitor hands on: from host root, who has been looked at there. Every message is answered. */
static void take_message(struct serving *s)
{
	static char msg[MONITOR_MESSAGE_MAX];
	static struct hold h;
	_cleanup_close_ int fd = -1;
	struct err ignored = ERR_INIT;
	ssize_t n = sync_recv(s->p[1].fd, msg, sizeof(msg) - 1, &fd, 1);
	bool taken = false;

	if (n <= 0) {
		s->p[1].fd = -1;
		return;
	}
	msg[n] = '\0';
	if (n == 2 && msg[0] == MONITOR_LISTEN && fd >= 0 && s->n < LISTENERS_MAX) {
		add_listener(s, take_fd(&fd), (unsigned char)msg[1]);
		taken = true;
	} else if (msg[0] == MONITOR_HOLD && hold_parse(msg + 1, &h, &ignored) == 0) {
		broker_hold(s->b, &h);
		taken = true;
	}
	(void)send(s->p[1].fd, taken ? "k" : "n", 1, MSG_NOSIGNAL);
}

static void serve_listeners(struct serving *s)
{
	for (unsigned i = s->n; i-- > 0;) {
		const struct pollfd *p = &s->p[2 + i];

		if (p->revents & POLLIN) {
			broker_serve(s->b, p->fd, s->flags[i]);
		} else if (p->revents) { /* its last process ended */
			(void)close(p->fd);
			s->n--;
			s->p[2 + i] = s->p[2 + s->n];
			s->flags[i] = s->flags[s->n];
		}
	}
}

static void serve(struct serving *s)
{
	for (;;) {
		int n = poll(s->p, 2 + s->n, -1);

		if (n < 0 && errno != EINTR)
			return;
		if (n <= 0)
			continue;
		serve_listeners(s);
		if (s->p[1].revents)
			take_message(s);
		if (s->p[0].revents)
			return;
	}
}

int broker_run(struct broker *b, const struct broker_fds *f, unsigned flags, pid_t parent, struct err *e)
{
	static struct serving s;
	const struct rlimit files = { LISTENERS_MAX + OTHER_FILES, LISTENERS_MAX + OTHER_FILES };
	int r = setrlimit(RLIMIT_NOFILE, &files) < 0 ? err_sys(e, "raise the limit of open files") : 0;

	if (r == 0)
		r = lose_rights(b, f->jail, flags, e);

	if (r == 0)
		r = broker_know_self(b, e);
	/* changing ids clears it, so it is asked for now */
	if (r == 0 && prctl(PR_SET_PDEATHSIG, (unsigned long)SIGKILL, 0L, 0L, 0L) < 0)
		r = err_sys(e, "ask to end with the monitor");
	if (r == 0 && getppid() != parent)
		return 0;
	if (r == 0)
		r = filter_calls(e);
	if (r < 0)
		return err_wrap(e, "socket broker");
	b->nat = f->nat;
	s.b = b;
	s.p[0] = (struct pollfd){ .fd = f->jail, .events = POLLIN };
	s.p[1] = (struct pollfd){ .fd = f->control, .events = POLLIN };
	add_listener(&s, f->listener, flags);
	serve(&s);
	return 0;
}
