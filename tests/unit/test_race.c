/* test_race.c - host code works below a root while somebody there swaps directories for symlinks that lead out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "base/str.h"
#include "os/linux/jailproc.h"

#define ROUNDS 4000

/*
 * dir/jails/j/root/race-etc   a directory of the jail's, and sometimes the next
 * dir/jails/j/root/swap       ../../../victim, or the directory
 * dir/victim                  what nobody may touch or read
 *
 * The names are none that a host has: code that is wrong must not reach the tester's own /etc.
 */
static char dir[] = "/tmp/iocage-race.XXXXXX";
static int topfd, jailfd;
static pid_t swapper;

static void put(const char *path, const char *text)
{
	struct err e = ERR_INIT;

	if (fs_replace(topfd, path, text, strlen(text), 0644, false, &e) < 0)
		fail_msg("%s", e.msg);
}

static void make(const char *path)
{
	assert_int_equal(fs_mkdirs(topfd, path, 0755), 0);
}

static int setup(void **state)
{
	(void)state;
	memcpy(dir + sizeof(dir) - 7, "XXXXXX", 6);
	assert_non_null(mkdtemp(dir));
	topfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	make("victim/sub");
	put("victim/resolv.conf", "secret\n");
	put("victim/sub/file", "secret\n");
	make("jails/j/root/race-etc/sub");
	put("jails/j/root/race-etc/resolv.conf", "mine\n");
	put("jails/j/root/race-etc/sub/file", "mine\n");
	assert_int_equal(symlinkat("../../../victim", topfd, "jails/j/root/swap"), 0);
	jailfd = openat(topfd, "jails/j/root", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(jailfd >= 0);
	swapper = fork();
	assert_true(swapper >= 0);
	if (swapper == 0) {
		(void)prctl(PR_SET_PDEATHSIG, (unsigned long)SIGKILL, 0L, 0L, 0L);
		for (;;)
			(void)renameat2(jailfd, "race-etc", jailfd, "swap", RENAME_EXCHANGE);
	}
	return 0;
}

static void untouched(const char *path)
{
	_cleanup_free_ char *text = NULL;
	struct err e = ERR_INIT;
	size_t len;

	if (fs_read(topfd, path, 100, &text, &len, &e) < 0)
		fail_msg("%s", e.msg);
	assert_string_equal(text, "secret\n");
}

static int teardown(void **state)
{
	struct err e = ERR_INIT;
	struct stat st;

	(void)state;
	(void)kill(swapper, SIGKILL);
	(void)waitpid(swapper, NULL, 0);
	untouched("victim/resolv.conf");
	untouched("victim/sub/file");
	/* itself, its parent's name for it, and sub's name for it: nothing was made in it */
	assert_int_equal(fstatat(topfd, "victim", &st, 0), 0);
	assert_int_equal(st.st_nlink, 3);
	(void)close(jailfd);
	(void)close(topfd);
	return fs_remove_tree(AT_FDCWD, dir, &e);
}

/* Does the jail's own file, wherever it is just now, hold what the host writes. */
static bool written(void)
{
	static const char *const places[] = { "jails/j/root/race-etc", "jails/j/root/swap" };

	for (size_t i = 0; i < 2; i++) {
		_cleanup_close_ int at = openat(topfd, places[i], O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		_cleanup_free_ char *text = NULL;
		size_t len;

		if (at >= 0 && fs_read(at, "resolv.conf", 100, &text, &len, NULL) == 0 &&
		    str_starts(text, "nameserver 10.0.0."))
			return true;
	}
	return false;
}

static void write_file(void **state)
{
	unsigned done = 0;

	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		struct err e = ERR_INIT;
		char text[32];

		snprintf(text, sizeof(text), "nameserver 10.0.0.%d\n", i % 250);
		if (write_in_root(jailfd, "/race-etc/resolv.conf", text, strlen(text), &e) < 0)
			continue;
		/* it may have been the symlink's turn: then there was no such directory */
		done += written();
	}
	assert_true(done > 0);
}

/* Opened, and then it is the jail's own: true. */
static bool reads_mine(const char *path, int flags)
{
	_cleanup_close_ int fd = open_in_root(jailfd, path, flags, 0);
	char text[16] = "";

	assert_int_not_equal(fd, -EAGAIN);
	if (fd < 0)
		return false;
	assert_true(read(fd, text, sizeof(text) - 1) > 0);
	assert_string_equal(text, "mine\n");
	return true;
}

static void read_file(void **state)
{
	unsigned done = 0;

	(void)state;
	for (int i = 0; i < ROUNDS; i++)
		done += reads_mine("race-etc/resolv.conf", O_RDONLY | O_NONBLOCK | O_NOCTTY);
	assert_true(done > 0);
}

/* A ".." on the way, which the kernel is unsure of when names change meanwhile. */
static void read_up(void **state)
{
	unsigned done = 0;

	(void)state;
	for (int i = 0; i < ROUNDS; i++)
		done += reads_mine("/race-etc/sub/../../race-etc/sub/../resolv.conf", O_RDONLY);
	assert_true(done > 0);
}

static void bind_source(void **state)
{
	_cleanup_free_ char *path = strf("%s/jails/j/root/race-etc/sub/file", dir),
			    *root = strf("%s/jails/k/root", dir);
	struct op op = { .kind = OP_ROOT, .source = root };
	unsigned done = 0;

	(void)state;
	make("jails/k/root");
	for (int i = 0; i < ROUNDS; i++) {
		_cleanup_close_ int fd = open_source(path, &op), again = -1;
		char text[16] = "", self[40];

		if (fd < 0)
			continue;
		snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
		again = open(self, O_RDONLY | O_CLOEXEC);
		assert_true(again >= 0 && read(again, text, sizeof(text) - 1) > 0);
		assert_string_equal(text, "mine\n");
		done++;
	}
	assert_true(done > 0);
}

static void copy_tree(void **state)
{
	(void)state;
	for (int i = 0; i < ROUNDS / 20; i++) {
		_cleanup_free_ char *text = NULL;
		struct err e = ERR_INIT;
		size_t len;

		/* it may fail, as the tree changes: what it copied is the jail's all the same */
		(void)!fs_copy_tree(topfd, "jails/j/root", topfd, "copy", &e);
		if (fs_read(topfd, "copy/race-etc/resolv.conf", 100, &text, &len, NULL) == 0)
			assert_string_not_equal(text, "secret\n");
		assert_int_equal(fs_remove_tree(topfd, "copy", &e), 0);
	}
}

static void remove_tree(void **state)
{
	(void)state;
	for (int i = 0; i < ROUNDS / 20; i++) {
		struct err e = ERR_INIT;

		if (fs_remove_tree(topfd, "jails/j/root", &e) == 0) {
			make("jails/j/root");
			return; /* the swapper's own descriptor is of the one that is gone */
		}
		(void)!mkdirat(jailfd, "race-etc", 0755);
		(void)!symlinkat("../../../victim", jailfd, "swap");
	}
}

#define RACE(f)                              \
	{                                    \
#f, f, setup, teardown, NULL \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RACE(write_file), RACE(read_file), RACE(read_up), RACE(bind_source), RACE(copy_tree), RACE(remove_tree),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
