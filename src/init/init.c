/* init.c - first process of a jail without a system's own init: runs exec_start, tells how it ended, reaps for ever. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/*
 * Called as: iocage-init [-- COMMAND [ARG...]], stdin /dev/null, stdout and stderr the jail's console. To fd 3 goes one
 * line: the command's exit status (128 + signal), or "exec: ERRNO" when it could not be run. No stdio: this program
 * stays in memory as long as the jail runs.
 */
#define STATUS_FD 3

/* reboot(2); the C library this is built with may have no linux/reboot.h */
#define REBOOT_MAGIC1    0xfee1deadU
#define REBOOT_MAGIC2    672274793U
#define REBOOT_RESTART   0x01234567U
#define REBOOT_HALT      0xcdef0123U
#define REBOOT_POWER_OFF 0x4321fedcU

static void say(const char *prefix, unsigned value)
{
	char line[32], digits[12];
	size_t len = strlen(prefix), n = sizeof(digits);

	digits[--n] = '\n';
	do
		digits[--n] = (char)('0' + value % 10);
	while (value /= 10);
	memcpy(line, prefix, len);
	memcpy(line + len, digits + n, sizeof(digits) - n);
	/* nobody listening any more is no reason to end the jail */
	if (write(STATUS_FD, line, len + sizeof(digits) - n) < 0)
		return;
}

/* 0: *ret_pid runs, else errno of exec. vfork: the child answers through our memory, and execve is quicker. */
static int start(char **argv, pid_t *ret_pid)
{
	static volatile int failed;

	*ret_pid = vfork();
	if (*ret_pid == 0) {
		setsid();
		execvp(argv[0], argv);
		failed = errno;
		_exit(127);
	}
	return *ret_pid < 0 ? errno : failed;
}

static unsigned wait_for(pid_t pid)
{
	int status;

	for (;;) {
		pid_t got = waitpid(-1, &status, 0);

		if (got == pid)
			return WIFSIGNALED(status) ? 128U + (unsigned)WTERMSIG(status) : (unsigned)WEXITSTATUS(status);
		if (got < 0 && errno != EINTR)
			return 255;
	}
}

/*
 * The host asks for it when the jail is stopped, as jail(8) does: everybody here but us, also who is stopped. From inside come
 * the signals by which busybox's reboot, halt and poweroff ask its init: the host then stops the jail, with its hooks. A
 * process of the host has no number here.
 */
static void asked(int sig, siginfo_t *from, void *context)
{
	(void)context;
	if (from->si_code <= 0 && from->si_pid) {
		(void)syscall(SYS_reboot, REBOOT_MAGIC1, REBOOT_MAGIC2,
		              sig == SIGTERM   ? REBOOT_RESTART
		              : sig == SIGUSR1 ? REBOOT_HALT
		                               : REBOOT_POWER_OFF,
		              NULL);
	} else if (sig == SIGTERM) {
		(void)kill(-1, SIGTERM);
		(void)kill(-1, SIGCONT);
	}
}

int main(int argc, char **argv)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN }, stop = { .sa_sigaction = asked, .sa_flags = SA_SIGINFO };
	pid_t pid = 0;
	int failed;

	/* run by descriptor, the kernel would call us by the descriptor's number */
	prctl(PR_SET_NAME, "iocage-init");
	fcntl(STATUS_FD, F_SETFD, FD_CLOEXEC);
	if (argc > 2) {
		failed = start(argv + 2, &pid);
		if (failed)
			say("exec: ", (unsigned)failed);
		else
			say("", wait_for(pid));
	} else {
		say("", 0);
	}
	close(STATUS_FD);
	/* signals without a handler never reach a first process; ignoring SIGCHLD makes the kernel reap, we sleep on */
	sigaction(SIGCHLD, &ignore, NULL);
	sigaction(SIGTERM, &stop, NULL);
	sigaction(SIGUSR1, &stop, NULL);
	sigaction(SIGUSR2, &stop, NULL);
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
	for (;;)
		pause();
}
