/* restarts.c - what is remembered of restarts that nobody asked for: RUN/jails/J/restarts. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "store/internal.h"

#define RESTARTS_SIZE 4096

void restarts_load(struct store *s, const char *jail, struct restarts *ret)
{
	_cleanup_free_ char *text = NULL;
	char path[STORE_NAME_MAX + 16];
	size_t len;

	*ret = (struct restarts){ 0 };
	if (s->runfd < 0 || !store_name_ok(jail))
		return;
	(void)snprintf(path, sizeof(path), "jails/%s/restarts", jail);
	if (fs_read(s->runfd, path, RESTARTS_SIZE, &text, &len, NULL) == 0)
		(void)!restart_parse(text, ret);
}

int restarts_save(struct store *s, const char *jail, const struct restarts *r, struct err *e)
{
	_cleanup_(sbuf_done) struct sbuf b = { 0 };
	char path[STORE_NAME_MAX + 16];
	int k;

	if (!store_name_ok(jail))
		return err_set(e, EINVAL, "no restarts for a jail of that name");
	restart_format(r, &b);
	if (b.failed)
		return err_oom(e);
	(void)snprintf(path, sizeof(path), "jails/%s", jail);
	k = fs_mkdirs(s->runfd, path, 0700);
	if (k < 0)
		return err_set(e, -k, "cannot create %s/%s: %s", s->run, path, strerror(-k));
	(void)snprintf(path, sizeof(path), "jails/%s/restarts", jail);
	return fs_replace(s->runfd, path, b.p ? b.p : "", b.len, 0600, false, e);
}
