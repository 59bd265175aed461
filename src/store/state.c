/* state.c - what is known of a running jail: RUN/jails/J/state, key=value lines, replaced whole. */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "store/internal.h"

enum field_kind { F_UNSIGNED, F_PID, F_U64, F_I64, F_BOOL, F_LIFECYCLE, F_TEXT };

static const char *const lifecycle_names[] = { "starting", "up", "stopping" };
#define NLIFECYCLES (sizeof(lifecycle_names) / sizeof(*lifecycle_names))

struct field {
	const char *key;
	enum field_kind kind;
	size_t at, cap; /* cap: of a text */
};

#define FIELD(name, kind)                                    \
	{                                                    \
#name, kind, offsetof(struct state, name), 0 \
	}
#define TEXT(name)                                                                             \
	{                                                                                      \
#name, F_TEXT, offsetof(struct state, name), sizeof(((struct state *)0)->name) \
	}

static const struct field fields[] = {
	FIELD(jid, F_UNSIGNED),
	FIELD(pid, F_PID),
	FIELD(pid_start, F_U64),
	FIELD(monitor, F_PID),
	FIELD(monitor_start, F_U64),
	FIELD(vnet, F_BOOL),
	FIELD(lifecycle, F_LIFECYCLE),
	FIELD(started, F_I64),
	TEXT(cgroup),
	TEXT(ip4),
	TEXT(ip6),
	TEXT(net),
	TEXT(release),
	TEXT(init),
};
#define NFIELDS (sizeof(fields) / sizeof(fields[0]))

static int set_lifecycle(enum lifecycle *p, const char *v)
{
	for (size_t i = 0; i < NLIFECYCLES; i++)
		if (streq(lifecycle_names[i], v)) {
			*p = (enum lifecycle)i;
			return 0;
		}
	return -EINVAL;
}

static int set_field(struct state *st, const struct field *f, const char *v)
{
	void *p = (char *)st + f->at;
	uint64_t n = 0;

	if (f->kind == F_TEXT)
		return str_copy(p, f->cap, v);
	if (f->kind == F_LIFECYCLE)
		return set_lifecycle(p, v);
	if (!str_to_uint(v, 0,
	                 f->kind == F_BOOL  ? 1
	                 : f->kind == F_U64 ? UINT64_MAX
	                 : f->kind == F_I64 ? INT64_MAX
	                 : f->kind == F_PID ? INT_MAX
	                                    : UINT_MAX,
	                 &n))
		return -EINVAL;
	switch (f->kind) {
	case F_UNSIGNED:
		*(unsigned *)p = (unsigned)n;
		break;
	case F_PID:
		*(pid_t *)p = (pid_t)n;
		break;
	case F_U64:
		*(uint64_t *)p = n;
		break;
	case F_I64:
		*(int64_t *)p = (int64_t)n;
		break;
	case F_BOOL:
		*(bool *)p = n != 0;
		break;
	case F_LIFECYCLE:
	case F_TEXT:
		break;
	}
	return 0;
}

static void add_field(struct sbuf *b, const struct state *st, const struct field *f)
{
	const void *p = (const char *)st + f->at;

	switch (f->kind) {
	case F_UNSIGNED:
		sbuf_addf(b, "%s=%u\n", f->key, *(const unsigned *)p);
		break;
	case F_PID:
		sbuf_addf(b, "%s=%ld\n", f->key, (long)*(const pid_t *)p);
		break;
	case F_U64:
		sbuf_addf(b, "%s=%" PRIu64 "\n", f->key, *(const uint64_t *)p);
		break;
	case F_I64:
		sbuf_addf(b, "%s=%" PRId64 "\n", f->key, *(const int64_t *)p);
		break;
	case F_BOOL:
		sbuf_addf(b, "%s=%d\n", f->key, *(const bool *)p);
		break;
	case F_LIFECYCLE:
		sbuf_addf(b, "%s=%s\n", f->key, lifecycle_names[*(const enum lifecycle *)p]);
		break;
	case F_TEXT:
		if (*(const char *)p)
			sbuf_addf(b, "%s=%s\n", f->key, (const char *)p);
		break;
	}
}

