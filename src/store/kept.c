/* kept.c - RUN/jails/J/kept: what other programs took from a running jail. It goes with the jail's state. */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "store/internal.h"

int kept_load(struct store *s, const char *jail, struct kept_list *ret, struct err *e)
{
	_cleanup_free_ char *path = strf("jails/%s/kept", jail), *text = NULL;
	size_t len;
	int r;

	*ret = (struct kept_list){ 0 };
	if (!path)
		return err_oom(e);
	if (s->runfd < 0 || !store_name_ok(jail))
		return 0;
	r = fs_read(s->runfd, path, JOURNAL_MAX, &text, &len, e);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	return kept_parse(text, ret) < 0 ? err_oom(e) : 0;
}

int kept_save(struct store *s, const char *jail, const struct kept_list *l, struct err *e)
{
	_cleanup_free_ char *path = strf("jails/%s/kept", jail);
	_cleanup_(sbuf_done) struct sbuf b = { 0 };

	kept_format(l, &b);
	if (!path || b.failed)
		return err_oom(e);
	if (!store_name_ok(jail))
		return err_set(e, EINVAL, "no state for a jail of that name");
	return fs_replace(s->runfd, path, b.p ? b.p : "", b.len, 0600, false, e);
}
