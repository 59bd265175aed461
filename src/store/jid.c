/* jid.c - jail ids: a bitmap in RUN/jid, lowest free id first. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "store/internal.h"

/* Each jail owns the 65536 user ids from JID * 65536 on, and there are 2^32 of those. */
#define JID_MAX 65534

int jid_lock(struct store *s, int *ret_fd, struct err *e)
{
	_cleanup_close_ int fd = -1;

	if (s->runfd < 0)
		return err_set(e, ENOENT, "no jail ids: %s does not exist", s->run);
	fd = openat(s->runfd, "jid", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_sys(e, "cannot open %s/jid", s->run);
	/* held for microseconds only, so waiting is fine */
	while (flock(fd, LOCK_EX) < 0)
		if (errno != EINTR)
			return err_sys(e, "cannot lock %s/jid", s->run);
	*ret_fd = take_fd(&fd);
	return 0;
}

int jid_take(struct store *s, unsigned *ret, struct err *e)
{
	unsigned char map[JID_MAP_SIZE] = { 0 };
	_cleanup_close_ int fd = -1;
	int r = jid_lock(s, &fd, e);

	if (r < 0)
		return r;
	if (pread(fd, map, sizeof(map), 0) < 0)
		return err_sys(e, "cannot read %s/jid", s->run);
	for (unsigned id = 1; id <= JID_MAX; id++) {
		if (map[id / 8] & 1U << id % 8)
			continue;
		map[id / 8] |= (unsigned char)(1U << id % 8);
		if (pwrite(fd, &map[id / 8], 1, id / 8) != 1)
			return err_sys(e, "cannot write %s/jid", s->run);
		*ret = id;
		return 0;
	}
	return err_set(e, ENOSPC, "all %d jail ids are in use", JID_MAX);
}

int jid_put(struct store *s, unsigned jid, struct err *e)
{
	_cleanup_close_ int fd = -1;
	unsigned char byte = 0;
	ssize_t n;
	int r;

	if (jid < 1 || jid > JID_MAX)
		return err_set(e, EINVAL, "%u is not a jail id", jid);
	r = jid_lock(s, &fd, e);
	if (r < 0)
		return r;
	n = pread(fd, &byte, 1, jid / 8);
	if (n < 0)
		return err_sys(e, "cannot read %s/jid", s->run);
	if (n == 0 || !(byte & 1U << jid % 8))
		return 0;
	byte &= (unsigned char)~(1U << jid % 8);
	if (pwrite(fd, &byte, 1, jid / 8) != 1)
		return err_sys(e, "cannot write %s/jid", s->run);
	return 0;
}

int jid_keep_only(struct store *s, int fd, const unsigned char used[static JID_MAP_SIZE], size_t *ret_n, struct err *e)
{
	unsigned char map[JID_MAP_SIZE] = { 0 };

	*ret_n = 0;
	if (pread(fd, map, sizeof(map), 0) < 0)
		return err_sys(e, "cannot read %s/jid", s->run);
	for (size_t i = 0; i < sizeof(map); i++) {
		unsigned char stale = map[i] & (unsigned char)~used[i];

		if (!stale)
			continue;
		map[i] &= used[i];
		if (pwrite(fd, &map[i], 1, (off_t)i) != 1)
			return err_sys(e, "cannot write %s/jid", s->run);
		*ret_n += (size_t)__builtin_popcount(stale);
	}
	return 0;
}
