/* journal.c - RUN/jails/J/journal: the inverse of each thing done, one a line, written before the thing is done. */
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

struct paths {
	char dir[STORE_NAME_MAX + 16], journal[STORE_NAME_MAX + 24], live[STORE_NAME_MAX + 24],
		state[STORE_NAME_MAX + 24];
};

static int make_paths(const struct store *s, const char *jail, struct paths *p, struct err *e)
{
	bool host = streq(jail, JOURNAL_HOST);
	const char *uplink = str_starts(jail, JOURNAL_UPLINK) ? jail + strlen(JOURNAL_UPLINK) : NULL;

	if (!host && (uplink ? !ifname_valid(uplink) : !store_name_ok(jail)))
		return err_set(e, EINVAL, "no journal for a jail of that name");
	if (s->runfd < 0)
		return err_set(e, ENOENT, "no journal of %s: %s does not exist", jail, s->run);
	if (host) {
		(void)snprintf(p->dir, sizeof(p->dir), "hostnet");
		(void)snprintf(p->journal, sizeof(p->journal), "hostnet/journal");
		(void)snprintf(p->state, sizeof(p->state), "hostnet/state");
		return 0;
	}
	if (uplink) {
		if (mkdirat(s->runfd, "uplinks", 0700) < 0 && errno != EEXIST)
			return err_sys(e, "cannot create %s/uplinks", s->run);
		(void)snprintf(p->dir, sizeof(p->dir), "uplinks/%s", uplink);
		(void)snprintf(p->journal, sizeof(p->journal), "uplinks/%s/journal", uplink);
		(void)snprintf(p->state, sizeof(p->state), "uplinks/%s/state", uplink);
		return 0;
	}
	(void)snprintf(p->dir, sizeof(p->dir), "jails/%s", jail);
	(void)snprintf(p->journal, sizeof(p->journal), "jails/%s/journal", jail);
	(void)snprintf(p->live, sizeof(p->live), "jails/%s/live", jail);
	(void)snprintf(p->state, sizeof(p->state), "jails/%s/state", jail);
	return 0;
}

/*
 * A writer that died in the middle of a line had not begun the step; cut the line off, or the next one would be glued
 * to it.
 */
static int drop_torn_line(int fd)
{
	struct stat st;
	off_t end;
	char c = '\n';

	if (fstat(fd, &st) < 0)
		return -errno;
	for (end = st.st_size; end > 0; end--) {
		if (pread(fd, &c, 1, end - 1) != 1)
			return -EIO;
		if (c == '\n')
			break;
	}
	return end < st.st_size && ftruncate(fd, end) < 0 ? -errno : 0;
}

