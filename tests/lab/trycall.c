/* trycall.c - make one system call that a jail must not be able to make, and print OK or the errno's name. */
#include <errno.h>
#include <fcntl.h>
#include <arpa/inet.h>
#include <linux/capability.h>
#include <linux/io_uring.h>
#include <linux/keyctl.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static char zeros[512];

static long try_io_uring(void)
{
	struct io_uring_params p = { 0 };

	return syscall(SYS_io_uring_setup, 4, &p);
}

static long try_bpf(void)
{
	return syscall(SYS_bpf, 0, zeros, 64);
}

static long try_kexec(void)
{
	return syscall(SYS_kexec_load, 0, 0, NULL, 0);
}

static long try_kexec_file(void)
{
	return syscall(SYS_kexec_file_load, -1, -1, 0, NULL, 0);
}

static long try_keyctl(void)
{
	return syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 1);
}

static long try_add_key(void)
{
	return syscall(SYS_add_key, "user", "x", "y", 1, KEY_SPEC_PROCESS_KEYRING);
}

static long try_init_module(void)
{
	return syscall(SYS_init_module, zeros, sizeof(zeros), "");
}

static long try_finit_module(void)
{
	return syscall(SYS_finit_module, 0, "", 0);
}

static long try_delete_module(void)
{
	return syscall(SYS_delete_module, "nosuchmodule", O_NONBLOCK);
}

static long try_mount(void)
{
	return mount("x", "/tmp", "tmpfs", 0, NULL);
}

static long try_bind(void)
{
	return mount("/", "/tmp", NULL, MS_BIND, NULL);
}

static long try_remount(void)
{
	return mount(NULL, "/proc", NULL, MS_REMOUNT | MS_BIND, NULL);
}

static long try_umount(void)
{
	return umount2("/proc", MNT_DETACH);
}

static long try_fsopen(void)
{
	return syscall(SYS_fsopen, "tmpfs", 0);
}

static long try_open_tree(void)
{
	return syscall(SYS_open_tree, AT_FDCWD, "/", 1); /* OPEN_TREE_CLONE */
}

static long try_pivot(void)
{
	return syscall(SYS_pivot_root, "/", "/");
}

static long try_swapon(void)
{
	return syscall(SYS_swapon, "/nosuchfile", 0);
}

static long try_reboot(void)
{
	/* restart by Ctrl-Alt-Del off: harmless where it is allowed */
	return syscall(SYS_reboot, 0xfee1dead, 672274793, 0x00000000, NULL);
}

static long try_settime(void)
{
	struct timeval tv;

	gettimeofday(&tv, NULL);
	return settimeofday(&tv, NULL);
}

static long try_adjtime(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return syscall(SYS_clock_settime, CLOCK_REALTIME, &ts);
}

static long try_hostname(void)
{
	return sethostname("other", 5);
}

static long try_mknod_block(void)
{
	return mknod("/tmp/blk", S_IFBLK | 0600, makedev(8, 0));
}

static long try_mknod_mem(void)
{
	return mknod("/tmp/mem", S_IFCHR | 0600, makedev(1, 1));
}

static long try_iopl(void)
{
	return syscall(SYS_iopl, 3);
}

static long try_syslog(void)
{
	return syscall(SYS_syslog, 3, zeros, sizeof(zeros)); /* SYSLOG_ACTION_READ_ALL */
}

static long try_perf(void)
{
	zeros[4] = 64;
	return syscall(SYS_perf_event_open, zeros, 0, -1, -1, 0);
}

static long try_userfaultfd(void)
{
	return syscall(SYS_userfaultfd, O_CLOEXEC);
}

static long try_unshare_user(void)
{
	return unshare(CLONE_NEWUSER);
}

static long try_unshare_mount(void)
{
	return unshare(CLONE_NEWNS);
}

static long try_unshare_net(void)
{
	return unshare(CLONE_NEWNET);
}

static long try_clone_user(void)
{
	long r = syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, NULL, NULL, NULL, NULL);

	if (r == 0)
		_exit(0);
	return r;
}

static long try_clone3_user(void)
{
	unsigned long args[11] = { CLONE_NEWUSER, 0, 0, 0, SIGCHLD };
	long r = syscall(SYS_clone3, args, sizeof(args));

	if (r == 0)
		_exit(0);
	return r;
}

static long try_setns(void)
{
	int fd = open("/proc/1/ns/net", O_RDONLY | O_CLOEXEC);

	return fd < 0 ? fd : setns(fd, CLONE_NEWNET);
}

static long try_open_by_handle(void)
{
	struct file_handle *h = (struct file_handle *)(void *)zeros;

	h->handle_bytes = 8;
	h->handle_type = 1;
	return open_by_handle_at(AT_FDCWD, h, O_RDONLY);
}

static long try_quotactl(void)
{
	return syscall(SYS_quotactl, 0x80000100U, NULL, 0, zeros); /* Q_SYNC for all */
}

static long try_acct(void)
{
	return syscall(SYS_acct, NULL);
}

/* The numbers of x32 programs: theirs is socket(2) of the same architecture with a bit set. */
static long try_x32(void)
{
	return syscall(0x40000000 + 41, AF_INET, SOCK_STREAM, 0);
}

static long try_raw(void)
{
	return socket(AF_INET, SOCK_RAW, 1);
}

