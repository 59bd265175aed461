/* nat.c - the address of a jail behind the host's: ROOT/jails/J/nat, so that it stays the same. */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "store/internal.h"

#define NAT_MAX 128

int nat_addr_load(struct store *s, const char *jail, struct ipaddr *ret, struct err *e)
{
	_cleanup_free_ char *path = strf("jails/%s/nat", jail), *text = NULL;
	size_t len;
	int r;

	if (!path)
		return err_oom(e);
	if (!store_name_ok(jail) || s->rootfd < 0)
		return -ENOENT;
	r = fs_read(s->rootfd, path, NAT_MAX, &text, &len, e);
	if (r < 0)
		return r;
	while (len && text[len - 1] == '\n')
		text[--len] = '\0';
	return ipaddr_parse(text, 4, ret, e);
}

int nat_addr_save(struct store *s, const char *jail, const struct ipaddr *a, struct err *e)
{
	_cleanup_free_ char *path = strf("jails/%s/nat", jail), *text = NULL;
	char buf[IPADDR_TEXT];

	text = strf("%s\n", ipaddr_format(a, buf));
	if (!path || !text)
		return err_oom(e);
	return fs_replace(s->rootfd, path, text, strlen(text), 0644, true, e);
}
