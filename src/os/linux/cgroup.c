/* cgroup.c - control groups by plain file operations. */
#include "os/linux/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "base/str.h"

#define CGROUP2_MAGIC 0x63677270
#define FILEID_KERNFS 0xfe
#define AGAIN_MAX     100
#define PROCS_MAX     (4U << 20) /* bytes of cgroup.procs */
#define DEPTH_MAX     64
#define RUN_USUAL     "/run/iocage"

int cgroup_mount(const char **ret, struct err *e)
{
	static const char *const places[] = { "/sys/fs/cgroup", "/sys/fs/cgroup/unified" };

	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		struct statfs sf;

		if (statfs(places[i], &sf) == 0 && sf.f_type == CGROUP2_MAGIC) {
			*ret = places[i];
			return 0;
		}
	}
	err_set(e, ENOENT, "no cgroup2 file system at %s or %s", places[0], places[1]);
	return err_hint(e, "Mount one: mount -t cgroup2 cgroup2 /sys/fs/cgroup");
}

void cgroup_name(const char *run, const char *jail, char *buf, size_t cap)
{
	uint64_t h = 0xcbf29ce484222325ULL;

	if (streq(run, RUN_USUAL)) {
		snprintf(buf, cap, "iocage/%s", jail);
		return;
	}
	for (const char *p = run; *p; p++)
		h = (h ^ (unsigned char)*p) * 0x100000001b3ULL;
	snprintf(buf, cap, "iocage-%08x/%s", (unsigned)(h ^ h >> 32), jail);
}

int cgroup_open(const char *rel, const char *sub, struct err *e)
{
	_cleanup_free_ char *path = NULL;
	const char *mnt;
	int fd, r = cgroup_mount(&mnt, e);

	if (r < 0)
		return r;
	path = strf("%s/%s%s%s", mnt, rel, sub ? "/" : "", sub ? sub : "");
	if (!path)
		return err_oom(e);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? err_sys(e, "open control group %s", path) : fd;
}

int cgroup_open_jail(const struct os_jail *j, const char *sub, struct err *e)
{
	return cgroup_open(j->cgroup, sub, e);
}

/* The last jail's removal takes the parent, perhaps between two steps of ours: then once more. */
static int make_group(const char *path)
{
	int r = -ENOENT;

	for (int tries = 0; r == -ENOENT && tries < AGAIN_MAX; tries++)
		r = fs_mkdirs(AT_FDCWD, path, 0755);
	return r;
}

int cgroup_add(const char *rel, struct err *e)
{
	_cleanup_close_ int dir = -1;
	_cleanup_free_ char *path = NULL;
	const char *mnt;
	int r = cgroup_mount(&mnt, e);

	if (r < 0)
		return r;
	path = strf("%s/%s", mnt, rel);
	if (!path)
		return err_oom(e);
	r = make_group(path);
	if (r < 0)
		return err_set(e, -r, "make control group %s: %s", path, strerror(-r));
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return err_sys(e, "open control group %s", path);
	if ((mkdirat(dir, "jail", 0755) < 0 && errno != EEXIST) || (mkdirat(dir, "mon", 0755) < 0 && errno != EEXIST))
		return err_sys(e, "make control groups in %s", path);
	return 0;
}

/* ev: cgroup.events, read anew from its start; that also arms the next poll(2) */
static bool populated(int ev)
{
	char buf[256] = "";

	return pread(ev, buf, sizeof(buf) - 1, 0) > 0 && strstr(buf, "populated 1") != NULL;
}

static unsigned long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (unsigned long)t.tv_sec * 1000 + (unsigned long)(t.tv_nsec / 1000000);
}

int cgroup_kill(const char *rel, const char *sub, struct err *e)
{
	struct err why = ERR_INIT;
	_cleanup_close_ int dir = cgroup_open(rel, sub, &why);
	int r;

	if (dir == -ENOENT)
		return 0;
	if (dir < 0)
		return err_set(e, why.code, "%s", why.msg);
	r = fs_poke(dir, "cgroup.kill", "1");
	return r < 0 ? err_set(e, -r, "kill the processes of control group %s: %s", rel, strerror(-r)) : 0;
}

int cgroup_wait(const char *rel, const char *sub, unsigned wait_ms, struct err *e)
{
	struct err why = ERR_INIT;
	_cleanup_close_ int dir = cgroup_open(rel, sub, &why), ev = -1;
	/* the kernel tells of a change at most once in 10 ms: look by ourselves, soon at first */
	struct timespec pause = { 0, 50000 };

	if (dir == -ENOENT)
		return 0;
	if (dir < 0)
		return err_set(e, why.code, "%s", why.msg);
	ev = openat(dir, "cgroup.events", O_RDONLY | O_CLOEXEC);
	if (ev < 0)
		return err_sys(e, "watch the processes of control group %s", rel);
	for (unsigned long end = now_ms() + wait_ms; populated(ev);) {
		struct pollfd p = { .fd = ev, .events = POLLPRI };

		if (now_ms() >= end)
			return err_set(e, ETIMEDOUT, "processes of control group %s do not end", rel);
		if (ppoll(&p, 1, &pause, NULL) < 0 && errno != EINTR)
			return err_sys(e, "watch the processes of control group %s", rel);
		if (pause.tv_nsec < 20000000)
			pause.tv_nsec *= 2;
	}
	return 0;
}

