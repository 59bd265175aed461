/* store_world.h - a store in a directory of the test's own; for the unit tests of src/store. */
#ifndef IOCAGE_TESTS_STORE_WORLD_H
#define IOCAGE_TESTS_STORE_WORLD_H

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
#include "store/internal.h"

static char world_dir[] = "/tmp/iocage-test.XXXXXX";
static struct store S = STORE_INIT;

static inline void world_open(void)
{
	char root[64], run[64];
	struct err e = ERR_INIT;

	snprintf(root, sizeof(root), "%s/root", world_dir);
	snprintf(run, sizeof(run), "%s/run", world_dir);
	if (store_open(&S, root, run, true, &e) < 0)
		fail_msg("%s", e.msg);
}

static inline int world_setup(void **state)
{
	(void)state;
	memcpy(world_dir + sizeof(world_dir) - 7, "XXXXXX", 6);
	if (!mkdtemp(world_dir))
		return -1;
	world_open();
	return 0;
}

static inline int world_teardown(void **state)
{
	struct err e = ERR_INIT;

	(void)state;
	store_close(&S);
	return fs_remove_tree(AT_FDCWD, world_dir, &e);
}

static inline void put_file(const char *path, const char *data, size_t len)
{
	struct err e = ERR_INIT;

	if (fs_replace(S.rootfd, path, data, len, 0644, false, &e) < 0)
		fail_msg("%s", e.msg);
}

static inline char *get_file(const char *path)
{
	struct err e = ERR_INIT;
	char *s = NULL;
	size_t n;

	if (fs_read(S.rootfd, path, 1 << 20, &s, &n, &e) < 0)
		fail_msg("%s", e.msg);
	return s;
}

static inline bool there(const char *path)
{
	struct stat st;

	return fstatat(S.rootfd, path, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

/* A release with a few files in it, as if fetched. */
static inline void put_release(const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "releases/%s/root/etc", name);
	assert_int_equal(fs_mkdirs(S.rootfd, path, 0755), 0);
	snprintf(path, sizeof(path), "releases/%s/root/etc/motd", name);
	put_file(path, "hello\n", 6);
}

static inline void new_jail(const char *name, const char *release, bool thick)
{
	struct err e = ERR_INIT;
	struct config c;

	if (config_new(&S, name, &c, &e) < 0 || store_create_jail(&S, &c, release, thick, &e) < 0)
		fail_msg("%s", e.msg);
	config_done(&c);
}

static inline size_t count_entries(const char *path)
{
	int fd = openat(S.rootfd, path, O_RDONLY | O_DIRECTORY);
	DIR *d = fdopendir(fd);
	size_t n = 0;

	while (readdir(d))
		n++;
	closedir(d);
	return n - 2;
}

#endif
