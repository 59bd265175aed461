/* sanitized.c - linked into the programs of builds with sanitizers only: where reports go, and leak checks in daemons. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#include <sanitizer/lsan_interface.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/*
 * Reports are written to a descriptor that is opened at the start: daemons have no stderr, and who sits in a chroot or
 * behind a filter opens nothing any more. A program whose environment was taken away reports to stderr.
 */
#define REPORT_ENV    "IOCAGE_SANITIZER_LOG"
#define REPORT_FD     900 /* out of the way of descriptors with a fixed place */
#define CHECK_EACH_MS 200

/* Halted at the first report, with a status that no command has. */
#define STATUS "99"

const char *__ubsan_default_options(void);
_Noreturn void __real__exit(int status);
_Noreturn void __wrap__exit(int status);
int __real_execv(const char *path, char *const argv[]);
int __wrap_execv(const char *path, char *const argv[]);
long __real_syscall(long n, ...);
long __wrap_syscall(long n, long a, long b, long c, long d, long e, long f);
int __real_poll(struct pollfd *p, nfds_t n, int timeout);
int __wrap_poll(struct pollfd *p, nfds_t n, int timeout);

const char *__asan_default_options(void)
{
	return "exitcode=" STATUS ":strict_string_checks=1:check_initialization_order=1";
}

const char *__ubsan_default_options(void)
{
	return "exitcode=" STATUS ":halt_on_error=1:print_stacktrace=1";
}

const char *__lsan_default_options(void)
{
	return "exitcode=" STATUS;
}

static bool waits_for_ever; /* a daemon: it is killed when the jail stops, so leaks are looked for while it waits */

static int report_fd = -1;

/* The runtime remembers whose the descriptor is, and would open another file after fork(2). */
static void keep_reporting(void)
{
	if (report_fd >= 0)
		__sanitizer_set_report_fd((void *)(intptr_t)report_fd);
}

__attribute__((constructor)) static void start_reports(void)
{
	const char *path = getenv(REPORT_ENV), *name = program_invocation_short_name;
	int fd = path ? open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600) : -1;

	if (fd >= 0) {
		report_fd = fcntl(fd, F_DUPFD_CLOEXEC, REPORT_FD);
		(void)close(fd);
		keep_reporting();
		(void)pthread_atfork(NULL, NULL, keep_reporting);
	}
	waits_for_ever = strcmp(name, "iocage-monitor") == 0 || strcmp(name, "iocage-lease") == 0;
}

/* Is a tracer there already, as strace(1) is in tests. */
static bool is_traced(void)
{
	char text[4096];
	int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 ? read(fd, text, sizeof(text) - 1) : -1;
	const char *at;

	if (fd >= 0)
		(void)close(fd);
	if (n <= 0)
		return true;
	text[n] = '\0';
	at = strstr(text, "\nTracerPid:\t");
	return !at || at[12] != '0';
}

/*
 * The check stops the process by ptrace(2) and reads its /proc: not in a process that has a filter, as the broker has
 * (then prctl fails), and not in one that nobody may look into, as who enters a jail.
 */
static bool can_look(void)
{
	return prctl(PR_GET_SECCOMP) == 0 && prctl(PR_GET_DUMPABLE) == 1 && access("/proc/self/task", R_OK) == 0 &&
	       !is_traced();
}

/* The runtime asks before the check at the end of a program, which would fail where it cannot look. */
int __lsan_is_turned_off(void)
{
	return !can_look();
}

static void look_for_leaks(void)
{
	static bool told;

	if (!told && can_look())
		told = __lsan_do_recoverable_leak_check() != 0;
}

/* Children of fork(2) and whoever becomes another program end without exit(3), where the check is done by itself. */
void __wrap__exit(int status)
{
	look_for_leaks();
	__real__exit(status);
}

int __wrap_execv(const char *path, char *const argv[])
{
	look_for_leaks();
	return __real_execv(path, argv);
}

/* Processes that are made straight into a control group. */
long __wrap_syscall(long n, long a, long b, long c, long d, long e, long f)
{
	long r = __real_syscall(n, a, b, c, d, e, f);

	if (n == SYS_clone3 && r == 0)
		keep_reporting();
	return r;
}

int __wrap_poll(struct pollfd *p, nfds_t n, int timeout)
{
	static int64_t last;
	struct timespec t;
	int64_t now;

	if (waits_for_ever && timeout != 0) {
		(void)clock_gettime(CLOCK_MONOTONIC, &t);
		now = (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
		if (now - last >= CHECK_EACH_MS)
			look_for_leaks();
		last = now;
	}
	return __real_poll(p, n, timeout);
}
