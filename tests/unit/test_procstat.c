/* test_procstat.c - a process that has ended is told from one of which nothing can be told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/linux/jailproc.h"

static void alive_and_another(void **state)
{
	struct err e = ERR_INIT;
	uint64_t start;

	(void)state;
	assert_int_equal(proc_start_time(getpid(), &start), 0);
	assert_true(start > 0);
	assert_int_equal(os_jail_alive(getpid(), start, &e), 1);
	/* the number is somebody else's by now */
	assert_int_equal(os_jail_alive(getpid(), start + 1, &e), 0);
	assert_int_equal(os_jail_alive(getpid(), 0, &e), 0);
	assert_int_equal(os_jail_alive(0, start, &e), 0);
	assert_int_equal(e.code, 0);
}

static void ended(void **state)
{
	struct err e = ERR_INIT;
	uint64_t start, now;
	siginfo_t si;
	int gate[2];
	pid_t pid;

	(void)state;
	assert_int_equal(pipe(gate), 0);
	pid = fork();
	if (pid == 0) {
		char c;

		close(gate[1]);
		_exit(read(gate[0], &c, 1) > 0);
	}
	close(gate[0]);
	assert_int_equal(proc_start_time(pid, &start), 0);
	assert_int_equal(os_jail_alive(pid, start, &e), 1);
	close(gate[1]);
	assert_int_equal(waitid(P_PID, (id_t)pid, &si, WEXITED | WNOWAIT), 0);
	/* not waited for yet */
	assert_int_equal(proc_start_time(pid, &now), -ESRCH);
	assert_int_equal(os_jail_alive(pid, start, &e), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(proc_start_time(pid, &now), -ESRCH);
	assert_int_equal(os_jail_alive(pid, start, &e), 0);
	assert_int_equal(e.code, 0);
}

static void cannot_be_told(void **state)
{
	struct err e = ERR_INIT;
	struct rlimit was, none;
	uint64_t start, now;

	(void)state;
	assert_int_equal(proc_start_time(getpid(), &start), 0);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &was), 0);
	none = (struct rlimit){ 0, was.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	assert_int_equal(proc_start_time(getpid(), &now), -EMFILE);
	assert_int_equal(now, 0);
	assert_int_equal(os_jail_alive(getpid(), start, &e), -EMFILE);
	/* nor does anybody know that this one is gone */
	assert_int_equal(os_jail_alive(getpid(), start + 1, NULL), -EMFILE);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &was), 0);
	assert_non_null(strstr(e.msg, "cannot tell whether process"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(alive_and_another),
		cmocka_unit_test(ended),
		cmocka_unit_test(cannot_be_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
