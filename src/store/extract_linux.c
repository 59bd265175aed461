/* extract_linux.c - what the unpacking process gives up, before it reads the first byte of an archive. */
#include <errno.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "seccomp_extract.h"
#include "store/extract.h"

#define MEMORY_MAX (UINT64_C(1) << 30) /* of address space: xz -9 takes a tenth of it, and a bomb all there is */
#define FILES_MAX  64

#define BIT(cap) (UINT64_C(1) << (cap))

/* Files with any owner, mode and attribute below its root; nothing that reaches further. */
#define CAPS (BIT(CAP_CHOWN) | BIT(CAP_DAC_OVERRIDE) | BIT(CAP_FOWNER) | BIT(CAP_FSETID) | BIT(CAP_SETFCAP))

/* The directory becomes all there is: no path leads out, for there is no out, and no /proc. */
static int enter_dir(const char *dir, struct err *e)
{
	if (unshare(CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWPID) < 0)
		return err_sys(e, "make namespaces of its own");
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 || mount(dir, dir, NULL, MS_BIND, NULL) < 0 ||
	    mount(NULL, dir, NULL, MS_BIND | MS_REMOUNT | MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0 ||
	    chdir(dir) < 0 || syscall(SYS_pivot_root, ".", ".") < 0 || umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
		return err_sys(e, "cannot enter %s", dir);
	return 0;
}

/*
 * Only a child is in the new pid namespace. It unpacks; what is left of us waits for it and ends as it did. Returns in the
 * child only.
 */
static int go_on_in_child(struct err *e)
{
	pid_t pid = fork();
	int st;

	if (pid < 0)
		return err_sys(e, "fork");
	if (pid == 0) {
		/* killed without a word, as its first process is with the namespace */
		(void)prctl(PR_SET_PDEATHSIG, (unsigned long)SIGKILL, 0L, 0L, 0L);
		return getppid() == 0 ? 0 : err_set(e, ESRCH, "who started it has ended");
	}
	while (waitpid(pid, &st, 0) < 0)
		if (errno != EINTR)
			_exit(1);
	_exit(WIFSIGNALED(st) ? 128 + WTERMSIG(st) : WEXITSTATUS(st));
}

static int set_limits(struct err *e)
{
	static const struct {
		int which;
		rlim_t max;
	} limits[] = {
#ifndef SANITIZED /* their runtime takes terabytes of address space */
		{ RLIMIT_AS, MEMORY_MAX },
#endif
		{ RLIMIT_CORE, 0 },
		{ RLIMIT_NOFILE, FILES_MAX },
		{ RLIMIT_FSIZE, RLIM_INFINITY },
		{ RLIMIT_CPU, RLIM_INFINITY },
	};

	for (size_t i = 0; i < sizeof(limits) / sizeof(*limits); i++) {
		struct rlimit l = { limits[i].max, limits[i].max };

		if (setrlimit((__rlimit_resource_t)limits[i].which, &l) < 0)
			return err_sys(e, "limit what it may use");
	}
	return 0;
}

static int drop_caps(struct err *e)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { { .permitted = (uint32_t)CAPS, .effective = (uint32_t)CAPS } };

	for (unsigned long cap = 0; cap < 64; cap++)
		if (!(CAPS & BIT(cap)) && prctl(PR_CAPBSET_DROP, cap, 0L, 0L, 0L) < 0 && cap <= CAP_LAST_CAP)
			return err_sys(e, "drop capability %lu", cap);
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0L, 0L, 0L) < 0 || syscall(SYS_capset, &head, data) < 0)
		return err_sys(e, "limit the capabilities");
	return 0;
}

static int filter_calls(struct err *e)
{
	const struct sock_fprog prog = { .len = sizeof(seccomp_extract) / sizeof(*seccomp_extract),
		                         .filter = (struct sock_filter *)(uintptr_t)seccomp_extract };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L) < 0 ||
	    syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog) < 0)
		return err_sys(e, "install a system call filter");
	return 0;
}

int extract_confine(const char *dir, struct err *e)
{
	int r = enter_dir(dir, e);

	if (r == 0)
		r = go_on_in_child(e);
	if (r == 0)
		r = set_limits(e);
	if (r == 0)
		r = drop_caps(e);
	return r < 0 ? r : filter_calls(e);
}
