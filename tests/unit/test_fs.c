/* test_fs.c - reading, replacing, removing and copying files in a directory of the test's own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "base/str.h"

static char dir[] = "/tmp/iocage-test.XXXXXX";
static int top = -1;

static int setup(void **state)
{
	(void)state;
	memcpy(dir + sizeof(dir) - 7, "XXXXXX", 6);
	if (!mkdtemp(dir))
		return -1;
	top = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return top < 0 ? -1 : 0;
}

static int teardown(void **state)
{
	struct err e = ERR_INIT;

	(void)state;
	closep(&top);
	return fs_remove_tree(AT_FDCWD, dir, &e);
}

static void put(const char *path, const char *text)
{
	struct err e = ERR_INIT;

	assert_int_equal(fs_replace(top, path, text, strlen(text), 0644, false, &e), 0);
}

static bool there(const char *path)
{
	struct stat st;

	return fstatat(top, path, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static void read_limits(void **state)
{
	struct err e = ERR_INIT;
	char *s = NULL;
	size_t n;

	(void)state;
	put("f", "12345");
	assert_int_equal(fs_read(top, "f", 5, &s, &n, &e), 0);
	assert_int_equal(n, 5);
	assert_string_equal(s, "12345");
	free(s);
	assert_int_equal(fs_read(top, "f", 4, &s, &n, &e), -EFBIG);
	assert_int_equal(fs_read(top, "none", 4, &s, &n, &e), -ENOENT);
	assert_int_equal(e.code, ENOENT);
	assert_int_equal(symlinkat("f", top, "link"), 0);
	assert_true(fs_read(top, "link", 100, &s, &n, &e) < 0);
	assert_int_equal(mkfifoat(top, "fifo", 0600), 0);
	assert_true(fs_read(top, "fifo", 100, &s, &n, &e) < 0);
	assert_int_equal(fs_read(top, ".", 100, &s, &n, &e), -EISDIR);
	put("empty", "");
	assert_int_equal(fs_read(top, "empty", 0, &s, &n, &e), 0);
	assert_int_equal(n, 0);
	assert_string_equal(s, "");
	free(s);
}

/* A file whose size is not known before it is read. */
static void read_sizeless(void **state)
{
	struct err e = ERR_INIT;
	char *s = NULL;
	size_t n;

	(void)state;
	if (access("/proc/self/maps", R_OK) < 0)
		skip();
	assert_int_equal(fs_read(AT_FDCWD, "/proc/self/maps", 1 << 20, &s, &n, &e), 0);
	assert_true(n > 100 && strlen(s) == n);
	free(s);
	assert_int_equal(fs_read(AT_FDCWD, "/proc/self/maps", 10, &s, &n, &e), -EFBIG);
}

static void replace_keeps_or_changes(void **state)
{
	struct err e = ERR_INIT;
	struct stat st;
	char *s;
	size_t n;

	(void)state;
	put("target", "safe");
	assert_int_equal(symlinkat("target", top, "r"), 0);
	assert_int_equal(fs_replace(top, "r", "new", 3, 0640, true, &e), 0);
	/* the link was replaced, what it pointed to was not */
	assert_int_equal(fs_read(top, "target", 10, &s, &n, &e), 0);
	assert_string_equal(s, "safe");
	free(s);
	assert_int_equal(fstatat(top, "r", &st, AT_SYMLINK_NOFOLLOW), 0);
	assert_true(S_ISREG(st.st_mode));
	assert_int_equal(st.st_mode & 07777, 0640);
	assert_true(fs_replace(top, "no/such/dir", "x", 1, 0644, true, &e) < 0);
	assert_int_equal(e.code, ENOENT);
}

static void mkdirs(void **state)
{
	(void)state;
	assert_int_equal(fs_mkdirs(top, "m/n//o", 0755), 0);
	assert_int_equal(fs_mkdirs(top, "m/n/o", 0755), 0);
	assert_true(there("m/n/o"));
	put("plain", "");
	assert_int_equal(fs_mkdirs(top, "plain", 0755), -ENOTDIR);
	assert_true(fs_mkdirs(top, "plain/x", 0755) < 0);
}