static int remove_group(int parent, const char *name)
{
	for (int tries = 0; unlinkat(parent, name, AT_REMOVEDIR) < 0; tries++) {
		struct timespec tick = { 0, 1000000 };

		if (errno == ENOENT)
			break;
		/* the last task may still be on its way out */
		if (errno != EBUSY || tries == 2000)
			return -errno;
		nanosleep(&tick, NULL);
	}
	return 0;
}

/* The first group in dir: its name in ret, "" when there is none. */
static int first_group(int dir, char ret[static NAME_MAX + 1])
{
	_cleanup_closedir_ DIR *d = NULL;
	struct dirent *de;
	int r = fs_opendir(dir, ".", &d);

	*ret = '\0';
	while (r >= 0 && (r = fs_readdir(d, &de)) > 0)
		if (de->d_type == DT_DIR) {
			(void)snprintf(ret, NAME_MAX + 1, "%s", de->d_name);
			return 0;
		}
	return r;
}

/*
 * cgroupfs directories hold files that need no removal: only directories go, deepest first. A jail may nest them as deep as
 * it likes, so no descriptor is kept for each: the way up is "..", as control groups cannot be moved.
 */
static int remove_below(int parent, const char *name)
{
	_cleanup_(strv_done) struct strv way = { 0 };
	_cleanup_close_ int at = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	char sub[NAME_MAX + 1];
	int r;

	if (at < 0)
		return errno == ENOENT ? 0 : -errno;
	for (;;) {
		int next;

		r = first_group(at, sub);
		if (r < 0 || (!*sub && way.n == 0))
			break;
		next = openat(at, *sub ? sub : "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
		if (next < 0 && errno == ENOENT)
			continue; /* it has just gone */
		if (next < 0)
			return -errno;
		close(at);
		at = next;
		if (*sub) {
			if (strv_add(&way, sub) < 0)
				return -ENOMEM;
			continue;
		}
		r = remove_group(at, way.v[way.n - 1]);
		if (r < 0)
			return r;
		free(way.v[--way.n]);
		way.v[way.n] = NULL;
	}
	return r < 0 ? r : remove_group(parent, name);
}

int cgroup_del(const char *rel, struct err *e)
{
	_cleanup_free_ char *path = NULL;
	const char *mnt;
	char *slash;
	int r = cgroup_mount(&mnt, e);

	if (r < 0)
		return r;
	path = strf("%s/%s", mnt, rel);
	if (!path)
		return err_oom(e);
	r = remove_below(AT_FDCWD, path);
	if (r < 0)
		return err_set(e, -r, "remove control group %s: %s", path, strerror(-r));
	slash = strrchr(path, '/');
	*slash = '\0';
	/* the last jail's removal takes the parent; others in it keep it */
	if (rmdir(path) < 0 && errno != ENOTEMPTY && errno != EBUSY && errno != ENOENT)
		return err_sys(e, "remove control group %s", path);
	return 0;
}

static int each_below(int parent, const char *name, cgroup_fn see, void *ctx, int depth)
{
	_cleanup_free_ char *procs = NULL;
	_cleanup_closedir_ DIR *d = NULL;
	struct dirent *de;
	size_t len = 0;
	int r = fs_opendir(parent, name, &d);

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	/* a group of threads has no list of processes: its parent has them */
	if (fs_read(dirfd(d), "cgroup.procs", PROCS_MAX, &procs, &len, NULL) == 0)
		for (char *p = procs, *end; *p; p = end + 1) {
			see(ctx, (pid_t)strtol(p, &end, 10));
			if (*end != '\n')
				break;
		}
	while (depth < DEPTH_MAX && (r = fs_readdir(d, &de)) > 0)
		if (de->d_type == DT_DIR && de->d_name[0] != '.') {
			r = each_below(dirfd(d), de->d_name, see, ctx, depth + 1);
			if (r < 0)
				return r;
		}
	return r;
}

int cgroup_each(int parent, const char *name, cgroup_fn see, void *ctx)
{
	return each_below(parent, name, see, ctx, 0);
}

bool cgroup_is_maker(uint64_t id)
{
	struct {
		struct file_handle h;
		uint64_t id;
	} fh;
	_cleanup_close_ int top = -1, fd = -1;
	struct err ignored = ERR_INIT;
	char link[40], path[512];
	const char *mnt, *p;
	ssize_t n;

	if (!id || cgroup_mount(&mnt, &ignored) < 0)
		return false;
	memset(&fh, 0, sizeof(fh));
	fh.h.handle_bytes = sizeof(fh.id);
	fh.h.handle_type = FILEID_KERNFS;
	fh.id = id;
	top = open(mnt, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	fd = top < 0 ? -1 : open_by_handle_at(top, &fh.h, O_PATH | O_CLOEXEC);
	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = fd < 0 ? -1 : readlink(link, path, sizeof(path) - 1);
	if (n <= 0)
		return false;
	path[n] = '\0';
	p = strstr(path, "/iocage");
	return p && (p[7] == '/' || p[7] == '-') && str_ends(p, "/mon");
}

int cgroup_delegate(const char *rel, unsigned uid, struct err *e)
{
	static const char *const files[] = { ".", "cgroup.procs", "cgroup.threads", "cgroup.subtree_control" };
	_cleanup_close_ int dir = cgroup_open(rel, "jail", e);

	if (dir < 0)
		return dir;
	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++)
		if (fchownat(dir, files[i], uid, uid, 0) < 0)
			return err_sys(e, "hand control group %s to the jail", rel);
	return 0;
}
