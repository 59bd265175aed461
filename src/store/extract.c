/* extract.c - unpacks a tar archive with libarchive; trusts nothing a member says. */
#include "store/extract.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/str.h"

#define BLOCK     (128 * 1024)
#define ID_MAX    65535 /* a jail has the ids 0..65535 */
#define ID_NOBODY 65534 /* who gets what belongs to others */

static void read_freep(struct archive **a)
{
	(void)archive_read_free(*a);
}

static void write_freep(struct archive **a)
{
	(void)archive_write_free(*a);
}

static void entry_freep(struct archive_entry **en)
{
	archive_entry_free(*en);
}

/* "member: what libarchive says" */
static int fail(struct err *e, struct archive *a, const char *member)
{
	const char *why = archive_error_string(a);
	int code = archive_errno(a);

	/*
	 * libarchive has codes of its own for broken archives, below zero and EILSEQ (ARCHIVE_ERRNO_FILE_FORMAT); its text may
	 * leave out what the system said
	 */
	bool named = code > 0 && code < 4096 && code != EILSEQ && !(why && strstr(why, strerror(code)));

	return err_set(e, code > 0 ? code : EINVAL, "%s%s%s%s%s", member ? member : "", member ? ": " : "",
	               why ? why : "unknown error", named ? ": " : "", named ? strerror(code) : "");
}

/* Without leading "/" and "./"; "" is the root itself. */
static const char *relative(const char *path)
{
	for (;;) {
		if (path[0] == '/')
			path++;
		else if (path[0] == '.' && (path[1] == '/' || path[1] == '\0'))
			path++;
		else
			return path;
	}
}

static bool has_dotdot(const char *path)
{
	for (const char *p = path; *p; p += strcspn(p, "/"), p += *p == '/')
		if (p[0] == '.' && p[1] == '.' && (p[2] == '/' || p[2] == '\0'))
			return true;
	return false;
}

static void renumber(struct archive_entry *en, struct extract_stats *st)
{
	bool changed = false;

	if (archive_entry_uid(en) < 0 || archive_entry_uid(en) > ID_MAX) {
		archive_entry_set_uid(en, ID_NOBODY);
		changed = true;
	}
	if (archive_entry_gid(en) < 0 || archive_entry_gid(en) > ID_MAX) {
		archive_entry_set_gid(en, ID_NOBODY);
		changed = true;
	}
	/* names of owners mean nothing here: numbers count */
	archive_entry_set_uname(en, NULL);
	archive_entry_set_gname(en, NULL);
	st->renumbered += changed;
}

/*
 * What the host's kernel keeps for itself is not an archive's to set: overlayfs reads orders about its layers there
 * (trusted.overlay.redirect, opaque, metacopy). Nor is what the host's own policy says of a file (security.selinux, ima): only
 * the capabilities of programs are kept.
 */
static int drop_trusted(struct archive_entry *en, struct err *e)
{
	_cleanup_(entry_freep) struct archive_entry *was = NULL;
	const char *name;
	const void *value;
	size_t len;

	if (archive_entry_xattr_reset(en) == 0)
		return 0;
	was = archive_entry_clone(en);
	if (!was)
		return err_oom(e);
	archive_entry_xattr_clear(en);
	(void)archive_entry_xattr_reset(was);
	while (archive_entry_xattr_next(was, &name, &value, &len) == ARCHIVE_OK)
		if (!str_starts(name, "trusted.") &&
		    (!str_starts(name, "security.") || streq(name, "security.capability")))
			archive_entry_xattr_add_entry(en, name, value, len);
	return 0;
}

int extract_member(struct archive_entry *en, struct extract_stats *st, struct err *e)
{
	const char *path = archive_entry_pathname(en), *link = archive_entry_hardlink(en);
	mode_t type = archive_entry_filetype(en);
	char *copy;

	if (!path)
		return err_set(e, EILSEQ, "a member's name cannot be read");
	if (has_dotdot(path))
		return err_set(e, EINVAL, "%s: a member's name with .. in it", path);
	if (link && has_dotdot(link))
		return err_set(e, EINVAL, "%s: a hard link to %s", path, link);
	if (!link && (type == S_IFBLK || type == S_IFCHR || type == S_IFSOCK)) {
		st->skipped++;
		return 1;
	}
	path = relative(path);
	if (!*path)
		return 1; /* the root directory is made by whoever asked */
	copy = strdup(path);
	if (!copy)
		return err_oom(e);
	archive_entry_set_pathname(en, copy);
	free(copy);
	if (link) {
		copy = strdup(relative(link));
		if (!copy)
			return err_oom(e);
		archive_entry_set_hardlink(en, copy);
		free(copy);
	}
	renumber(en, st);
	return drop_trusted(en, e);
}

