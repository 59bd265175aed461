/* test_proc.c - running programs: status, output, failures of exec, and no fd too many. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/proc.h"

static int sh(const char *line, struct sbuf *out, size_t max, int *status)
{
	char *const argv[] = { (char *)"sh", (char *)"-c", (char *)line, NULL };
	struct proc_spec s = PROC_SPEC_INIT;
	struct err e = ERR_INIT;

	s.argv = argv;
	return proc_capture(&s, max, out, status, &e);
}

static void status_and_output(void **state)
{
	struct sbuf b = { 0 };
	int st = -1;

	(void)state;
	assert_int_equal(sh("echo out; echo err >&2; exit 3", &b, 100, &st), 0);
	assert_int_equal(st, 3);
	assert_string_equal(b.p, "out\nerr\n");
	sbuf_clear(&b);
	assert_int_equal(sh("kill -9 $$", &b, 100, &st), 0);
	assert_int_equal(st, 128 + 9);
	sbuf_clear(&b);
	assert_int_equal(sh("head -c 1000000 /dev/zero | tr '\\0' x", &b, 10, &st), 0);
	assert_int_equal(st, 0);
	assert_string_equal(b.p, "xxxxxxxxxx");
	sbuf_done(&b);
}

static void failed_exec_is_told(void **state)
{
	char *const argv[] = { (char *)"no-such-program-anywhere", NULL };
	char *const dir[] = { (char *)"/", NULL };
	struct proc_spec s = PROC_SPEC_INIT;
	struct err e = ERR_INIT;
	pid_t pid;

	(void)state;
	s.argv = argv;
	assert_int_equal(proc_start(&s, &pid, &e), -ENOENT);
	assert_non_null(strstr(e.msg, "not found in PATH"));
	s.argv = dir;
	assert_int_equal(proc_start(&s, &pid, &e), -EACCES);
}

/* The child has 0, 1, 2 and nothing else, even of fds without close-on-exec; and its stdin is empty. */
static void no_fd_leaks(void **state)
{
	struct sbuf b = { 0 };
	int st, fd = open("/dev/null", O_RDONLY);

	(void)state;
	assert_true(fd > 2);
	assert_int_equal(dup2(fd, 77), 77);
	assert_int_equal(sh("for i in 3 4 5 6 7 8 9; do if true <&$i; then echo $i; fi; done 2>/dev/null; "
	                    "[ -e /proc/self/fd/77 ] && echo 77; cat",
	                    &b, 100, &st),
	                 0);
	assert_string_equal(b.p ? b.p : "", "");
	sbuf_done(&b);
	close(77);
	close(fd);
}

static void fds_in_any_order(void **state)
{
	char *const argv[] = { (char *)"sh", (char *)"-c", (char *)"cat; echo err >&2", NULL };
	struct proc_spec s = PROC_SPEC_INIT;
	struct err e = ERR_INIT;
	int in[2], out[2], err[2], st;
	char buf[16] = "";

	(void)state;
	assert_int_equal(pipe(in) | pipe(out) | pipe(err), 0);
	assert_int_equal(write(in[1], "hi", 2), 2);
	close(in[1]);
	s.argv = argv;
	s.in = in[0];
	s.out = out[1];
	s.err = err[1];
	assert_int_equal(proc_run(&s, &st, &e), 0);
	assert_int_equal(st, 0);
	assert_int_equal(read(out[0], buf, sizeof(buf)), 2);
	assert_memory_equal(buf, "hi", 2);
	assert_int_equal(read(err[0], buf, sizeof(buf)), 4);
	assert_memory_equal(buf, "err\n", 4);
	close(in[0]), close(out[0]), close(out[1]), close(err[0]), close(err[1]);
}

static void environment_is_what_was_given(void **state)
{
	char *const argv[] = { (char *)"/usr/bin/env", NULL }, *const envp[] = { (char *)"A=b", NULL };
	struct proc_spec s = PROC_SPEC_INIT;
	struct err e = ERR_INIT;
	struct sbuf b = { 0 };
	int st;

	(void)state;
	s.argv = argv;
	s.envp = envp;
	assert_int_equal(proc_capture(&s, 1000, &b, &st, &e), 0);
	assert_string_equal(b.p, "A=b\n");
	sbuf_done(&b);
}

/* A lock is held until the program ends, also by who has let go of it. */
static void kept_lock(void **state)
{
	char *argv[] = { (char *)"sh", (char *)"-c",
		         (char *)"read x; test -e /proc/self/fd/4 && ! test -e /proc/self/fd/5", NULL };
	char path[] = "/tmp/iocage-proc.XXXXXX";
	struct proc_spec s = PROC_SPEC_INIT;
	struct err e = ERR_INIT;
	int lock = mkostemp(path, O_CLOEXEC), other, in[2], st = -1;
	pid_t pid;

	(void)state;
	assert_true(lock >= 0 && pipe2(in, O_CLOEXEC) == 0);
	assert_int_equal(flock(lock, LOCK_EX), 0);
	s.argv = argv;
	s.in = in[0];
	s.keep = lock;
	assert_int_equal(proc_start(&s, &pid, &e), 0);
	close(lock);
	close(in[0]);
	other = open(path, O_RDONLY | O_CLOEXEC);
	assert_int_equal(flock(other, LOCK_EX | LOCK_NB), -1);
	close(in[1]);
	assert_int_equal(proc_wait(pid, &st, &e), 0);
	assert_int_equal(st, 0);
	assert_int_equal(flock(other, LOCK_EX | LOCK_NB), 0);
	close(other);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(status_and_output),
		cmocka_unit_test(failed_exec_is_told),
		cmocka_unit_test(no_fd_leaks),
		cmocka_unit_test(fds_in_any_order),
		cmocka_unit_test(environment_is_what_was_given),
		cmocka_unit_test(kept_lock),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
