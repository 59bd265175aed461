/* handover.c - host interfaces that move into a jail, and home again, whatever happened to the jail meanwhile. */
#include "os/linux/handover.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "os/linux/jail.h"
#include "os/linux/links.h"

#define PIN        "netns"
#define FREE_NAMES 100

/*
 * A namespace that ends deletes the virtual interfaces in it, and hands the others to the machine's first one. So it has a
 * name in RUN for as long as it has one of the host's: then nobody's death ends it.
 */
static char *pin_path(const struct os *os)
{
	return strf("%s/jails/%s/" PIN, os->j->run, os->j->jail);
}

int netns_pin(struct os *os, struct err *e)
{
	_cleanup_free_ char *path = pin_path(os);
	_cleanup_close_ int fd = -1;
	char from[64];

	if (!path)
		return err_oom(e);
	fd = open(path, O_RDONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return err_sys(e, "create %s", path);
	(void)snprintf(from, sizeof(from), "/proc/self/fd/%d", os->netns);
	if (mount(from, path, NULL, MS_BIND, NULL) < 0)
		return err_sys(e, "bind the jail's network namespace to %s", path);
	return 0;
}

int netns_unpin(const struct os *os, struct err *e)
{
	_cleanup_free_ char *path = pin_path(os);

	if (!path)
		return err_oom(e);
	if (umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW) < 0 && errno != EINVAL && errno != ENOENT)
		return err_sys(e, "unmount %s", path);
	if (unlink(path) < 0 && errno != ENOENT)
		return err_sys(e, "remove %s", path);
	return 0;
}

/* The namespace by its name in RUN, else that of the jail's first process. An fd; -ENOENT: there is none any more. */
static int open_inside(struct os *os)
{
	_cleanup_free_ char *path = pin_path(os);
	_cleanup_close_ int fd = -1;
	struct err why = ERR_INIT;
	struct statfs fs;
	int r;

	if (!path)
		return -ENOMEM;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 && errno != ENOENT)
		return -errno;
	if (fd >= 0 && fstatfs(fd, &fs) < 0)
		return -errno;
	if (fd >= 0 && fs.f_type == NSFS_MAGIC)
		return take_fd(&fd);
	if (os->netns < 0 && os->j->pid <= 0)
		return -ENOENT;
	r = os->netns < 0 ? jail_netns(os, &why) : 0;
	if (r < 0)
		return r == -ESRCH ? -ENOENT : r;
	r = fcntl(os->netns, F_DUPFD_CLOEXEC, 0);
	return r < 0 ? -errno : r;
}

bool link_is_home(const char *name, const char *own)
{
	size_t n = strlen(own) > 11 ? 11 : strlen(own);

	if (streq(name, own))
		return true;
	return strncmp(name, own, n) == 0 && name[n] == '-' && name[n + 1] &&
	       !name[n + 1 + strspn(name + n + 1, "0123456789")];
}

/* --- one request --- */

struct move {
	unsigned index, new_index; /* 0: the kernel chooses */
	const char *name; /* afterwards; NULL: as it is */
	int nsfd;
};

static int move_link(struct nl *n, const struct move *m, char *text, size_t cap)
{
	struct ifinfomsg *ifi = nl_put(n, RTM_NEWLINK, 0, sizeof(*ifi));
	unsigned failed;

	if (ifi)
		ifi->ifi_index = (int)m->index;
	nl_attr_u32(n, IFLA_NET_NS_FD, (uint32_t)m->nsfd);
	if (m->name)
		nl_attr_str(n, IFLA_IFNAME, m->name);
	if (m->new_index)
		nl_attr_u32(n, IFLA_NEW_IFINDEX, m->new_index);
	return nl_flush(n, &failed, text, cap);
}

int link_in(struct os *os, const struct op *op, struct err *e)
{
	struct move m = { .new_index = op->index, .nsfd = os->netns };
	char text[256] = "";
	int r = os->host.fd < 0 ? nl_open(&os->host, -1, e) : 0;

	if (r < 0)
		return r;
	m.index = nl_index(&os->host, op->link);
	if (!m.index)
		return err_set(e, ENODEV, "there is no interface %s", op->link);
	r = move_link(&os->host, &m, text, sizeof(text));
	if (r == -EINVAL || r == -EOPNOTSUPP)
		return err_set(e, -r, "%s cannot move into a jail: its driver does not allow it%s%s", op->link,
		               *text ? ": " : "", text);
	return r < 0 ? err_set(e, -r, "hand %s to the jail: %s%s%s", op->link, strerror(-r), *text ? ": " : "", text)
	             : 0;
}

/* --- home --- */

