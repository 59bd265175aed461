/* user.c - who a command runs as: users of the host by its user database, users of a jail by the jail's own files. */
#include "os/linux/user.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/str.h"

#define FILE_MAX (4U << 20)

static int set_names(struct user *u, const char *name, const char *home, const char *shell, struct err *e)
{
	if (str_copy(u->name, sizeof(u->name), name) < 0 ||
	    str_copy(u->home, sizeof(u->home), *home ? home : "/") < 0 ||
	    str_copy(u->shell, sizeof(u->shell), *shell ? shell : "/bin/sh") < 0)
		return err_set(e, ENAMETOOLONG, "user %.64s: name, home directory or shell is too long", name);
	return 0;
}

int user_on_host(const char *name, struct user *ret, struct err *e)
{
	gid_t groups[USER_GROUPS_MAX];
	int n = USER_GROUPS_MAX;
	struct passwd *pw;

	errno = 0;
	pw = getpwnam(name);
	if (!pw && errno)
		return err_sys(e, "look up user %s on the host", name);
	if (!pw)
		return err_class(e, ERR_MISSING, ENOENT, "there is no user %s on the host", name);
	if (pw->pw_uid > USER_ID_MAX || pw->pw_gid > USER_ID_MAX)
		return err_set(e, ERANGE, "user %s of the host has id %u:%u; jails only have the ids 0 to %u", name,
		               pw->pw_uid, pw->pw_gid, USER_ID_MAX);
	if (getgrouplist(name, pw->pw_gid, groups, &n) < 0)
		return err_set(e, E2BIG, "user %s of the host is in more than %d groups", name, USER_GROUPS_MAX);
	ret->uid = pw->pw_uid;
	ret->gid = pw->pw_gid;
	ret->ngroups = 0;
	for (int i = 0; i < n; i++)
		if (groups[i] <= USER_ID_MAX)
			ret->groups[ret->ngroups++] = groups[i];
	return set_names(ret, pw->pw_name, pw->pw_dir, pw->pw_shell, e);
}

/* *ret owned by the caller. A fifo or a device in its place must not hold us up. */
static int read_regular(const char *path, char **ret, struct err *e)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	_cleanup_free_ char *text = NULL;
	struct stat st;
	size_t len = 0;
	ssize_t n;

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(e, "open the jail's %s", path);
	if (!S_ISREG(st.st_mode))
		return err_set(e, EINVAL, "the jail's %s is not a file", path);
	text = malloc(FILE_MAX + 1);
	if (!text)
		return err_oom(e);
	while ((n = read(fd, text + len, FILE_MAX - len)) > 0)
		len += (size_t)n;
	if (n < 0)
		return err_sys(e, "read the jail's %s", path);
	if (len == FILE_MAX)
		return err_set(e, EFBIG, "the jail's %s is larger than %u MiB", path, FILE_MAX >> 20);
	text[len] = '\0';
	*ret = take_ptr(text);
	return 0;
}

/* Cut the line at colons into f[n], in place; missing fields become "". */
static void fields(char *line, char **f, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		f[i] = line;
		line += strcspn(line, ":");
		if (*line)
			*line++ = '\0';
	}
}

static bool id_of(const char *s, unsigned *ret)
{
	uint64_t v;

	if (!str_to_uint(s, 0, USER_ID_MAX, &v))
		return false;
	*ret = (unsigned)v;
	return true;
}

enum { PW_NAME, PW_PASS, PW_UID, PW_GID, PW_GECOS, PW_DIR, PW_SHELL, PW__COUNT };
enum { GR_NAME, GR_PASS, GR_GID, GR_MEMBERS, GR__COUNT };

/* 1: found, 0: not there, or -errno. An exact name wins over a number. */
static int find_user(char *passwd, const char *name, const unsigned *uid, struct user *ret, struct err *e)
{
	char *save = NULL, *f[PW__COUNT];

	for (char *line = strtok_r(passwd, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		fields(line, f, PW__COUNT);
		if (!id_of(f[PW_UID], &ret->uid) || !id_of(f[PW_GID], &ret->gid))
			continue;
		if (uid ? ret->uid != *uid : !streq(f[PW_NAME], name))
			continue;
		return set_names(ret, f[PW_NAME], f[PW_DIR], f[PW_SHELL], e) < 0 ? -ENAMETOOLONG : 1;
	}
	return 0;
}

static bool is_member(char *members, const char *name)
{
	char *save = NULL;

	for (char *m = strtok_r(members, ",", &save); m; m = strtok_r(NULL, ",", &save))
		if (streq(m, name))
			return true;
	return false;
}

static void find_groups(struct user *u, char *group)
{
	char *save = NULL, *f[GR__COUNT];
	unsigned gid;

	if (!*u->name)
		return;
	for (char *line = strtok_r(group, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		fields(line, f, GR__COUNT);
		if (u->ngroups < USER_GROUPS_MAX && id_of(f[GR_GID], &gid) && gid != u->gid &&
		    is_member(f[GR_MEMBERS], u->name))
			u->groups[u->ngroups++] = gid;
	}
}

int user_in_text(char *passwd, char *group, const char *name, struct user *ret, struct err *e)
{
	_cleanup_free_ char *again = NULL;
	unsigned uid;
	bool number = id_of(name, &uid);
	int r = 0;

	if (passwd) {
		again = number ? strdup(passwd) : NULL;
		r = find_user(passwd, name, NULL, ret, e);
		if (r == 0 && again)
			r = find_user(again, name, &uid, ret, e);
		if (r < 0)
			return r;
	}
	if (r != 1 && !number)
		return err_class(e, ERR_MISSING, ENOENT, "there is no user %s in the jail", name);
	if (r != 1) { /* a bare uid, as chown(1) takes */
		ret->uid = ret->gid = uid;
		r = set_names(ret, name, "/", "/bin/sh", e);
		if (r < 0)
			return r;
	}
	ret->ngroups = 0;
	ret->groups[ret->ngroups++] = ret->gid;
	if (group)
		find_groups(ret, group);
	return 0;
}

int user_in_jail(const char *name, struct user *ret, struct err *e)
{
	_cleanup_free_ char *passwd = NULL, *group = NULL;
	unsigned uid;

	if (read_regular("/etc/passwd", &passwd, e) < 0 && !id_of(name, &uid))
		return err_wrap(e, "look up user %s", name);
	/* a jail without /etc/group has users without groups: fine */
	if (read_regular("/etc/group", &group, NULL) < 0)
		group = NULL;
	return user_in_text(passwd, group, name, ret, e);
}
