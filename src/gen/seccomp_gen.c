/* seccomp_gen.c - build-time: prints the jails' seccomp filters as C arrays, so that run time needs no libseccomp. */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <seccomp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "os/linux/broker_filter.h"

/* From the kernel's own headers; written out because build hosts may be older than the kernels jails run on. */
#define IOCTL_TIOCSTI         0x5412
#define IOCTL_TIOCLINUX       0x541C
#define IOCTL_TIOCSETD        0x5423
#define IOCTL_SIOCGSKNS       0x894C
#define FAMILY_MAX            45 /* AF_MCTP; whatever is above is refused as a whole */
#define SOCKETCALL_SOCKET     1
#define SOCKETCALL_SOCKETPAIR 8

/*
 * Deny list: what is known to be attack surface of the kernel and no business of a jail, capabilities or not. Calls that
 * only act with a capability jails never have (reboot, adjtimex, mount) are left to the capability checks.
 */
static const char *const base_calls[] = {
	/* own copies of the system call table: filters do not see what is done through them */
	"io_uring_setup",
	"io_uring_enter",
	"io_uring_register",
	/* programs and images for the kernel */
	"bpf",
	"perf_event_open",
	"kexec_load",
	"kexec_file_load",
	"init_module",
	"finit_module",
	"delete_module",
	"create_module",
	"get_kernel_syms",
	"query_module",
	/* keyrings belong to user ids of the host, and a handle opens files outside the root */
	"keyctl",
	"add_key",
	"request_key",
	"open_by_handle_at",
	/* makes races in the kernel easy to win */
	"userfaultfd",
	/* the host's swap, accounting, clock, log, ports, terminals */
	"swapon",
	"swapoff",
	"acct",
	"settimeofday",
	"clock_settime",
	"clock_settime64",
	"stime",
	"syslog",
	"iopl",
	"ioperm",
	"vhangup",
	"kcmp",
	"lookup_dcookie",
	"nfsservctl",
	/* dead or nearly so */
	"uselib",
	"ustat",
	"sysfs",
	"_sysctl",
	"vm86",
	"vm86old",
};

static const char *const quota_calls[] = { "quotactl", "quotactl_fd" };

static const char *const mount_calls[] = { "mount",  "umount",   "umount2", "pivot_root", "move_mount",   "open_tree",
	                                   "fsopen", "fsconfig", "fsmount", "fspick",     "mount_setattr" };

static const char *const msg_calls[] = { "msgget", "msgctl", "msgsnd", "msgrcv" };
static const char *const sem_calls[] = { "semget", "semctl", "semop", "semtimedop", "semtimedop_time64" };
static const char *const shm_calls[] = { "shmget", "shmctl", "shmat", "shmdt" };

static void must(int r, const char *what)
{
	if (r < 0) {
		fprintf(stderr, "seccomp_gen: %s: %s\n", what, strerror(-r));
		exit(1);
	}
}

/*
 * both: 32-bit callers are covered too (i386 on x86-64). Where a filter does not know the caller's ABI it answers with
 * `foreign`: the base filter refuses, the others leave that to the base filter.
 */
static scmp_filter_ctx start(int both, uint32_t foreign)
{
	scmp_filter_ctx c = seccomp_init(SCMP_ACT_ALLOW);
	uint32_t second = SCMP_ARCH_X86;

	must(c ? 0 : -ENOMEM, "new filter");
	if (seccomp_arch_native() == SCMP_ARCH_AARCH64)
		second = SCMP_ARCH_ARM;
	else if (seccomp_arch_native() != SCMP_ARCH_X86_64)
		both = 0;
	if (both)
		must(seccomp_arch_add(c, second), "second architecture");
	must(seccomp_attr_set(c, SCMP_FLTATR_ACT_BADARCH, foreign), "foreign architectures");
	must(seccomp_attr_set(c, SCMP_FLTATR_CTL_OPTIMIZE, 2), "binary tree");
	return c;
}

/* Names this libseccomp does not know are printed as a warning: the filter is then weaker than meant. */
static void add_all(scmp_filter_ctx c, uint32_t action, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int nr = seccomp_syscall_resolve_name(names[i]);

		if (nr == __NR_SCMP_ERROR) {
			fprintf(stderr, "seccomp_gen: libseccomp does not know %s\n", names[i]);
			continue;
		}
		must(seccomp_rule_add(c, action, nr, 0), names[i]);
	}
}

#define ADD(c, action, list) add_all(c, action, list, sizeof(list) / sizeof(*(list)))

/* The kernel looks at 32 bits of these arguments, so the filter must as well. */
static void deny_arg(scmp_filter_ctx c, uint32_t action, const char *name, unsigned arg, uint32_t mask, uint32_t value)
{
	struct scmp_arg_cmp cmp = { .arg = arg, .op = SCMP_CMP_MASKED_EQ, .datum_a = mask, .datum_b = value };
	int nr = seccomp_syscall_resolve_name(name);

	must(seccomp_rule_add_array(c, action, nr, 1, &cmp), name);
}

