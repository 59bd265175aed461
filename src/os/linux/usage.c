/* usage.c - what a running jail takes now of what bounds it. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <mntent.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "base/str.h"
#include "os/linux/cgroup.h"
#include "os/linux/jailproc.h"
#include "os/linux/shared.h"

#define DEVPTS_MAGIC 0x1cd1
#define TMPFS_MAGIC  0x01021994
#define TEXT_MAX     65536

/* Each process's own limits are met by the one that takes the most. */
struct processes {
	uint64_t threads, files, locked, data, stack, space;
};

struct seen {
	const struct os_jail *j;
	int group; /* of the jail's processes; -1: not there */
	int root; /* the jail's, O_PATH; -1: not there */
	struct processes p;
};

static void at_least(uint64_t *n, uint64_t v)
{
	if (v > *n)
		*n = v;
}

/* --- one process: proc(5) --- */

static uint64_t count_entries(const char *path)
{
	_cleanup_closedir_ DIR *d = NULL;
	struct dirent *de;
	uint64_t n = 0;

	if (fs_opendir(AT_FDCWD, path, &d) < 0)
		return 0;
	while (fs_readdir(d, &de) > 0)
		n++;
	return n;
}

static void read_status(struct processes *p, const char *path)
{
	_cleanup_fclose_ FILE *f = fopen(path, "re");
	char line[128];

	while (f && fgets(line, sizeof(line), f)) {
		const char *value = strchr(line, ':');
		uint64_t n = value ? strtoull(value + 1, NULL, 10) : 0;

		if (str_starts(line, "Threads:"))
			p->threads += n;
		else if (str_starts(line, "VmLck:"))
			at_least(&p->locked, n * 1024);
		else if (str_starts(line, "VmData:"))
			at_least(&p->data, n * 1024);
		else if (str_starts(line, "VmStk:"))
			at_least(&p->stack, n * 1024);
		else if (str_starts(line, "VmSize:"))
			at_least(&p->space, n * 1024);
	}
}

static void see_process(void *ctx, pid_t pid)
{
	struct seen *s = ctx;
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	read_status(&s->p, path);
	(void)snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	at_least(&s->p.files, count_entries(path));
}

/* --- the control group: Documentation/admin-guide/cgroup-v2.rst --- */

/* The number after the word ("": the first one) in a file of the jail's group. false: this host has none. */
static bool group_number(const struct seen *s, const char *file, const char *word, uint64_t *ret)
{
	_cleanup_free_ char *text = NULL;
	const char *at;
	size_t len;

	if (s->group < 0 || fs_read(s->group, file, TEXT_MAX, &text, &len, NULL) < 0)
		return false;
	at = strstr(text, word);
	if (at)
		*ret = strtoull(at + strlen(word), NULL, 10);
	return at != NULL;
}

static unsigned depth_of(int parent, const char *name, unsigned depth)
{
	_cleanup_closedir_ DIR *d = NULL;
	struct dirent *de;
	unsigned most = depth, n;

	if (depth > 64 || fs_opendir(parent, name, &d) < 0)
		return depth;
	while (fs_readdir(d, &de) > 0)
		if (de->d_type == DT_DIR) {
			n = depth_of(dirfd(d), de->d_name, depth + 1);
			most = n > most ? n : most;
		}
	return most;
}

/* --- file systems of the jail's --- */