static long try_raw6(void)
{
	return socket(AF_INET6, SOCK_RAW, 58);
}

static long try_rawtcp(void)
{
	return socket(AF_INET, SOCK_RAW, IPPROTO_TCP);
}

static long try_rawtcp6(void)
{
	return socket(AF_INET6, SOCK_RAW, IPPROTO_TCP);
}

/* An IP header of the program's own, on the one raw socket that ping may have. */
static long try_rawheader(void)
{
	int one = 1;

	return setsockopt(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP), IPPROTO_IP, IP_HDRINCL, &one, sizeof(one));
}

static long try_rawheader6(void)
{
	int one = 1;

	return setsockopt(socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6), IPPROTO_IPV6, 36 /* IPV6_HDRINCL */, &one,
	                  sizeof(one));
}

static long try_rawflags(void)
{
	return socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_RAW);
}

/* Linux 2.0's way to packet sockets */
static long try_oldpacket(void)
{
	return socket(AF_INET, SOCK_PACKET, htons(3));
}

/* as an ordinary user, in no group */
static long try_ping(void)
{
	if (setgid(1001) < 0 || setuid(1001) < 0)
		return -1;
	return socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP);
}

static long try_packet(void)
{
	return socket(AF_PACKET, SOCK_RAW, 0);
}

static long try_vsock(void)
{
	return socket(AF_VSOCK, SOCK_STREAM, 0);
}

static long try_alg(void)
{
	return socket(AF_ALG, SOCK_SEQPACKET, 0);
}

/* Put a byte into the terminal's input, as if it had been typed. */
static long try_tiocsti(void)
{
	return ioctl(0, TIOCSTI, "x");
}

static long try_kill_host(void)
{
	const char *s = getenv("HOST_PID");

	return kill(s ? (pid_t)strtol(s, NULL, 10) : 999999, 0);
}

static long try_chroot(void)
{
	return chroot("/tmp");
}

static long try_setuid(void)
{
	return setuid(33);
}

static long try_chown(void)
{
	FILE *f = fopen("/tmp/owned", "w");

	if (!f)
		return -1;
	fclose(f);
	return chown("/tmp/owned", 12345, 54321);
}

static const struct {
	const char *name;
	long (*call)(void);
} calls[] = {
	{ "io_uring", try_io_uring },
	{ "bpf", try_bpf },
	{ "kexec", try_kexec },
	{ "kexec_file", try_kexec_file },
	{ "keyctl", try_keyctl },
	{ "add_key", try_add_key },
	{ "init_module", try_init_module },
	{ "finit_module", try_finit_module },
	{ "delete_module", try_delete_module },
	{ "mount", try_mount },
	{ "bind", try_bind },
	{ "remount", try_remount },
	{ "umount", try_umount },
	{ "fsopen", try_fsopen },
	{ "open_tree", try_open_tree },
	{ "pivot_root", try_pivot },
	{ "swapon", try_swapon },
	{ "reboot", try_reboot },
	{ "settimeofday", try_settime },
	{ "clock_settime", try_adjtime },
	{ "sethostname", try_hostname },
	{ "mknod_block", try_mknod_block },
	{ "mknod_mem", try_mknod_mem },
	{ "iopl", try_iopl },
	{ "syslog", try_syslog },
	{ "perf", try_perf },
	{ "userfaultfd", try_userfaultfd },
	{ "unshare_user", try_unshare_user },
	{ "unshare_mount", try_unshare_mount },
	{ "unshare_net", try_unshare_net },
	{ "clone_user", try_clone_user },
	{ "clone3_user", try_clone3_user },
	{ "setns", try_setns },
	{ "open_by_handle", try_open_by_handle },
	{ "quotactl", try_quotactl },
	{ "acct", try_acct },
	{ "x32", try_x32 },
	{ "raw", try_raw },
	{ "raw6", try_raw6 },
	{ "packet", try_packet },
	{ "oldpacket", try_oldpacket },
	{ "rawtcp", try_rawtcp },
	{ "rawtcp6", try_rawtcp6 },
	{ "rawheader", try_rawheader },
	{ "rawheader6", try_rawheader6 },
	{ "rawflags", try_rawflags },
	{ "ping", try_ping },
	{ "vsock", try_vsock },
	{ "alg", try_alg },
	{ "tiocsti", try_tiocsti },
	{ "kill_host", try_kill_host },
	{ "chroot", try_chroot },
	{ "setuid", try_setuid },
	{ "chown", try_chown },
};

/* Only in a jail: several of these would really do it on a host. */
static int jailed(void)
{
	unsigned long inside = 0, outside = 0;
	FILE *f = fopen("/proc/self/uid_map", "r");
	int n = f ? fscanf(f, "%lu %lu", &inside, &outside) : 0;

	if (f)
		fclose(f);
	return n == 2 && outside >= 65536;
}

int main(int argc, char **argv)
{
	if (!jailed()) {
		fprintf(stderr, "trycall: not in a jail with ids of its own, nothing tried\n");
		return 2;
	}
	for (int i = 1; i < argc; i++)
		for (size_t k = 0; k < sizeof(calls) / sizeof(calls[0]); k++)
			if (strcmp(argv[i], calls[k].name) == 0) {
				errno = 0;
				printf("%s %s\n", argv[i], calls[k].call() < 0 ? strerrorname_np(errno) : "OK");
			}
	return 0;
}