static int open_file(struct store *s, const char *dir, const char *file, int *ret_fd, struct err *e)
{
	_cleanup_close_ int fd = -1;
	int r;

	/* one of an older version is closed now */
	if (mkdirat(s->runfd, dir, 0700) < 0 && (errno != EEXIST || fchmodat(s->runfd, dir, 0700, 0) < 0))
		return err_sys(e, "cannot create %s/%s", s->run, dir);
	fd = openat(s->runfd, file, O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_sys(e, "cannot open %s/%s", s->run, file);
	r = drop_torn_line(fd);
	if (r < 0)
		return err_set(e, -r, "cannot repair %s/%s: %s", s->run, file, strerror(-r));
	*ret_fd = take_fd(&fd);
	return 0;
}

int journal_open(struct store *s, const char *jail, int *ret_fd, struct err *e)
{
	struct paths p;
	int r = make_paths(s, jail, &p, e);

	return r < 0 ? r : open_file(s, p.dir, p.journal, ret_fd, e);
}

int uplink_names(struct store *s, struct strv *ret, struct err *e)
{
	return s->runfd < 0 || faccessat(s->runfd, "uplinks", F_OK, AT_SYMLINK_NOFOLLOW) < 0
	               ? 0
	               : store_list_dirs(s->runfd, "uplinks", ret, e);
}

int live_open(struct store *s, const char *jail, int *ret_fd, struct err *e)
{
	struct paths p;
	int r = make_paths(s, jail, &p, e);

	return r < 0 ? r : open_file(s, p.dir, p.live, ret_fd, e);
}

int live_remove(struct store *s, const char *jail, struct err *e)
{
	struct paths p;
	int r = make_paths(s, jail, &p, e);

	if (r == 0 && unlinkat(s->runfd, p.live, 0) < 0 && errno != ENOENT)
		return err_sys(e, "cannot remove %s/%s", s->run, p.live);
	return r;
}

int journal_append(int fd, const struct op *undo, struct err *e)
{
	_cleanup_(sbuf_done) struct sbuf b = { 0 };
	ssize_t n;

	op_format(undo, &b);
	if (!b.failed && b.p && memchr(b.p, '\n', b.len))
		return err_set(e, EINVAL, "a line break in an operation for the journal");
	sbuf_addc(&b, '\n');
	if (b.failed)
		return err_oom(e);
	do
		n = write(fd, b.p, b.len);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return err_sys(e, "cannot write the journal");
	if ((size_t)n < b.len) {
		/* no room for all of it: take the piece back */
		off_t end = lseek(fd, 0, SEEK_END);

		if (end < n || ftruncate(fd, end - n) < 0)
			return err_sys(e, "cannot write the journal: no space left, and cannot repair it");
		return err_set(e, ENOSPC, "cannot write the journal: no space left");
	}
	return 0;
}

static int add_line(struct journal *j, size_t *cap, const char *line, struct err *e)
{
	int r;

	if (j->n == *cap) {
		size_t want = *cap ? *cap * 2 : 16;
		struct op *undo = realloc(j->undo, want * sizeof(*undo));
		char **mem;

		if (!undo)
			return err_oom(e);
		j->undo = undo;
		mem = realloc(j->mem, want * sizeof(*mem));
		if (!mem)
			return err_oom(e);
		j->mem = mem;
		*cap = want;
	}
	j->mem[j->n] = NULL;
	r = op_parse(line, &j->undo[j->n], &j->mem[j->n], e);
	if (r < 0)
		return r;
	j->n++;
	return 0;
}

int journal_parse(char *text, struct journal *ret, unsigned *ret_line, struct err *e)
{
	_cleanup_(journal_done) struct journal j = { 0 };
	size_t cap = 0;
	char *nl;
	int r;

	*ret_line = 0;
	/* what follows the last newline was never finished */
	for (char *line = text; (nl = strchr(line, '\n')); line = nl + 1) {
		*nl = '\0';
		++*ret_line;
		if (nl == line)
			continue;
		r = add_line(&j, &cap, line, e);
		if (r < 0)
			return r;
	}
	*ret = j;
	j = (struct journal){ 0 };
	return 0;
}

static int load_file(struct store *s, const char *file, struct journal *ret, struct err *e)
{
	_cleanup_free_ char *text = NULL;
	unsigned line = 0;
	size_t len;
	int r;

	if (faccessat(s->runfd, file, F_OK, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT)
		return 0;
	r = fs_read(s->runfd, file, JOURNAL_MAX, &text, &len, e);
	if (r < 0)
		return r;
	r = journal_parse(text, ret, &line, e);
	return r < 0 ? err_wrap(e, "%s/%s:%u", s->run, file, line) : 0;
}

int journal_load(struct store *s, const char *jail, struct journal *ret, struct err *e)
{
	struct paths p;
	int r;

	*ret = (struct journal){ 0 };
	if (s->runfd < 0)
		return 0;
	r = make_paths(s, jail, &p, e);
	return r < 0 ? r : load_file(s, p.journal, ret, e);
}

int live_load(struct store *s, const char *jail, struct journal *ret, struct err *e)
{
	struct paths p;
	int r;

	*ret = (struct journal){ 0 };
	if (s->runfd < 0)
		return 0;
	r = make_paths(s, jail, &p, e);
	return r < 0 ? r : load_file(s, p.live, ret, e);
}

/* The state goes first: a jail without one is down, whatever its journal still lists. */
static int remove_all(struct store *s, const struct paths *p, struct err *e)
{
	if (unlinkat(s->runfd, p->state, 0) < 0 && errno != ENOENT)
		return err_sys(e, "cannot remove %s/%s", s->run, p->state);
	if (unlinkat(s->runfd, p->journal, 0) < 0 && errno != ENOENT)
		return err_sys(e, "cannot remove %s/%s", s->run, p->journal);
	if (unlinkat(s->runfd, p->dir, AT_REMOVEDIR) == 0 || errno == ENOENT)
		return 0;
	/* temporary files of a writer that died */
	return fs_remove_tree(s->runfd, p->dir, e);
}

int journal_keep(struct store *s, const char *jail, const struct journal *j, const bool *keep, struct err *e)
{
	_cleanup_(sbuf_done) struct sbuf b = { 0 };
	struct paths p;
	int r;

	if (s->runfd < 0)
		return 0;
	r = make_paths(s, jail, &p, e);
	if (r < 0)
		return r;
	for (size_t i = 0; i < j->n; i++) {
		if (!keep || !keep[i])
			continue;
		op_format(&j->undo[i], &b);
		sbuf_addc(&b, '\n');
	}
	if (b.failed)
		return err_oom(e);
	if (!b.len)
		return remove_all(s, &p, e);
	return fs_replace(s->runfd, p.journal, b.p, b.len, 0600, false, e);
}

void journal_done(struct journal *j)
{
	for (size_t i = 0; i < j->n; i++)
		free(j->mem[i]);
	free(j->mem);
	free(j->undo);
	*j = (struct journal){ 0 };
}
