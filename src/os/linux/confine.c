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
#include "os/linux/confine_filter.h"
#include "seccomp_filters.h"

#define FILTER_LEN (sizeof(seccomp_jail) / sizeof(*seccomp_jail))

static uint32_t either(bool allowed, uint32_t otherwise)
{
	return allowed ? ANSWER_ALLOW : otherwise;
}

/* What the filter answers where a jail's properties decide. */
static uint32_t answer_for(enum confine_slot slot, unsigned allow, bool shared, bool real_init)
{
	bool userns = allow & ALLOW_NESTED, namespaces = allow & (ALLOW_NESTED | ALLOW_MOUNT);
	bool own_stack = !shared || namespaces; /* a network stack that is the jail's, or may be made there */
	bool packets = allow & ALLOW_BPF, raw = allow & ALLOW_RAW_SOCKETS;

	switch (slot) {
	case SLOT_MOUNT:
		return either(allow & ALLOW_MOUNT, ANSWER_EPERM);
	case SLOT_QUOTAS:
		return either(allow & ALLOW_QUOTAS, ANSWER_EPERM);
	case SLOT_USERNS:
		return either(userns, ANSWER_EPERM);
	case SLOT_NAMESPACES:
		return either(namespaces, ANSWER_EPERM);
	case SLOT_CLONE3:
		return either(userns, ANSWER_ENOSYS);
	case SLOT_REBOOT:
		return either(real_init, ANSWER_EPERM);
	case SLOT_MSG:
		return either(allow & ALLOW_SYSVMSG, ANSWER_ENOSYS);
	case SLOT_SEM:
		return either(allow & ALLOW_SYSVSEM, ANSWER_ENOSYS);
	case SLOT_SHM:
		return either(allow & ALLOW_SYSVSHM, ANSWER_ENOSYS);
	case SLOT_AF:
		return either(allow & ALLOW_SOCKET_AF, ANSWER_ERRNO(EPROTONOSUPPORT));
	case SLOT_NETLINK:
		return either(own_stack || (allow & ALLOW_SOCKET_AF), ANSWER_ERRNO(EPROTONOSUPPORT));
	case SLOT_PACKET:
		return either(shared ? own_stack : packets, ANSWER_EPERM);
	case SLOT_XDP:
		return either((allow & ALLOW_SOCKET_AF) && (shared || packets), ANSWER_ERRNO(EPROTONOSUPPORT));
	case SLOT_PACKET_OLD:
		return shared ? SECCOMP_RET_USER_NOTIF : either(packets, ANSWER_EPERM);
	case SLOT_RAW_SOCKET:
		return shared ? SECCOMP_RET_USER_NOTIF : either(raw, ANSWER_EPERM);
	case SLOT_RAW_HEADER:
		return either(shared || raw, ANSWER_EPERM);
	case SLOT_SOCKETOPT: /* which option it is is in memory */
		return shared ? SECCOMP_RET_USER_NOTIF : either(raw, ANSWER_EPERM);
	case SLOT_SOCKETCALL: /* which socket it makes is in memory: only where all may be made */
		return shared ? SECCOMP_RET_USER_NOTIF
		              : either((allow & ALLOW_SOCKET_AF) && packets && raw, ANSWER_ERRNO(EPROTONOSUPPORT));
	case SLOT_UEVENT:
	case SLOT_BROKER:
		return shared ? SECCOMP_RET_USER_NOTIF : ANSWER_ALLOW;
	case SLOT_NETIOCTL:
		if (shared && namespaces)
			return SECCOMP_RET_USER_NOTIF; /* whose socket it is, the broker can tell */
		return either(!shared, ANSWER_EPERM);
	case SLOT_RAW:
		return shared && (allow & ALLOW_RAW_SOCKETS) ? SECCOMP_RET_USER_NOTIF : ANSWER_ALLOW;
	case SLOT_HOSTNAME:
		if (allow & ALLOW_SET_HOSTNAME)
			return shared ? SECCOMP_RET_USER_NOTIF : ANSWER_ALLOW;
		return either(namespaces, ANSWER_EPERM);
	case SLOT_COUNT:
		break;
	}
	return ANSWER_EPERM;
}

static void fill_filter(struct sock_filter code[static FILTER_LEN], unsigned allow, bool shared, bool real_init)
{
	memcpy(code, seccomp_jail, sizeof(seccomp_jail));
	for (size_t i = 0; i < FILTER_LEN; i++)
		if (code[i].code == (BPF_RET | BPF_K) && IS_SLOT(code[i].k))
			code[i].k =
				answer_for((enum confine_slot)(code[i].k & SECCOMP_RET_DATA), allow, shared, real_init);
}

static int install_filter(unsigned allow, bool shared, bool real_init, int *ret_listener, struct err *e)
{
	/* the kernel wakes a process that waits for an answer only to kill it, so none is lost to a signal */
	unsigned flags = SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
	struct sock_filter code[FILTER_LEN];
	struct sock_fprog prog = { .len = FILTER_LEN, .filter = code };
	long r;

	fill_filter(code, allow, shared, real_init);
	r = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &prog);
	if (r < 0)
		return err_sys(e, "install the jail's system call filter");
	*ret_listener = (int)r;
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
	r = install_filter(allow, shared, real_init, ret_listener, e);
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