static void print(const char *name, scmp_filter_ctx c)
{
	struct sock_filter f;
	int fd = memfd_create("filter", MFD_CLOEXEC);
	unsigned n = 0;

	must(fd < 0 ? -errno : 0, "memfd_create");
	must(seccomp_export_bpf(c, fd), "export");
	must(lseek(fd, 0, SEEK_SET) < 0 ? -errno : 0, "seek");
	printf("static const struct sock_filter seccomp_%s[] = {\n", name);
	while (read(fd, &f, sizeof(f)) == (ssize_t)sizeof(f))
		printf("%s{ 0x%02x, %u, %u, 0x%08x },%s", n % 4 ? " " : "\t", f.code, f.jt, f.jf, f.k,
		       n % 4 == 3 ? "\n" : ""),
			n++;
	printf("%s};\n\n", n % 4 ? "\n" : "");
	close(fd);
	seccomp_release(c);
}

static void add_base(scmp_filter_ctx c)
{
	static const uint32_t ioctls[] = { IOCTL_TIOCSTI, IOCTL_TIOCLINUX, IOCTL_TIOCSETD, IOCTL_SIOCGSKNS };

	ADD(c, SCMP_ACT_ERRNO(EPERM), base_calls);
	for (size_t i = 0; i < sizeof(ioctls) / sizeof(*ioctls); i++)
		deny_arg(c, SCMP_ACT_ERRNO(EPERM), "ioctl", 1, UINT32_MAX, ioctls[i]);
}

static void add_noquota(scmp_filter_ctx c)
{
	ADD(c, SCMP_ACT_ERRNO(EPERM), quota_calls);
}

static void add_nomount(scmp_filter_ctx c)
{
	ADD(c, SCMP_ACT_ERRNO(EPERM), mount_calls);
}

/* clone3 has its flags in memory where no filter can look: without it libc goes back to clone. */
static void add_nonest(scmp_filter_ctx c)
{
	static const char *const clone3[] = { "clone3" };

	deny_arg(c, SCMP_ACT_ERRNO(EPERM), "clone", 0, CLONE_NEWUSER, CLONE_NEWUSER);
	deny_arg(c, SCMP_ACT_ERRNO(EPERM), "unshare", 0, CLONE_NEWUSER, CLONE_NEWUSER);
	deny_arg(c, SCMP_ACT_ERRNO(EPERM), "setns", 1, CLONE_NEWUSER, CLONE_NEWUSER);
	ADD(c, SCMP_ACT_ERRNO(ENOSYS), clone3);
}

static int family_is_fine(unsigned family)
{
	/* packet sockets: the kernel asks for CAP_NET_RAW over the network stack, which only VNET jails have */
	return family == AF_UNSPEC || family == AF_UNIX || family == AF_INET || family == AF_INET6 ||
	       family == AF_NETLINK || family == AF_PACKET;
}

/*
 * 32-bit programs may make sockets through socketcall(2), with arguments in memory: no filter can look there, so these
 * two of its calls are refused (they need allow_socket_af). Where there is a broker, which can look, it is asked before.
 */
static void add_af(scmp_filter_ctx c)
{
	static const char *const makers[] = { "socket", "socketpair" };
	const struct scmp_arg_cmp above = { .arg = 0, .op = SCMP_CMP_GT, .datum_a = FAMILY_MAX, .datum_b = 0 };
	const uint32_t no = SCMP_ACT_ERRNO(EPROTONOSUPPORT);

	for (size_t m = 0; m < sizeof(makers) / sizeof(*makers); m++) {
		int nr = seccomp_syscall_resolve_name(makers[m]);

		for (unsigned family = 0; family <= FAMILY_MAX; family++)
			if (!family_is_fine(family))
				deny_arg(c, no, makers[m], 0, UINT32_MAX, family);
		must(seccomp_rule_add_array(c, no, nr, 1, &above), makers[m]);
	}
	if (seccomp_arch_native() == SCMP_ARCH_X86_64) {
		deny_arg(c, no, "socketcall", 0, UINT32_MAX, SOCKETCALL_SOCKET);
		deny_arg(c, no, "socketcall", 0, UINT32_MAX, SOCKETCALL_SOCKETPAIR);
	}
}

static void add_sysvmsg(scmp_filter_ctx c)
{
	ADD(c, SCMP_ACT_ERRNO(ENOSYS), msg_calls);
}

static void add_sysvsem(scmp_filter_ctx c)
{
	ADD(c, SCMP_ACT_ERRNO(ENOSYS), sem_calls);
}

static void add_sysvshm(scmp_filter_ctx c)
{
	ADD(c, SCMP_ACT_ERRNO(ENOSYS), shm_calls);
}