static bool count_terminals(const struct seen *s, uint64_t *ret)
{
	_cleanup_close_ int fd = s->root < 0 ? -1
	                                     : open_in_root(s->root, "/dev/pts", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
	_cleanup_closedir_ DIR *d = NULL;
	struct statfs sf;
	struct dirent *de;

	if (fd < 0 || fstatfs(fd, &sf) < 0 || sf.f_type != DEVPTS_MAGIC || !(d = fdopendir(fd)))
		return false;
	fd = -1;
	*ret = 0;
	while (fs_readdir(d, &de) > 0)
		*ret += isdigit((unsigned char)de->d_name[0]) != 0;
	return true;
}

/* The one that holds the most. */
static bool count_tmpfs(const struct seen *s, uint64_t *ret_bytes, uint64_t *ret_inodes)
{
	char path[64];
	FILE *f;
	const struct mntent *m;
	bool any = false;

	(void)snprintf(path, sizeof(path), "/proc/%d/mounts", (int)s->j->pid);
	f = s->root < 0 ? NULL : setmntent(path, "re");
	*ret_bytes = *ret_inodes = 0;
	while (f && (m = getmntent(f))) {
		_cleanup_close_ int fd = -1;
		struct statfs sf;

		if (!streq(m->mnt_type, "tmpfs") || !hasmntopt(m, "rw"))
			continue;
		fd = open_in_root(s->root, m->mnt_dir, O_PATH | O_CLOEXEC, 0);
		if (fd < 0 || fstatfs(fd, &sf) < 0 || sf.f_type != TMPFS_MAGIC)
			continue;
		at_least(ret_bytes, (uint64_t)(sf.f_blocks - sf.f_bfree) * (uint64_t)sf.f_bsize);
		at_least(ret_inodes, (uint64_t)(sf.f_files - sf.f_ffree));
		any = true;
	}
	if (f)
		(void)endmntent(f);
	return any;
}

/* --- System V IPC: the files of /proc/sysvipc are those of the reader's namespace --- */

struct ipc {
	uint64_t queues, queue_bytes, sems, segments, segment_bytes;
};

/* The column'th number (from 0) of each line but the heading: how many lines, their sum and the largest. */
static void read_ipc(const char *file, unsigned column, uint64_t *ret_n, uint64_t *ret_sum, uint64_t *ret_most)
{
	_cleanup_fclose_ FILE *f = fopen(file, "re");
	char line[512];

	*ret_n = *ret_sum = *ret_most = 0;
	for (bool heading = true; f && fgets(line, sizeof(line), f); heading = false) {
		char *save = NULL, *word = strtok_r(line, " \t\n", &save);

		for (unsigned i = 0; word && i < column; i++)
			word = strtok_r(NULL, " \t\n", &save);
		if (heading || !word)
			continue;
		(*ret_n)++;
		*ret_sum += strtoull(word, NULL, 10);
		at_least(ret_most, strtoull(word, NULL, 10));
	}
}

static bool count_ipc(const struct seen *s, struct ipc *ret)
{
	_cleanup_close_ int ours = open("/proc/self/ns/ipc", O_RDONLY | O_CLOEXEC), theirs = -1;
	uint64_t ignored;
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/%d/ns/ipc", (int)s->j->pid);
	theirs = open(path, O_RDONLY | O_CLOEXEC);
	if (ours < 0 || theirs < 0 || setns(theirs, CLONE_NEWIPC) < 0)
		return false;
	read_ipc("/proc/sysvipc/msg", 3, &ret->queues, &ignored, &ret->queue_bytes);
	read_ipc("/proc/sysvipc/sem", 3, &ignored, &ret->sems, &ignored);
	read_ipc("/proc/sysvipc/shm", 3, &ret->segments, &ret->segment_bytes, &ignored);
	return setns(ours, CLONE_NEWIPC) == 0;
}

/* --- all of it --- */

static void add(struct os_usage *u, const char *prop, uint64_t n)
{
	if (u->n < OS_USAGE_MAX)
		u->v[u->n++] = (struct os_use){ prop, n };
}

static void add_group(const struct seen *s, struct os_usage *u)
{
	uint64_t n = s->p.threads;

	(void)group_number(s, "pids.current", "", &n);
	add(u, "maxproc", n);
	add(u, "nthr", n);
	if (group_number(s, "memory.current", "", &n))
		add(u, "memoryuse", n);
	if (group_number(s, "memory.swap.current", "", &n))
		add(u, "swapuse", n);
	if (group_number(s, "cgroup.stat", "nr_descendants ", &n))
		add(u, "cgroup_max", n);
	if (s->group >= 0)
		add(u, "cgroup_depth", depth_of(s->group, ".", 0));
}

static void add_processes(const struct seen *s, struct os_usage *u)
{
	add(u, "openfiles", s->p.files);
	add(u, "memorylocked", s->p.locked);
	add(u, "datasize", s->p.data);
	add(u, "stacksize", s->p.stack);
	add(u, "vmemoryuse", s->p.space);
}

static void add_files(const struct seen *s, struct os_usage *u)
{
	uint64_t n, bytes, inodes;
	struct stat st;

	if (count_terminals(s, &n))
		add(u, "pseudoterminals", n);
	if (count_tmpfs(s, &bytes, &inodes)) {
		add(u, "tmpfs_size", bytes);
		add(u, "tmpfs_inodes", inodes);
	}
	if (s->j->console_log && lstat(s->j->console_log, &st) == 0)
		add(u, "console_log_size", (uint64_t)st.st_size);
}

static void add_ipc(const struct seen *s, struct os_usage *u)
{
	struct ipc i = { 0 };

	if (!count_ipc(s, &i))
		return;
	add(u, "nmsgq", i.queues);
	add(u, "msgqsize", i.queue_bytes);
	add(u, "nsem", i.sems);
	add(u, "nshm", i.segments);
	add(u, "shmsize", i.segment_bytes);
}

int os_usage(const struct os_jail *j, struct os_usage *ret, struct err *e)
{
	struct seen s = { .j = j, .root = -1 };
	_cleanup_close_ int top = cgroup_open_jail(j, NULL, e), group = -1, root = -1;
	struct err ignored = ERR_INIT;
	struct hold_used sockets;
	char path[64];
	int r;

	ret->n = 0;
	if (top < 0)
		return top;
	s.group = group = openat(top, "jail", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	(void)snprintf(path, sizeof(path), "/proc/%d/root", (int)j->pid);
	s.root = root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	r = cgroup_each(top, "jail", see_process, &s);
	if (r < 0)
		return err_set(e, -r, "list the processes of jail %s: %s", j->jail, strerror(-r));
	add_group(&s, ret);
	add_processes(&s, ret);
	add_files(&s, ret);
	add_ipc(&s, ret);
	if (!j->vnet && hold_used(j->cgroup, &sockets, &ignored) == 0)
		add(ret, "maxsockets", sockets.socks);
	return 0;
}