static void remove_follows_nothing(void **state)
{
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(fs_mkdirs(top, "keep", 0755), 0);
	put("keep/file", "x");
	assert_int_equal(fs_mkdirs(top, "gone/a/b", 0755), 0);
	put("gone/a/b/c", "x");
	assert_int_equal(symlinkat("../keep", top, "gone/link"), 0);
	assert_int_equal(symlinkat("keep", top, "toplink"), 0);
	assert_int_equal(mkfifoat(top, "gone/fifo", 0600), 0);
	assert_int_equal(fs_remove_tree(top, "gone", &e), 0);
	assert_false(there("gone"));
	assert_int_equal(fs_remove_tree(top, "toplink", &e), 0);
	assert_false(there("toplink"));
	assert_true(there("keep/file"));
	assert_int_equal(fs_remove_tree(top, "gone", &e), 0);
}

/* Deeper than the fds a process may have, and than any path name: a jail's root can make such a thing. */
static void remove_deep(void **state)
{
	struct err e = ERR_INIT;
	int fd = openat(top, ".", O_RDONLY | O_DIRECTORY);

	(void)state;
	for (int i = 0; i < 3000; i++) {
		const char *name = i ? "dddddddddd" : "deep";
		int next;

		assert_int_equal(mkdirat(fd, name, 0755), 0);
		next = openat(fd, name, O_RDONLY | O_DIRECTORY);
		assert_true(next >= 0);
		close(fd);
		fd = next;
		if (i % 500 == 0)
			close(openat(fd, "file", O_CREAT | O_WRONLY, 0600));
	}
	close(fd);
	assert_int_equal(fs_remove_tree(top, "deep", &e), 0);
	assert_false(there("deep"));
}

static void copy_is_alike(void **state)
{
	struct err e = ERR_INIT;
	struct stat a, b;
	char buf[64] = "";
	char *s;
	size_t n;

	(void)state;
	assert_int_equal(fs_mkdirs(top, "src/sub", 0755), 0);
	put("src/sub/one", "content");
	assert_int_equal(linkat(top, "src/sub/one", top, "src/two", 0), 0);
	assert_int_equal(symlinkat("/etc/passwd", top, "src/out"), 0);
	assert_int_equal(mkfifoat(top, "src/fifo", 0600), 0);
	if (geteuid() == 0)
		assert_int_equal(fchownat(top, "src/sub/one", 1234, 4321, 0), 0);
	assert_int_equal(fchmodat(top, "src/sub/one", 04711, 0), 0);
	assert_int_equal(fchmodat(top, "src/sub", 01777, 0), 0);
	assert_int_equal(fs_copy_tree(top, "src", top, "dst", &e), 0);
	assert_int_equal(fstatat(top, "src/sub/one", &a, 0), 0);
	assert_int_equal(fstatat(top, "dst/sub/one", &b, 0), 0);
	assert_int_equal(a.st_mode, b.st_mode);
	assert_int_equal(a.st_uid, b.st_uid);
	assert_int_equal(a.st_gid, b.st_gid);
	assert_int_equal(a.st_mtim.tv_sec, b.st_mtim.tv_sec);
	assert_int_equal(a.st_mtim.tv_nsec, b.st_mtim.tv_nsec);
	assert_int_not_equal(a.st_ino, b.st_ino);
	assert_int_equal(b.st_nlink, 2);
	assert_int_equal(fstatat(top, "dst/two", &a, 0), 0);
	assert_int_equal(a.st_ino, b.st_ino);
	assert_int_equal(fs_read(top, "dst/two", 100, &s, &n, &e), 0);
	assert_string_equal(s, "content");
	free(s);
	assert_true(readlinkat(top, "dst/out", buf, sizeof(buf) - 1) > 0);
	assert_string_equal(buf, "/etc/passwd");
	assert_int_equal(fstatat(top, "dst/fifo", &a, AT_SYMLINK_NOFOLLOW), 0);
	assert_true(S_ISFIFO(a.st_mode));
	assert_int_equal(fstatat(top, "dst/sub", &a, 0), 0);
	assert_int_equal(a.st_mode & 07777, 01777);
	assert_true(fs_copy_tree(top, "src", top, "dst", &e) < 0);
	assert_int_equal(e.code, EEXIST);
}

