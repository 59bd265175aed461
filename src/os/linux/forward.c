/*
 * forward.c - interfaces that forward packets because a jail needs it. RUN/forward/LINK has the names of these jails, one a
 * line, and exists only when it was us who turned it on: then it is turned off after the last of them. Nobody else gets a
 * router by that: the interface is guarded in the rules (core/nat.c). The global switch is never touched.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <linux/netfilter.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "base/str.h"
#include "os/linux/nat.h"
#include "os/linux/nft.h"
#include "os/linux/notes.h"

#define USERS_MAX (1024 * 1024)

int nat_lock(const char *run, int *ret_fd, struct err *e)
{
	return notes_lock(run, "forward", true, ret_fd, e);
}

static int forwarding(const char *link)
{
	return link_switch(link, "forwarding");
}

static int set_forwarding(const char *link, bool on)
{
	return link_switch_set(link, "forwarding", on);
}

/* In the sets of guarded interfaces, or out of them. */
static int guard(const char *link, bool on, struct err *e)
{
	_cleanup_(nft_close) struct nft t = NFT_INIT;
	char key[2 * IFNAME_CAP] = "", text[256] = "";
	struct nft_list l;
	int r = nft_open(&t, NFPROTO_INET, e);

	if (r < 0)
		return r;
	(void)snprintf(key, IFNAME_CAP, "%s", link);
	memcpy(key + IFNAME_CAP, key, IFNAME_CAP);
	nft_begin(&t);
	l = nft_elems(&t, "guarded", !on);
	nft_elem(&t, key, IFNAME_CAP, NULL, NULL);
	nft_elems_end(&t, l);
	l = nft_elems(&t, "own", !on);
	nft_elem(&t, key, sizeof(key), NULL, NULL);
	nft_elems_end(&t, l);
	r = nft_commit(&t, text, sizeof(text));
	if (r == 0 || (!on && r == -ENOENT))
		return 0;
	return err_set(e, -r, "guard interface %s: %s%s%s", link, strerror(-r), *text ? ": " : "", text);
}

/* Whose interface it is. -ENOENT: we did not turn it on. */
static int read_users(int dir, const char *link, struct strv *users, struct err *e)
{
	_cleanup_free_ char *text = NULL;
	size_t len;
	int r = fs_read(dir, link, USERS_MAX, &text, &len, NULL);

	if (r == -ENOENT)
		return r;
	if (r < 0)
		return err_set(e, -r, "cannot read who needs %s to forward: %s", link, strerror(-r));
	return strv_split(users, text, "\n") < 0 ? err_oom(e) : 0;
}

/* Without skip, which may be NULL. Returns how many are left, or negative. */
static int write_users(int dir, const char *link, const struct strv *users, const char *skip, struct err *e)
{
	_cleanup_(sbuf_done) struct sbuf b = { 0 };
	int n = 0, r;

	for (size_t i = 0; i < users->n; i++)
		if (!skip || !streq(users->v[i], skip)) {
			sbuf_addf(&b, "%s\n", users->v[i]);
			n++;
		}
	if (b.failed)
		return err_oom(e);
	if (!n)
		return 0;
	r = fs_replace(dir, link, b.p, b.len, 0600, false, e);
	return r < 0 ? r : n;
}

static int turn_on(const struct op *op, struct err *e)
{
	int r = set_forwarding(op->link, true);

	return r < 0 ? err_set(e, -r, "let %s forward packets: %s", op->link, strerror(-r)) : 0;
}

int forward_on(const char *run, const struct op *op, struct err *e)
{
	_cleanup_(strv_done) struct strv users = { 0 };
	_cleanup_close_ int dir = -1;
	int r;

	if (!op->name)
		return forwarding(op->link) == 1 ? 0 : turn_on(op, e);
	r = nat_lock(run, &dir, e);
	if (r < 0)
		return r;
	r = read_users(dir, op->link, &users, e);
	if (r == -ENOENT) {
		r = forwarding(op->link);
		if (r < 0)
			return err_set(e, -r, "does %s forward packets: %s", op->link, strerror(-r));
		if (r == 1)
			return 0; /* it is a router's: nothing to turn on, nothing to guard */
	} else if (r < 0) {
		return r;
	}
	if (!strv_has(&users, op->name) && strv_add(&users, op->name) < 0)
		return err_oom(e);
	r = write_users(dir, op->link, &users, NULL, e);
	if (r >= 0)
		r = guard(op->link, true, e);
	return r < 0 ? r : turn_on(op, e);
}

int forward_off(const char *run, const struct op *op, struct err *e)
{
	_cleanup_(strv_done) struct strv users = { 0 };
	_cleanup_close_ int dir = -1;
	int r = nat_lock(run, &dir, e);

	if (r < 0)
		return r;
	r = read_users(dir, op->link, &users, e);
	if (r == -ENOENT)
		return 0;
	if (r == 0)
		r = write_users(dir, op->link, &users, op->name, e);
	if (r != 0)
		return r < 0 ? r : 0;
	/* the host became a router meanwhile: it stays one. An interface that is gone forwards nothing */
	if (forwarding("all") != 1) {
		r = set_forwarding(op->link, false);
		if (r < 0 && r != -ENOENT)
			return err_set(e, -r, "end the forwarding of %s: %s", op->link, strerror(-r));
	}
	r = guard(op->link, false, e);
	if (r == 0 && unlinkat(dir, op->link, 0) < 0 && errno != ENOENT)
		r = err_sys(e, "cannot remove the note about %s", op->link);
	return r;
}
