/* fuzz_tar.c - the members of an archive: what is let through is below the root, and belongs to a jail's ids. */
#include <archive.h>
#include <archive_entry.h>
#include <sys/stat.h>

#include "fuzz.h"
#include "store/extract.h"

static void check_path(const char *path)
{
	must(path && *path && path[0] != '/');
	for (const char *p = path; *p; p += strcspn(p, "/"), p += *p == '/')
		must(!(p[0] == '.' && p[1] == '.' && (p[2] == '/' || p[2] == '\0')));
}

static void check(struct archive_entry *en)
{
	const char *link = archive_entry_hardlink(en);
	mode_t type = archive_entry_filetype(en);

	check_path(archive_entry_pathname(en));
	if (link)
		must(link[0] != '/' && !strstr(link, "/../") && strncmp(link, "../", 3) != 0);
	else
		must(type != S_IFBLK && type != S_IFCHR && type != S_IFSOCK);
	must(archive_entry_uid(en) >= 0 && archive_entry_uid(en) <= 65535);
	must(archive_entry_gid(en) >= 0 && archive_entry_gid(en) <= 65535);
	must(!archive_entry_uname(en) && !archive_entry_gname(en));
	must(archive_entry_xattr_reset(en) >= 0);
	for (const char *name;;) {
		const void *value;
		size_t len;

		if (archive_entry_xattr_next(en, &name, &value, &len) != ARCHIVE_OK)
			break;
		must(strncmp(name, "trusted.", 8) != 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct archive *a = extract_reader();
	struct archive_entry *en;
	struct extract_stats st = { 0 };
	struct err e = ERR_INIT;
	int r;

	must(a);
	if (archive_read_open_memory(a, data, size) == ARCHIVE_OK)
		for (int n = 0; n < 1000 && (r = archive_read_next_header(a, &en)) >= ARCHIVE_WARN && r != ARCHIVE_EOF;
		     n++) {
			r = extract_member(en, &st, &e);
			if (r == 0)
				check(en);
			else if (r < 0)
				must(e.code > 0 && e.msg[0]);
			if (r < 0)
				break;
		}
	(void)archive_read_free(a);
	return 0;
}
