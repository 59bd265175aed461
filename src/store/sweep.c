/* sweep.c - what killed writers left: unfinished directories, temporary files, logs and ids of no jail. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "store/internal.h"

#define LOCK_WAIT 2 /* seconds for each jail: the processes of a killed command hold its lock until they notice */

/* Files of fs_replace() in top/sub; the caller holds the lock under which they are written. */
static size_t sweep_files(int top, const char *sub)
{
	_cleanup_closedir_ DIR *d = NULL;
	struct dirent *de;
	size_t n = 0;
	struct stat st;

	if (top < 0 || fs_opendir(top, sub, &d) < 0)
		return 0;
	while (fs_readdir(d, &de) > 0)
		if (workdir_is_name(de->d_name) && fstatat(dirfd(d), de->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    S_ISREG(st.st_mode) && unlinkat(dirfd(d), de->d_name, 0) == 0)
			n++;
	return n;
}

/* Logs of jails that were destroyed by somebody who did not live to remove them. */
static size_t sweep_logs(struct store *s)
{
	static const char end[] = "-console.log";
	_cleanup_closedir_ DIR *d = NULL;
	struct dirent *de;
	size_t n = 0;

	if (fs_opendir(s->rootfd, "log", &d) < 0)
		return 0;
	while (fs_readdir(d, &de) > 0) {
		char name[STORE_NAME_MAX + 1];
		size_t len = strlen(de->d_name);

		if (!str_ends(de->d_name, end) || len - strlen(end) > STORE_NAME_MAX)
			continue;
		len -= strlen(end);
		memcpy(name, de->d_name, len);
		name[len] = '\0';
		/* a jail that cannot be looked for keeps its log */
		if (store_name_ok(name) && store_find_jail(s, name) == 0 && unlinkat(dirfd(d), de->d_name, 0) == 0)
			n++;
	}
	return n;
}

static size_t sweep_jail(struct store *s, const char *jail)
{
	_cleanup_free_ char *dir = strf("jails/%s", jail);
	_cleanup_close_ int lock = -1;

	if (!dir || store_lock_jail(s, jail, false, 0, &lock, NULL) < 0)
		return 0;
	return sweep_files(s->rootfd, dir) + sweep_files(s->runfd, dir);
}

/* Somebody may be between taking an id and writing down that he has it: ids are not to be given back now. */
static bool any_locked(struct store *s, const struct strv *jails, unsigned wait_seconds)
{
	for (size_t i = 0; i < jails->n; i++) {
		_cleanup_close_ int lock = -1;

		if (store_lock_jail(s, jails->v[i], true, wait_seconds, &lock, NULL) < 0)
			return true;
	}
	return false;
}

/* All that may hold an id now, some of them twice: who takes one later waits for the map. */
static int list_holders(struct store *s, struct strv *ret, struct err *e)
{
	_cleanup_(strv_done) struct strv names = { 0 };
	int r = store_jails(s, ret, e);

	if (r == 0)
		r = state_names(s, &names, e);
	for (size_t i = 0; r == 0 && i < names.n; i++)
		if (strv_add(ret, names.v[i]) < 0)
			r = err_oom(e);
	return r;
}

static int read_ids(struct store *s, unsigned char used[static JID_MAP_SIZE], struct err *e)
{
	_cleanup_(strv_done) struct strv names = { 0 };
	int r = state_names(s, &names, e);

	for (size_t i = 0; r == 0 && i < names.n; i++) {
		struct state st;

		r = state_load(s, names.v[i], &st, e);
		if (r == 0 && st.jid / 8 < JID_MAP_SIZE)
			used[st.jid / 8] |= (unsigned char)(1U << st.jid % 8);
		else if (r == -ENOENT)
			r = 0;
	}
	return r;
}

/*
 * A start has its jail's lock from before it takes an id until its state says so; a stop, from before its state is gone until
 * the id is given back. So nobody may hold one before the states are read, nor afterwards.
 */
static int sweep_ids(struct store *s, size_t *ret_n, struct err *e)
{
	_cleanup_(strv_done) struct strv jails = { 0 };
	_cleanup_close_ int map = -1;
	unsigned char used[JID_MAP_SIZE] = { 0 };
	int r = jid_lock(s, &map, e);

	if (r == 0)
		r = list_holders(s, &jails, e);
	if (r < 0 || any_locked(s, &jails, 0))
		return r;
	r = read_ids(s, used, e);
	if (r < 0 || any_locked(s, &jails, 0))
		return r;
	return jid_keep_only(s, map, used, ret_n, e);
}

int store_sweep(struct store *s, size_t *ret_n, struct err *e)
{
	_cleanup_(strv_done) struct strv jails = { 0 };
	_cleanup_close_ int names = -1;
	size_t n = workdir_sweep(s, "jails") + workdir_sweep(s, "releases"), ids = 0;
	int r = store_jails(s, &jails, e);
	/* waited for before the map of ids is locked, which every start needs */
	bool busy = r == 0 && any_locked(s, &jails, LOCK_WAIT);

	for (size_t i = 0; r == 0 && i < jails.n; i++)
		n += sweep_jail(s, jails.v[i]);
	if (r == 0 && s->runfd >= 0 && !busy)
		r = sweep_ids(s, &ids, e);
	/* defaults.json is written with this lock held */
	if (r == 0 && store_lock_global(s, "default", &names, NULL) == 0)
		n += sweep_files(s->rootfd, ".");
	*ret_n = n + ids + sweep_logs(s);
	return r;
}
