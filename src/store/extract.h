/* extract.h - unpacking a foreign archive into the root directory of this process. */
#ifndef IOCAGE_STORE_EXTRACT_H
#define IOCAGE_STORE_EXTRACT_H

#include <sys/types.h>

#include "base/err.h"

struct extract_stats {
	unsigned long members, skipped, renumbered;
};

/*
 * Unpack the archive that fd stands at the start of (size bytes, for the progress) below "/", which must be the target
 * already (chroot). progress may be NULL.
 */
must_check int extract_archive(int fd, off_t size, void (*progress)(int percent), struct extract_stats *ret,
                               struct err *e);

/*
 * Make dir the root of a mount namespace of its own and give up all rights but those that unpacking takes: before anything is
 * read of an archive. Goes on in a child; what called it ends with the child's status.
 */
must_check int extract_confine(const char *dir, struct err *e);

/* Its two halves, by themselves. A reader of the formats and compressions that are taken; NULL: no memory. */
struct archive;
struct archive_entry;
struct archive *extract_reader(void);
/* Judge a member and make its names relative, its owners a jail's. 1: leave it out; 0: go on with it. */
must_check int extract_member(struct archive_entry *en, struct extract_stats *st, struct err *e);

#endif