static int copy_data(struct archive *in, struct archive *out, const char *path, struct err *e)
{
	for (;;) {
		const void *buf;
		size_t len;
		int64_t off;
		int r = archive_read_data_block(in, &buf, &len, &off);

		if (r == ARCHIVE_EOF)
			return 0;
		if (r != ARCHIVE_OK)
			return fail(e, in, path);
		/* what could not be written, on a full disk, is no more than a warning to libarchive */
		if (archive_write_data_block(out, buf, len, off) < ARCHIVE_OK)
			return fail(e, out, path);
	}
}

static int one_member(struct archive *in, struct archive *out, struct archive_entry *en, struct extract_stats *st,
                      struct err *e)
{
	int r = extract_member(en, st, e);
	const char *path = archive_entry_pathname(en);

	if (r != 0)
		return r < 0 ? r : 0;
	r = archive_write_header(out, en);
	/* a warning is an owner, mode or attribute that could not be kept: the jail would not be what was packed */
	if (r != ARCHIVE_OK)
		return fail(e, out, path);
	if (!archive_entry_hardlink(en) || archive_entry_size(en) > 0) {
		r = copy_data(in, out, path, e);
		if (r < 0)
			return r;
	}
	if (archive_write_finish_entry(out) != ARCHIVE_OK)
		return fail(e, out, path);
	st->members++;
	return 0;
}

struct archive *extract_reader(void)
{
	struct archive *a = archive_read_new();

	if (a && archive_read_support_format_tar(a) == ARCHIVE_OK &&
	    archive_read_support_filter_gzip(a) >= ARCHIVE_WARN && archive_read_support_filter_xz(a) >= ARCHIVE_WARN &&
	    archive_read_support_filter_zstd(a) >= ARCHIVE_WARN && archive_read_support_filter_bzip2(a) >= ARCHIVE_WARN)
		return a;
	if (a)
		(void)archive_read_free(a);
	return NULL;
}

static struct archive *open_input(int fd, struct err *e)
{
	struct archive *a = extract_reader();

	if (!a)
		(void)err_oom(e);
	else if (archive_read_open_fd(a, fd, BLOCK) != ARCHIVE_OK)
		(void)fail(e, a, NULL);
	else
		return a;
	if (a)
		(void)archive_read_free(a);
	return NULL;
}

static struct archive *open_output(struct err *e)
{
	struct archive *a = archive_write_disk_new();

	/*
	 * No standard lookup: names would be searched in the archive's own etc/passwd. No EXTRACT_UNLINK: it would
	 * turn a symlink in a member's way (lib -> usr/lib) into a directory without a word; this way it is an error.
	 */
	if (a && archive_write_disk_set_options(a, ARCHIVE_EXTRACT_OWNER | ARCHIVE_EXTRACT_PERM | ARCHIVE_EXTRACT_TIME |
	                                                   ARCHIVE_EXTRACT_XATTR | ARCHIVE_EXTRACT_ACL |
	                                                   ARCHIVE_EXTRACT_SECURE_SYMLINKS |
	                                                   ARCHIVE_EXTRACT_SECURE_NODOTDOT |
	                                                   ARCHIVE_EXTRACT_SECURE_NOABSOLUTEPATHS) == ARCHIVE_OK)
		return a;
	(void)err_oom(e);
	if (a)
		(void)archive_write_free(a);
	return NULL;
}

int extract_archive(int fd, off_t size, void (*progress)(int percent), struct extract_stats *ret, struct err *e)
{
	_cleanup_(read_freep) struct archive *in = open_input(fd, e);
	_cleanup_(write_freep) struct archive *out = in ? open_output(e) : NULL;
	struct archive_entry *en;
	int r, shown = -1;

	*ret = (struct extract_stats){ 0 };
	if (!in || !out)
		return -(e->code > 0 ? e->code : EIO);
	while ((r = archive_read_next_header(in, &en)) != ARCHIVE_EOF) {
		int64_t at = archive_filter_bytes(in, -1);
		int percent = size > 0 ? (int)(at * 100 / size) : 0;

		if (r < ARCHIVE_WARN)
			return fail(e, in, NULL);
		r = one_member(in, out, en, ret, e);
		if (r < 0)
			return r;
		if (progress && percent > shown) {
			shown = percent;
			progress(percent);
		}
	}
	/* modes and times of directories are set now */
	if (archive_write_close(out) != ARCHIVE_OK)
		return fail(e, out, NULL);
	if (!ret->members)
		return err_set(e, EINVAL, "the archive is empty");
	return 0;
}
