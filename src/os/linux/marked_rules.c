/* marked_rules.c - rules of ours in the packet filter, and interfaces that forward because of a jail. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include <linux/netfilter.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "base/str.h"
#include "os/linux/antispoof.h"
#include "os/linux/nat.h"
#include "os/linux/nft.h"

/* Elements of a map that a jail is named in. */
struct noted {
	char jail[JAIL_NAME_MAX + 1];
	uint8_t key[IFNAME_CAP + 1]; /* a name with its NUL, or an address */
};

struct list {
	struct noted *v;
	size_t n;
};

static void list_done(struct list *l)
{
	free(l->v);
}

static int note(const struct nft_seen *el, void *ctx)
{
	struct list *l = ctx;
	struct noted *grown, one = { .jail = "" };

	if (el->len > IFNAME_CAP || str_copy(one.jail, sizeof(one.jail), el->comment) < 0)
		return 0;
	memcpy(one.key, el->key, el->len);
	for (size_t i = 0; i < l->n; i++)
		if (memcmp(&l->v[i], &one, sizeof(one)) == 0)
			return 0;
	grown = realloc(l->v, (l->n + 1) * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	l->v = grown;
	l->v[l->n++] = one;
	return 0;
}

/* What is in a map; a kernel without such tables has none of ours. */
static int read_map(uint8_t family, const char *map, struct list *ret, struct err *e)
{
	_cleanup_(nft_close) struct nft t = NFT_INIT;
	int r = nft_open(&t, family, NULL);

	if (r == 0)
		r = nft_each_elem(&t, map, note, ret);
	return r == -ENOMEM ? err_oom(e) : 0;
}

static int see_nat(os_marked_fn see, void *ctx, struct err *e)
{
	_cleanup_(list_done) struct list nics = { 0 }, sources = { 0 };
	int r = read_map(NFPROTO_INET, "nics", &nics, e);

	if (r == 0)
		r = read_map(NFPROTO_INET, "sources", &sources, e);
	for (size_t i = 0; r == 0 && i < nics.n; i++)
		for (size_t k = 0; r == 0 && k < sources.n; k++) {
			struct op undo = { .kind = OP_NAT_DEL,
				           .name = nics.v[i].jail,
				           .link = (const char *)nics.v[i].key };

			if (!streq(sources.v[k].jail, undo.name))
				continue;
			undo.addr = (struct ipaddr){ .family = 4, .prefix = 30, .has_prefix = true };
			memcpy(undo.addr.b, sources.v[k].key, 4);
			r = see(ctx, &undo);
		}
	return r;
}

static int see_users(int dir, const char *link, os_marked_fn see, void *ctx)
{
	_cleanup_(strv_done) struct strv users = { 0 };
	_cleanup_free_ char *text = NULL;
	size_t len;
	int r = 0;

	if (fs_read(dir, link, 1024 * 1024, &text, &len, NULL) < 0 || strv_split(&users, text, "\n") < 0)
		return 0;
	for (size_t i = 0; r == 0 && i < users.n; i++)
		r = see(ctx, &(struct op){ .kind = OP_FORWARD_DEL, .link = link, .name = users.v[i] });
	return r;
}

static int see_forwarding(const char *run, os_marked_fn see, void *ctx, struct err *e)
{
	_cleanup_free_ char *path = strf("%s/forward", run);
	_cleanup_closedir_ DIR *d = path ? opendir(path) : NULL;
	struct dirent *de;
	int r = 0, more = 0;

	while (d && r == 0 && (more = fs_readdir(d, &de)) > 0)
		if (de->d_name[0] != '.')
			r = see_users(dirfd(d), de->d_name, see, ctx);
	return r == 0 && more < 0 ? err_sys(e, "list the notes about forwarding") : r;
}

int marked_rules(const char *run, os_marked_fn see, void *ctx, struct err *e)
{
	_cleanup_(list_done) struct list ports = { 0 };
	int r = read_map(NFPROTO_BRIDGE, "nics", &ports, e);

	for (size_t i = 0; r == 0 && i < ports.n; i++)
		r = see(ctx, &(struct op){ .kind = OP_SPOOF_DEL,
		                           .name = ports.v[i].jail,
		                           .link = (const char *)ports.v[i].key });
	if (r == 0)
		r = see_forwarding(run, see, ctx, e);
	return r < 0 ? r : see_nat(see, ctx, e);
}
