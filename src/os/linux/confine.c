/* confine.c - what a process gives up before it runs a jail's programs: system calls, capabilities, inherited state. */
#include "os/linux/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "core/jail.h"
#include "os/linux/apparmor.h"
#include "os/linux/caps.h"
#include "seccomp_filters.h"

/* Filters of one jail, joined: one program to load, and one for the kernel to try for every call number. */
struct program {
	struct sock_filter code[BPF_MAXINSNS];
	size_t len;
	size_t last; /* where the filter added last begins */
	bool overflow;
};

/* Every filter ends in "allow"; one that is followed by another goes on there instead. */
static void join(struct program *p, const struct sock_filter *f, size_t n)
{
	if (n > BPF_MAXINSNS - p->len) {
		p->overflow = true;
		return;
	}
	for (size_t i = p->last; i < p->len; i++)
		if (p->code[i].code == (BPF_RET | BPF_K) && p->code[i].k == SECCOMP_RET_ALLOW)
			p->code[i] = (struct sock_filter){ BPF_JMP | BPF_JA, 0, 0, (uint32_t)(p->len - i - 1) };
	p->last = p->len;
	memcpy(p->code + p->len, f, n * sizeof(*f));
	p->len += n;
}

#define JOIN(p, filter) join(p, filter, sizeof(filter) / sizeof(*(filter)))

#define ALLOW_SYSV     (ALLOW_SYSVMSG | ALLOW_SYSVSEM | ALLOW_SYSVSHM)
#define ALLOW_UNCOMMON (ALLOW_QUOTAS | ALLOW_MOUNT | ALLOW_NESTED | ALLOW_SOCKET_AF)

/* The parts one by one, for jails that are allowed something special. */
static void choose_parts(struct program *p, unsigned allow)
{
	JOIN(p, seccomp_base);
	if (!(allow & ALLOW_QUOTAS))
		JOIN(p, seccomp_noquota);
	if (!(allow & ALLOW_MOUNT))
		JOIN(p, seccomp_nomount);
	if (!(allow & ALLOW_NESTED))
		JOIN(p, seccomp_nonest);
	if (!(allow & ALLOW_SOCKET_AF))
		JOIN(p, seccomp_af);
	if (!(allow & ALLOW_SYSVMSG))
		JOIN(p, seccomp_sysvmsg_off);
	if (!(allow & ALLOW_SYSVSEM))
		JOIN(p, seccomp_sysvsem_off);
	if (!(allow & ALLOW_SYSVSHM))
		JOIN(p, seccomp_sysvshm_off);
}

static void choose(struct program *p, unsigned allow, bool shared)
{
	/* first: with arguments in memory, what a filter can only refuse as a whole, and the broker can look at */
	if (shared)
		JOIN(p, seccomp_notify_socketcall);
	if (!(allow & ALLOW_UNCOMMON) && (allow & ALLOW_SYSV) == ALLOW_SYSV)
		JOIN(p, seccomp_common);
	else if (!(allow & (ALLOW_UNCOMMON | ALLOW_SYSV)))
		JOIN(p, seccomp_strict);
	else
		choose_parts(p, allow);
	/* last: what is refused above is not worth asking the broker about */
	if (shared)
		JOIN(p, seccomp_notify);
	if (shared && (allow & ALLOW_RAW_SOCKETS))
		JOIN(p, seccomp_notify_raw);
	if (shared && (allow & ALLOW_SET_HOSTNAME))
		JOIN(p, seccomp_notify_names);
}

static int install_filters(unsigned allow, bool shared, int *ret_listener, struct err *e)
{
	/* the kernel wakes a process that waits for the broker only to kill it, so no answer is lost to a signal */
	unsigned flags = shared ? SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV : 0;
	struct program p; /* not cleared: 32 KiB, of which a tenth is used */
	struct sock_fprog prog;
	long r;

	p.len = p.last = 0;
	p.overflow = false;
	choose(&p, allow, shared);
	if (p.overflow)
		return err_set(e, E2BIG, "the jail's system call filter is too long");
	prog = (struct sock_fprog){ .len = (unsigned short)p.len, .filter = p.code };
	r = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &prog);
	if (r < 0)
		return err_sys(e, "install the jail's system call filter");
	*ret_listener = shared ? (int)r : -1;
	return 0;
}

/* Best effort, without following a jail's links or waiting for its fifos: the filters do not depend on it. */
static void poke(const char *path, const char *text)
{
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);

	if (fd >= 0 && write(fd, text, strlen(text)) < 0)
		return;
}

/* Handlers go at execve by themselves; what somebody above us ignored would stay ignored. */
static void reset_signals(void)
{
	sigset_t none;

	for (int sig = 1; sig <= SIGSYS; sig++)
		if (sig != SIGKILL && sig != SIGSTOP)
			(void)signal(sig, SIG_DFL);
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

void confine_oom(void)
{
	poke("/proc/self/oom_score_adj", "0");
}

int confine_self(unsigned allow, bool shared, bool real_init, int *ret_listener, struct err *e)
{
	int r;

	*ret_listener = -1;
	if (!(allow & ALLOW_NESTED))
		poke("/proc/sys/user/max_user_namespaces", "0");
	umask(022);
	if (allow & ALLOW_APPARMOR) {
		r = apparmor_on_exec(allow, e);
		if (r < 0)
			return r;
	}
	/* needs CAP_SYS_ADMIN in the user namespace, because no_new_privs stays off: so before the capabilities go */
	r = install_filters(allow, shared, ret_listener, e);
	if (r < 0)
		return r;
	r = caps_limit(caps_for(allow, shared, real_init), e);
	if (r < 0) {
		closep(ret_listener);
		*ret_listener = -1;
		return r;
	}
	reset_signals();
	return 0;
}
