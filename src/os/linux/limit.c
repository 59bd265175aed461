/* limit.c - resource limits of a jail's processes, by the controllers of cgroup v2. */
#include "os/linux/limit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "base/str.h"
#include "os/linux/cgroup.h"

#define LIST_MAX 16384 /* bytes of a list of processors */

static int no_controller(const char *name, struct err *e)
{
	(void)err_set(e, EOPNOTSUPP, "this host's cgroup2 has no controller \"%s\"", name);
	return err_hint(e, "Boot with systemd.unified_cgroup_hierarchy=1, or set the jail's limits to off.");
}

/* A group has a controller's files when its parent has turned it on for its children, and so on up to the mount. */
static int turn_on(const struct os_jail *j, const char *name, struct err *e)
{
	_cleanup_free_ char *word = strf("+%s", name), *path = NULL;
	const char *mnt;
	int r = cgroup_mount(&mnt, e);

	if (r < 0)
		return r;
	path = strf("%s/%s/", mnt, j->cgroup);
	if (!word || !path)
		return err_oom(e);
	for (char *end = path + strlen(mnt); end; end = strchr(end + 1, '/')) {
		_cleanup_close_ int dir = -1;

		*end = '\0';
		dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (dir < 0)
			return err_sys(e, "open control group %s", path);
		r = fs_poke(dir, "cgroup.subtree_control", word);
		if (r == -ENOENT || r == -EINVAL)
			return no_controller(name, e);
		if (r < 0)
			return err_set(e, -r, "turn on %s in control group %s: %s", name, path, strerror(-r));
		*end = '/';
	}
	return 0;
}

/* The kernel gives a group with processes no empty list of processors: it gets all that there are for it. */
static int free_cpus(int dir, const char *file)
{
	_cleanup_free_ char *all = NULL;
	size_t len;
	int r = fs_poke(dir, file, "\n");

	if (r != -ENOSPC)
		return r;
	r = fs_read(dir, "../cpuset.cpus.effective", LIST_MAX, &all, &len, NULL);
	return r < 0 ? r : fs_poke(dir, file, all);
}

/*
 * What the broker does it does for the jail, and the memory of the sockets that it makes is its own: the group above, with the
 * jail's processes, the broker and the monitor in it, is held to the same. The jail's group keeps the limit, too: programs look for it
 * there. With many processes the jail's group is no heavier than the other, so the monitor has its share.
 */
static bool holds_servants(const char *file)
{
	return streq(file, "cpu.max") || streq(file, "memory.max") || streq(file, "memory.swap.max");
}

static int set_above(int dir, const char *file, const char *value)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "../%s", file);
	return fs_poke(dir, path, value);
}

/* One word FILE=VALUE. */
static int set_one(const struct os_jail *j, int dir, char *word, struct err *e)
{
	char *value = strchr(word, '='), controller[32];
	size_t n = strcspn(word, ".");
	int r;

	if (!value || n >= sizeof(controller))
		return err_set(e, EINVAL, "not a limit: %s", word);
	*value++ = '\0';
	for (char *s = value; *s; s++)
		*s = (char)(*s == '/' ? ' ' : *s);
	memcpy(controller, word, n);
	controller[n] = '\0';
	if (faccessat(dir, word, F_OK, 0) < 0) {
		/* where nothing is limited there is nothing to free */
		if (!*value || streq(value, "max"))
			return 0;
		r = turn_on(j, controller, e);
		if (r < 0)
			return r;
	}
	r = *value ? fs_poke(dir, word, value) : free_cpus(dir, word);
	if (r == 0 && holds_servants(word))
		r = set_above(dir, word, value);
	return r < 0 ? err_set(e, -r, "limit jail %s: write %s to %s: %s", j->jail, value, word, strerror(-r)) : 0;
}

uint64_t limit_of_host(const char *path)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	char text[64];
	/* at once: a sysctl variable is not read in pieces */
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	if (n <= 0)
		return 0;
	text[n] = '\0';
	return strtoull(text, NULL, 10);
}

/* A default: no more than a quarter of what the host can have, as it is there for several jails. */
static uint64_t fair_number(const char *value)
{
	static const char *const files[] = { "/proc/sys/kernel/threads-max", "/proc/sys/kernel/pid_max" };
	uint64_t n = strtoull(value, NULL, 10), all;

	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		all = limit_of_host(files[i]);
		n = all / 4 && all / 4 < n ? all / 4 : n;
	}
	return n;
}

/* ?FILE=VALUE. A host that has no such file: *ret_nproc is how many processes something else has to bound it to. */
static int set_default(const struct os_jail *j, int dir, const char *word, uint64_t *ret_nproc, struct err *e)
{
	_cleanup_free_ char *copy = NULL;
	struct err why = ERR_INIT;
	uint64_t n = 0;

	if (str_starts(word, "pids.max=")) {
		n = fair_number(word + strlen("pids.max="));
		copy = strf("pids.max=%llu", (unsigned long long)n);
	} else {
		copy = strdup(word);
	}
	if (!copy)
		return err_oom(e);
	if (set_one(j, dir, copy, &why) < 0)
		*ret_nproc = n ? n : *ret_nproc;
	return 0;
}

int limit_set(const struct os_jail *j, const char *text, uint64_t *ret_nproc, struct err *e)
{
	_cleanup_(strv_done) struct strv words = { 0 };
	_cleanup_close_ int dir = -1;
	int r = 0;

	if (strv_split(&words, text, " ") < 0)
		return err_oom(e);
	dir = cgroup_open_jail(j, "jail", e);
	for (size_t i = 0; dir >= 0 && r == 0 && i < words.n; i++)
		r = *words.v[i] == '?' ? set_default(j, dir, words.v[i] + 1, ret_nproc, e)
		                       : set_one(j, dir, words.v[i], e);
	return dir < 0 ? dir : r;
}