/* In this order they are joined; up to `common` every jail has them unless it allows more than usual. */
static const struct part {
	const char *name;
	void (*add)(scmp_filter_ctx c);
	int common;
} parts[] = {
	{ "base", add_base, 1 },
	{ "noquota", add_noquota, 1 },
	{ "nomount", add_nomount, 1 },
	{ "nonest", add_nonest, 1 },
	{ "af", add_af, 1 },
	{ "sysvmsg_off", add_sysvmsg, 0 },
	{ "sysvsem_off", add_sysvsem, 0 },
	{ "sysvshm_off", add_sysvshm, 0 },
};

/* mask: bits are indices in parts[] */
static void print_parts(const char *name, unsigned mask)
{
	scmp_filter_ctx c = start(1, mask & 1 ? SCMP_ACT_ERRNO(ENOSYS) : SCMP_ACT_ALLOW);

	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++)
		if (mask & (1U << i))
			parts[i].add(c);
	print(name, c);
}

#define X(call, argno, value)                                                                              \
	do {                                                                                               \
		if ((argno) < 0)                                                                           \
			must(seccomp_rule_add(c, SCMP_ACT_NOTIFY, SCMP_SYS(call), 0), #call);              \
		else                                                                                       \
			deny_arg(c, SCMP_ACT_NOTIFY, #call, (argno) < 0 ? 0 : (argno), UINT32_MAX, value); \
	} while (0);

static void print_notify(void)
{
	scmp_filter_ctx c = start(1, SCMP_ACT_ALLOW);

	BROKER_NOTIFY(X)
	print("notify", c);
	c = start(1, SCMP_ACT_ALLOW);
	BROKER_NOTIFY_NAMES(X)
	print("notify_names", c);
	c = start(1, SCMP_ACT_ALLOW);
	if (seccomp_arch_native() == SCMP_ARCH_X86_64)
		deny_arg(c, SCMP_ACT_NOTIFY, "socketcall", 0, UINT32_MAX, SOCKETCALL_SOCKET);
	print("notify_socketcall", c);
	c = start(1, SCMP_ACT_ALLOW);
	BROKER_NOTIFY_RAW(X)
	print("notify_raw", c);
}
#undef X

/* What the broker itself does, after it has started: everything else is refused to it. */
static const char *const broker_calls[] = {
	/* waiting and answering; its memory; its end */
	"poll",
	"ppoll",
	"ioctl",
	"close",
	"brk",
	"mmap",
	"munmap",
	"mremap",
	"madvise",
	"futex",
	"sched_yield",
	"rt_sigreturn",
	"rt_sigprocmask",
	"restart_syscall",
	"getpid",
	"getppid",
	"gettid",
	"exit",
	"exit_group",
	/* what is asked for, and descriptors of the caller */
	"process_vm_readv",
	"process_vm_writev",
	"pidfd_open",
	"pidfd_getfd",
	/* sockets made, looked at and given a name on behalf of the jail; the maps of the programs that hold them */
	"socket",
	"bind",
	"listen",
	"connect",
	"getsockopt",
	"setsockopt",
	"getsockname",
	"getpeername",
	"fchown",
	"bpf",
	/* the caller's /proc */
	"read",
	"pread64",
	"newfstatat",
	"fstat",
	"lseek",
	/* listeners that exec brings */
	"accept4",
	"recvmsg",
	"sendto",
	"sendmsg",
	"sethostname",
	"setdomainname",
#ifdef SANITIZED /* a build for tests (meson.build): its reports, and the end of its runtime */
	"write",
	"sigaltstack",
#endif
};

/* An allow list. Files are opened for reading only: the process may still be the host's root by its id. */
static void print_broker(void)
{
	static const struct scmp_arg_cmp reading = { .arg = 2,
		                                     .op = SCMP_CMP_MASKED_EQ,
		                                     .datum_a = O_ACCMODE | O_CREAT | O_TRUNC };
	scmp_filter_ctx c = seccomp_init(SCMP_ACT_ERRNO(EPERM));

	must(c ? 0 : -ENOMEM, "new filter");
	must(seccomp_attr_set(c, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS), "foreign architectures");
	ADD(c, SCMP_ACT_ALLOW, broker_calls);
	must(seccomp_rule_add_array(c, SCMP_ACT_ALLOW, SCMP_SYS(openat), 1, &reading), "openat");
	print("broker", c);
}

int main(void)
{
	unsigned common = 0, all = 0;

	printf("/* Generated by seccomp_gen.c: what system calls meet inside jails. */\n");
	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
		print_parts(parts[i].name, 1U << i);
		all |= 1U << i;
		common |= parts[i].common ? 1U << i : 0;
	}
	/* most jails allow nothing special: as one search tree that is loaded three times as fast as the parts */
	print_parts("common", common);
	print_parts("strict", all);
	print_notify();
	print_broker();
	return fflush(stdout) == 0 && !ferror(stdout) ? 0 : 1;
}