/* The descriptor that is given next: the same before and after what leaks none. */
static int next_fd(void)
{
	int fd = dup(top);

	close(fd);
	return fd;
}

static void directories(void **state)
{
	int seen = 0, next = next_fd();
	struct dirent *de;
	DIR *d;

	(void)state;
	assert_int_equal(fs_mkdirs(top, "list/sub", 0755), 0);
	put("list/.hidden", "");
	put("list/file", "");
	assert_int_equal(symlinkat("list", top, "tolist"), 0);
	assert_int_equal(fs_opendir(top, "nothing", &d), -ENOENT);
	assert_int_equal(errno, ENOENT);
	assert_null(d);
	assert_int_equal(fs_opendir(top, "list/file", &d), -ENOTDIR);
	assert_true(fs_opendir(top, "tolist", &d) < 0);
	assert_int_equal(fs_opendir(-1, "list", &d), -EBADF);
	assert_int_equal(next_fd(), next);
	assert_int_equal(fs_opendir(top, "list", &d), 0);
	errno = EIO; /* of something before: the end is none */
	while (fs_readdir(d, &de) > 0) {
		assert_true(streq(de->d_name, "sub") || streq(de->d_name, ".hidden") || streq(de->d_name, "file"));
		seen++;
		errno = EIO;
	}
	assert_int_equal(seen, 3);
	assert_int_equal(fs_readdir(d, &de), 0);
	assert_null(de);
	closedir(d);
	assert_int_equal(next_fd(), next);
}

/* A file put in the place of an open directory: reading it fails, which is not its end. */
static void directory_fails(void **state)
{
	int fd = openat(top, "unlisted", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	struct dirent *de;
	DIR *d;

	(void)state;
	assert_int_equal(fs_opendir(top, ".", &d), 0);
	assert_int_equal(dup2(fd, dirfd(d)), dirfd(d));
	assert_int_equal(fs_readdir(d, &de), -ENOTDIR);
	assert_int_equal(errno, ENOTDIR);
	closedir(d);
	close(fd);
}

static void random_names_differ(void **state)
{
	char a[FS_RANDOM_CAP], b[FS_RANDOM_CAP];

	(void)state;
	assert_int_equal(fs_random_name(a), 0);
	assert_int_equal(fs_random_name(b), 0);
	assert_int_equal(strspn(a, "0123456789abcdef"), FS_RANDOM_CAP - 1);
	assert_string_not_equal(a, b);
}

static void mounts(void **state)
{
	char *at = NULL;

	(void)state;
	assert_int_equal(fs_mounted_below(dir, &at), 0);
	assert_int_equal(fs_mounted_below("/proc", &at), 1);
	assert_true(str_starts(at, "/proc"));
	free(at);
	assert_int_equal(fs_is_mount_root(AT_FDCWD, dir), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(read_limits),
		cmocka_unit_test(read_sizeless),
		cmocka_unit_test(replace_keeps_or_changes),
		cmocka_unit_test(mkdirs),
		cmocka_unit_test(remove_follows_nothing),
		cmocka_unit_test(remove_deep),
		cmocka_unit_test(copy_is_alike),
		cmocka_unit_test(directories),
		cmocka_unit_test(directory_fails),
		cmocka_unit_test(random_names_differ),
		cmocka_unit_test(mounts),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
