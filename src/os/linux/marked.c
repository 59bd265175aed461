/* marked.c - what carries our mark in the kernel of this network namespace: the interfaces, addresses and groups we made. */
#include <dirent.h>
#include <errno.h>
#include <net/if.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "base/str.h"
#include "os/linux/cgroup.h"
#include "os/linux/jailproc.h"
#include "os/linux/links.h"
#include "os/linux/nat.h"
#include "os/linux/rtmsg.h"
#include "os/os.h"

struct seeing {
	os_marked_fn see;
	void *ctx;
	int r;
};

static void tell(struct seeing *s, const struct op *undo)
{
	if (s->r == 0)
		s->r = s->see(s->ctx, undo);
}

static int see_link(const struct nlmsghdr *h, void *ctx)
{
	struct op undo = { .kind = OP_NONE };
	struct link_msg m;

	link_read(h, &m);
	undo.link = m.name;
	if (streq(m.kind, "bridge") && streq(m.alias, MARK_BRIDGE)) {
		undo.kind = OP_BRIDGE_DEL;
	} else if (str_starts(m.alias, OP_MARK_LINK)) {
		undo.kind = OP_LINK_DEL;
		undo.alias = m.alias;
	}
	if (undo.kind)
		tell(ctx, &undo);
	return MNL_CB_OK;
}

static int see_addr(const struct nlmsghdr *h, void *ctx)
{
	char name[IFNAME_CAP];
	struct addr_msg m;
	int r;

	addr_read(h, &m);
	if (m.proto != MARK_ADDR_PROTO)
		return MNL_CB_OK;
	r = nl_name(m.link, name);
	if (r <= 0) /* gone meanwhile, and the address with it */
		return r == 0 ? MNL_CB_OK : MNL_CB_ERROR;
	tell(ctx, &(struct op){ .kind = OP_ADDR_DEL, .link = name, .addr = m.addr });
	return MNL_CB_OK;
}

static int see_groups(const char *run, struct seeing *s, struct err *e)
{
	char rel[256];
	struct err none = ERR_INIT;
	_cleanup_closedir_ DIR *d = NULL;
	_cleanup_close_ int fd = -1;
	struct dirent *de;
	int r;

	cgroup_name(run, "", rel, sizeof(rel));
	fd = cgroup_open(rel, NULL, &none);
	if (fd == -ENOENT)
		return 0;
	if (fd < 0)
		return err_set(e, none.code, "%s", none.msg);
	r = fs_opendir(fd, ".", &d);
	while (r >= 0 && s->r == 0 && (r = fs_readdir(d, &de)) > 0)
		if (de->d_type == DT_DIR && de->d_name[0] != '.')
			tell(s, &(struct op){ .kind = OP_CGROUP_DEL, .name = de->d_name });
	return r < 0 ? err_sys(e, "list the control groups of jails") : 0;
}

int os_marked(const char *run, os_marked_fn see, void *ctx, struct err *e)
{
	_cleanup_(nl_close) struct nl q = NL_INIT;
	struct seeing s = { see, ctx, 0 };
	int r = nl_open(&q, -1, e);

	if (r < 0)
		return r;
	nl_put(&q, RTM_GETLINK, NLM_F_DUMP, sizeof(struct ifinfomsg));
	r = nl_ask(&q, see_link, &s);
	if (r < 0)
		return err_set(e, -r, "list the interfaces: %s", strerror(-r));
	nl_put(&q, RTM_GETADDR, NLM_F_DUMP, sizeof(struct ifaddrmsg));
	r = nl_ask(&q, see_addr, &s);
	if (r < 0)
		return err_set(e, -r, "list the addresses: %s", strerror(-r));
	if (s.r == 0)
		s.r = marked_rules(run, see, ctx, e);
	r = see_groups(run, &s, e);
	return r < 0 ? r : s.r;
}

/* A monitor runs in the network namespace that is its jail's host. True when it cannot be told. */
static bool monitor_is_here(int base, const char *jail)
{
	_cleanup_free_ char *path = strf("%s/mon/cgroup.procs", jail), *pids = NULL;
	struct stat here, there;
	char link[64];
	size_t len;

	int r = path ? fs_read(base, path, 4096, &pids, &len, NULL) : -ENOMEM;

	if (r < 0)
		return r != -ENOENT && r != -ENODEV;
	if (!len)
		return false;
	pids[strcspn(pids, "\n")] = '\0';
	snprintf(link, sizeof(link), "/proc/%.20s/ns/net", pids);
	if (stat(link, &there) < 0)
		return errno != ENOENT && errno != ESRCH;
	return stat("/proc/self/ns/net", &here) < 0 || here.st_ino == there.st_ino;
}

static bool any_monitor_here(int mnt, const char *group)
{
	_cleanup_closedir_ DIR *d = NULL;
	struct dirent *de;
	int r = fs_opendir(mnt, group, &d);
	bool here = false;

	if (r < 0)
		return r != -ENOENT;
	while (!here && (r = fs_readdir(d, &de)) > 0)
		here = de->d_type == DT_DIR && de->d_name[0] != '.' && monitor_is_here(dirfd(d), de->d_name);
	return here || r < 0;
}

bool os_other_runs(const char *run)
{
	char mine[256];
	const char *mnt;
	_cleanup_closedir_ DIR *d = cgroup_mount(&mnt, NULL) < 0 ? NULL : opendir(mnt);
	bool others = !d;
	struct dirent *de;
	int r = 0;

	cgroup_name(run, "", mine, sizeof(mine));
	mine[strcspn(mine, "/")] = '\0';
	while (!others && (r = fs_readdir(d, &de)) > 0)
		others = de->d_type == DT_DIR && (streq(de->d_name, "iocage") || str_starts(de->d_name, "iocage-")) &&
		         !streq(de->d_name, mine) && any_monitor_here(dirfd(d), de->d_name);
	return others || r < 0;
}

/* --- what is there under a name --- */

struct looking {
	unsigned index;
	const struct ipaddr *addr;
	bool found;
};

static int match_addr(const struct nlmsghdr *h, void *ctx)
{
	struct looking *l = ctx;
	struct addr_msg m;

	addr_read(h, &m);
	l->found = l->found || (m.link == l->index && ipaddr_same_host(&m.addr, l->addr));
	return MNL_CB_OK;
}

static bool addr_is_there(const struct op *op)
{
	_cleanup_(nl_close) struct nl q = NL_INIT;
	struct looking l = { .index = if_nametoindex(op->link), .addr = &op->addr };

	if (!l.index || nl_open(&q, -1, NULL) < 0)
		return false;
	nl_put(&q, RTM_GETADDR, NLM_F_DUMP, sizeof(struct ifaddrmsg));
	return nl_ask(&q, match_addr, &l) == 0 && l.found;
}

bool os_is_there(struct os *os, const struct op *undo)
{
	_cleanup_close_ int fd = -1;

	switch (undo->kind) {
	case OP_LINK_DEL:
	case OP_BRIDGE_DEL:
		return if_nametoindex(undo->link) != 0;
	case OP_ADDR_DEL:
		return addr_is_there(undo);
	case OP_CGROUP_DEL:
		fd = cgroup_open(os->j->cgroup, NULL, NULL);
		return fd >= 0;
	default:
		return false;
	}
}