/* Is there one of that number (0: any), of that name (NULL: any): 1 or 0, or -errno: it cannot be told. */
static int has_link(struct nl *n, unsigned index, const char *name)
{
	struct link_fact l = { .index = 0 };
	struct ifinfomsg *ifi = nl_put(n, RTM_GETLINK, 0, sizeof(*ifi));
	int r;

	if (ifi)
		ifi->ifi_index = (int)index;
	if (name)
		nl_attr_str(n, IFLA_IFNAME, name);
	r = nl_ask(n, link_take, &l);
	return r == -ENODEV ? 0 : r < 0 ? r : 1;
}

/* Its own name, or the first free one like it. */
static int home_name(struct os *os, const char *own, char buf[static IFNAME_CAP])
{
	int r;

	(void)snprintf(buf, IFNAME_CAP, "%s", own);
	r = has_link(&os->host, 0, buf);
	for (unsigned i = 1; i < FREE_NAMES && r > 0; i++) {
		(void)snprintf(buf, IFNAME_CAP, "%.11s-%u", own, i);
		r = has_link(&os->host, 0, buf);
	}
	if (r >= 0 && !streq(buf, own))
		(void)snprintf(os->j->note, sizeof(os->j->note), "%s came home as %s: its name is taken", own, buf);
	return r < 0 ? r : 0;
}

/* One attribute of a link of ours. A device that does not know it is no failure; a kernel that was short of something is asked again. */
static void set_value(struct os *os, const char *name, uint16_t attr, const void *value, size_t len, const char *what)
{
	char text[256];
	unsigned failed;
	int r = -EAGAIN;

	for (int tries = 0; tries < 3 && (r == -EAGAIN || r == -ENOBUFS || r == -ENOMEM || r == -EIO); tries++) {
		nl_put(&os->host, RTM_NEWLINK, 0, sizeof(struct ifinfomsg));
		nl_attr_str(&os->host, IFLA_IFNAME, name);
		nl_attr(&os->host, attr, value, len);
		r = nl_flush(&os->host, &failed, text, sizeof(text));
	}
	if (r < 0 && r != -EOPNOTSUPP && r != -EINVAL)
		(void)snprintf(os->j->note, sizeof(os->j->note), "%s came home, but its %s could not be put back: %s",
		               name, what, strerror(-r));
}

/* What the jail may have changed. */
static void set_values(struct os *os, const struct op *op, const char *name)
{
	uint32_t mtu = op->mtu;

	if (op->mac.set)
		set_value(os, name, IFLA_ADDRESS, op->mac.b, 6, "MAC");
	if (op->mtu)
		set_value(os, name, IFLA_MTU, &mtu, sizeof(mtu), "MTU");
}

int link_out(struct os *os, const struct op *op, struct err *e)
{
	_cleanup_close_ int nsfd = open_inside(os), home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	_cleanup_(nl_close) struct nl in = NL_INIT;
	struct move m = { .index = op->index, .nsfd = home };
	char text[256] = "", name[IFNAME_CAP];
	int r = os->host.fd < 0 ? nl_open(&os->host, -1, e) : 0;

	if (r == 0 && home < 0)
		return err_sys(e, "open /proc/self/ns/net");
	if (r == 0 && nsfd >= 0)
		r = nl_open(&in, nsfd, e);
	if (r < 0)
		return r;
	/* not knowing is no reason to leave it there: the journal keeps it */
	r = nsfd >= 0 ? has_link(&in, op->index, NULL) : nsfd == -ENOENT ? 0 : nsfd;
	if (r < 0)
		return err_set(e, -r, "look for %s in the jail: %s", op->link, strerror(-r));
	if (r == 0) {
		/* never moved, or home already; else the jail deleted it, or gave it away */
		if (has_link(&os->host, 0, op->link) == 0 && has_link(&os->host, op->id, NULL) == 0)
			(void)snprintf(os->j->note, sizeof(os->j->note), "%s is not in the jail any more: it is gone",
			               op->link);
		return 0;
	}
	m.name = name;
	m.new_index = op->id;
	r = home_name(os, op->link, name);
	if (r == 0 && op->id)
		r = has_link(&os->host, op->id, NULL);
	if (r < 0)
		return err_set(e, -r, "look for a place for %s at home: %s", op->link, strerror(-r));
	if (r > 0)
		m.new_index = 0;
	r = move_link(&in, &m, text, sizeof(text));
	if (r < 0)
		return err_set(e, -r, "take %s home from the jail: %s%s%s", op->link, strerror(-r), *text ? ": " : "",
		               text);
	set_values(os, op, name);
	return 0;
}
