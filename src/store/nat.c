/* nat.c - the address of a jail behind the host's: ROOT/jails/J/nat, so that it stays the same. */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "store/internal.h"

#define NAT_MAX 128

int nat_addr_parse(char *text, struct ipaddr *ret, struct err *e)
{
	int r;

	text[strcspn(text, "\n")] = '\0';
	r = ipaddr_parse(text, 4, ret, e);
	if (r < 0)
		return r;
	/* of each network of four: the router has the first address, the jail the second */
	if (!ret->has_prefix || ret->prefix != 30 || (ret->b[3] & 3) != 2)
		return err_set(e, EINVAL, "%s is not the second address of a /30 network", text);
	return 0;
}

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
	r = nat_addr_parse(text, ret, e);
	return r < 0 ? err_wrap(e, "%s/%s", s->root, path) : 0;
}

int nat_addr_save(struct store *s, const char *jail, const struct ipaddr *a, struct err *e)
{
	_cleanup_free_ char *path = strf("jails/%s/nat", jail), *text = NULL;
	char buf[IPADDR_TEXT];

	text = strf("%s\n", ipaddr_format(a, buf));
	if (!path || !text)
		return err_oom(e);
	return fs_replace(s->rootfd, path, text, strlen(text), 0600, true, e);
}
