/* counters.c - takes all that there is of what the kernel counts per user: `counters KIND` says how much, `... hold` keeps it. */
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fanotify.h>
#include <sys/inotify.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define MANY 2000000
#define DEEP 1100 /* more than most processes may have descriptors */

static int take_inotify(int i)
{
	(void)i;
	return inotify_init1(0);
}

static int take_watch(int i)
{
	static int fd = -1;
	char path[64];

	if (fd < 0)
		fd = inotify_init1(0);
	(void)snprintf(path, sizeof(path), "/tmp/w%d", i);
	if (fd < 0 || open(path, O_CREAT | O_WRONLY, 0600) < 0)
		return -1;
	return inotify_add_watch(fd, path, IN_MODIFY);
}

static int take_fanotify(int i)
{
	(void)i;
	return (int)syscall(SYS_fanotify_init, 0x200 /* FAN_REPORT_FID */, 0);
}

static int take_mqueue(int i)
{
	struct mq_attr a = { .mq_maxmsg = 10, .mq_msgsize = 8192 };
	char name[48];
	int fd;

	(void)snprintf(name, sizeof(name), "/q%d.%d", (int)getpid(), i);
	fd = mq_open(name, O_CREAT | O_RDWR, 0600, &a);
	if (fd >= 0)
		(void)mq_unlink(name); /* it stays as long as it is open */
	return fd;
}

static int take_timer(int i)
{
	struct sigevent s = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1 };
	timer_t t;

	(void)i;
	return timer_create(CLOCK_MONOTONIC, &s, &t);
}

static int take_signal(int i)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	return sigqueue(getpid(), SIGRTMIN, (union sigval){ .sival_int = i });
}

/* 64 KiB of shared memory that is locked; it goes with this process. */
static int take_locked(int i)
{
	int id = shmget(IPC_PRIVATE, 65536, 0600), r = -1, code;

	(void)i;
	if (id >= 0 && shmat(id, NULL, 0) != (void *)-1)
		r = shmctl(id, SHM_LOCK, NULL);
	code = errno;
	if (id >= 0)
		(void)shmctl(id, IPC_RMID, NULL);
	errno = code;
	return r;
}

static int take_pty(int i)
{
	int a, b;

	(void)i;
	if (openpty(&a, &b, NULL, NULL, NULL) < 0)
		return -1;
	close(b);
	return a;
}

/* A process that sleeps: what a fork bomb leaves, told from 0 in the child by nothing but its end. */
static int take_process(int i)
{
	pid_t pid = fork();

	(void)i;
	if (pid == 0)
		for (;;)
			pause();
	return pid;
}

static int take_group(int i)
{
	char path[128];
	int fd;

	(void)snprintf(path, sizeof(path), "/sys/fs/cgroup/g%d", i);
	fd = syscall(SYS_mkdirat, AT_FDCWD, path, 0755) == 0 ? 0 : -1;
	return fd;
}

/* One below the other. */
static int take_depth(int i)
{
	if (i == 0 && chdir("/sys/fs/cgroup") < 0)
		return -1;
	if (i == DEEP) {
		errno = ELOOP;
		return -1;
	}
	return syscall(SYS_mkdirat, AT_FDCWD, "d", 0755) == 0 && chdir("d") == 0 ? 0 : -1;
}

/* For a jail: they stay. */
static int take_segment(int i)
{
	(void)i;
	return shmget(IPC_PRIVATE, 4096, 0600);
}

static const struct {
	const char *name;
	int (*take)(int);
} kinds[] = {
	{ "inotify", take_inotify }, { "watches", take_watch }, { "fanotify", take_fanotify },
	{ "mqueue", take_mqueue },   { "timers", take_timer },  { "signals", take_signal },
	{ "locked", take_locked },   { "ptys", take_pty },      { "processes", take_process },
	{ "groups", take_group },    { "depth", take_depth },   { "segments", take_segment },
};

int main(int argc, char **argv)
{
	struct rlimit r = { 0 };
	int n = 0, code;

	if (getrlimit(RLIMIT_NOFILE, &r) == 0) {
		r.rlim_cur = r.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &r);
	}
	for (size_t i = 0; argc > 1 && i < sizeof(kinds) / sizeof(*kinds); i++)
		if (strcmp(kinds[i].name, argv[1]) == 0) {
			while (n < MANY && kinds[i].take(n) >= 0)
				n++;
			code = errno;
			printf("%d %s\n", n, strerrorname_np(code) ? strerrorname_np(code) : "?");
			(void)fflush(stdout);
		}
	for (; argc > 2;)
		pause();
	return 0;
}