/* Keys of a newer program are passed over; a value that makes no sense is an error. */
static int parse_line(struct state *st, char *line)
{
	char *eq = strchr(line, '=');

	if (!eq)
		return -EINVAL;
	*eq = '\0';
	/* written by a program from before there was a lifecycle, for a jail that still runs */
	if (streq(line, "ready"))
		return set_lifecycle(&st->lifecycle, streq(eq + 1, "1") ? "up" : streq(eq + 1, "0") ? "starting" : "");
	for (size_t i = 0; i < NFIELDS; i++)
		if (streq(fields[i].key, line))
			return set_field(st, &fields[i], eq + 1);
	return 0;
}

unsigned state_parse(char *text, struct state *ret)
{
	unsigned number = 0;

	*ret = (struct state){ 0 };
	for (char *rest = text, *line; (line = strsep(&rest, "\n"));) {
		number++;
		if (*line && parse_line(ret, line) < 0)
			return number;
	}
	return 0;
}

int state_format(const struct state *st, struct sbuf *b)
{
	if (strpbrk(st->cgroup, "\n") || strpbrk(st->ip4, "\n") || strpbrk(st->ip6, "\n") || strpbrk(st->net, "\n") ||
	    strpbrk(st->release, "\n") || strpbrk(st->init, "\n"))
		return -EINVAL;
	for (size_t i = 0; i < NFIELDS; i++)
		add_field(b, st, &fields[i]);
	return b->failed ? -ENOMEM : 0;
}

int state_load(struct store *s, const char *jail, struct state *ret, struct err *e)
{
	_cleanup_free_ char *text = NULL;
	char path[STORE_NAME_MAX + 16];
	unsigned number;
	size_t len;
	int r;

	*ret = (struct state){ 0 };
	if (s->runfd < 0 || !store_name_ok(jail))
		return err_class(e, ERR_MISSING, ENOENT, "%s has no state", jail);
	(void)snprintf(path, sizeof(path), "jails/%s/state", jail);
	r = fs_read(s->runfd, path, STATE_MAX, &text, &len, e);
	if (r < 0)
		return r == -ENOENT ? r : err_wrap(e, "%s", s->run);
	number = state_parse(text, ret);
	if (!number)
		return 0;
	*ret = (struct state){ 0 }; /* half of it is nothing to go by */
	return err_set(e, EINVAL, "%s/%s:%u: cannot make sense of this line", s->run, path, number);
}

int state_save(struct store *s, const char *jail, const struct state *st, struct err *e)
{
	_cleanup_(sbuf_done) struct sbuf b = { 0 };
	char path[STORE_NAME_MAX + 16];
	int r;

	if (!store_name_ok(jail))
		return err_set(e, EINVAL, "no state for a jail of that name");
	r = state_format(st, &b);
	if (r < 0)
		return r == -EINVAL ? err_set(e, EINVAL, "%s: a line break in a value of its state", jail) : err_oom(e);
	(void)snprintf(path, sizeof(path), "jails/%s", jail);
	r = fs_mkdirs(s->runfd, path, 0700);
	if (r < 0)
		return err_set(e, -r, "cannot create %s/%s: %s", s->run, path, strerror(-r));
	(void)snprintf(path, sizeof(path), "jails/%s/state", jail);
	return fs_replace(s->runfd, path, b.p, b.len, 0600, false, e);
}

/* Temporary files of fs_replace() begin with a dot; nothing else there does. */
static void sweep_dir(int parent, const char *path)
{
	_cleanup_closedir_ DIR *d = NULL;
	struct dirent *de;

	if (fs_opendir(parent, path, &d) < 0)
		return;
	while (fs_readdir(d, &de) > 0)
		if (de->d_name[0] == '.')
			(void)unlinkat(dirfd(d), de->d_name, 0);
}

void store_sweep_jail(struct store *s, const char *jail)
{
	char path[STORE_NAME_MAX + 16];

	if (!store_name_ok(jail))
		return;
	(void)snprintf(path, sizeof(path), "jails/%s", jail);
	if (s->runfd >= 0)
		sweep_dir(s->runfd, path);
	if (s->rootfd >= 0)
		sweep_dir(s->rootfd, path);
}

int state_names(struct store *s, struct strv *ret, struct err *e)
{
	return store_list_dirs(s->runfd, "jails", ret, e);
}
