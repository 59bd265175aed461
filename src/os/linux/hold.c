/* hold.c - attaches the pinned BPF programs to a jail's cgroup and tells them the jail's addresses. */
#include "os/linux/hold.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "base/proc.h"
#include "base/str.h"
#include "hold_version.h"
#include "os/linux/cgroup.h"
#include "os/linux/shared.h"
#include "os/linux/source.h"

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif

#define MAKER        "mon" /* the group below the jail's in which its sockets are made */
#define VERSIONS_MAX 16 /* pinned at a time: each but the last needs a jail that still runs with it */

static const char *libexec_dir = "/usr/local/libexec/iocage";

void hold_set_libexec(const char *dir)
{
	libexec_dir = dir;
}

static int sys_bpf(int cmd, union bpf_attr *attr, size_t size)
{
	long r = syscall(SYS_bpf, cmd, attr, size);

	return r < 0 ? -errno : (int)r;
}

#define ATTR_SIZE(last) (offsetof(union bpf_attr, last) + sizeof(((union bpf_attr *)0)->last))

/* One element command. value: what is read, written, or (the kernel keeps both in one place) the next key. */
static int map_command(int cmd, int map, const void *key, const void *value, uint64_t flags)
{
	union bpf_attr a;

	memset(&a, 0, sizeof(a));
	a.map_fd = (uint32_t)map;
	a.key = (uintptr_t)key;
	a.value = (uintptr_t)value;
	a.flags = flags;
	return sys_bpf(cmd, &a, ATTR_SIZE(flags));
}

int hold_map_get(int map, const void *key, void *value)
{
	return map_command(BPF_MAP_LOOKUP_ELEM, map, key, value, 0);
}

int hold_map_put(int map, const void *key, const void *value, uint64_t flags)
{
	return map_command(BPF_MAP_UPDATE_ELEM, map, key, value, flags);
}

int hold_map_del(int map, const void *key)
{
	return map_command(BPF_MAP_DELETE_ELEM, map, key, NULL, 0);
}

int hold_map_next(int map, const void *key, void *next)
{
	return map_command(BPF_MAP_GET_NEXT_KEY, map, key, next, 0);
}

int hold_ring(size_t bytes)
{
	union bpf_attr a;

	memset(&a, 0, sizeof(a));
	a.map_type = BPF_MAP_TYPE_RINGBUF;
	a.max_entries = (uint32_t)bytes;
	return sys_bpf(BPF_MAP_CREATE, &a, ATTR_SIZE(max_entries));
}

uint64_t hold_netns_cookie(int sock)
{
	uint64_t cookie = 0;
	socklen_t len = sizeof(cookie);

	return getsockopt(sock, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &len) < 0 ? 0 : cookie;
}

void hold_mapped(const uint8_t a4[4], uint8_t ret[static 16])
{
	memset(ret, 0, 10);
	ret[10] = ret[11] = 0xff;
	memcpy(ret + 12, a4, 4);
}

/*
 * Held while programs are attached; who removes pins holds it alone: nobody finds half of them. -1 where there is no
 * bpffs yet, so nothing to remove either.
 */
static int pins_lock(void)
{
	int fd = open(HOLD_BPFFS, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0 && flock(fd, LOCK_SH) < 0)
		closep(&fd);
	return fd;
}

static int pin_dir(char *buf, size_t cap, struct err *e)
{
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	uint64_t cookie = fd >= 0 ? hold_netns_cookie(fd) : 0;

	if (!cookie)
		return err_set(e, EOPNOTSUPP,
		               "the kernel gives network namespaces no cookie; Linux 6.1 or newer is needed");
	(void)snprintf(buf, cap, HOLD_BPFFS "/iocage-" HOLD_VERSION "-%llx", (unsigned long long)cookie);
	return 0;
}

/* An fd of what is pinned, or -errno. flags: 0 or BPF_F_RDONLY. */
static int pinned_as(const char *dir, const char *name, uint32_t flags)
{
	char path[160];
	union bpf_attr a;

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	memset(&a, 0, sizeof(a));
	a.pathname = (uintptr_t)path;
	a.file_flags = flags;
	return sys_bpf(BPF_OBJ_GET, &a, ATTR_SIZE(file_flags));
}

static int pinned(const char *dir, const char *name)
{
	return pinned_as(dir, name, 0);
}

/* First jail on this host since it booted, or since an upgrade: let the helper load and pin. */
static int load(struct err *e)
{
	_cleanup_free_ char *path = strf("%s/iocage-bpf", libexec_dir);
	_cleanup_(sbuf_done) struct sbuf out = { 0 };
	struct proc_spec spec = PROC_SPEC_INIT;
	char *argv[] = { path, NULL };
	int status, r;

	if (!path)
		return err_oom(e);
	spec.argv = argv;
	r = proc_capture(&spec, 4096, &out, &status, e);
	if (r < 0)
		return err_wrap(e, "load the programs that hold jails' sockets");
	if (status != 0)
		return err_set(e, EIO, "%s failed (status %d): %.600s", path, status, out.p ? out.p : "");
	return 0;
}

/* As pinned(), loading first when nothing is there yet. */
static int pinned_or_load(const char *dir, const char *name, struct err *e)
{
	int fd = pinned(dir, name), r;

	if (fd == -ENOENT) {
		r = load(e);
		if (r < 0)
			return r;
		fd = pinned(dir, name);
	}
	if (fd < 0)
		return err_set(e, -fd, "open %s/%s: %s", dir, name, strerror(-fd));
	return fd;
}

void hold_maps_close(struct hold_maps *m)
{
#define X(name) closep(&m->name);
	HOLD_MAPS(X)
#undef X
}

int hold_maps_open(struct hold_maps *m, struct err *e)
{
	char dir[128];
	int r = pin_dir(dir, sizeof(dir), e);

	memset(m, 0xff, sizeof(*m));
	if (r < 0)
		return r;
#define X(name)                                  \
	m->name = pinned_or_load(dir, #name, e); \
	if (m->name < 0) {                       \
		r = m->name;                     \
		hold_maps_close(m);              \
		return r;                        \
	}
	HOLD_MAPS(X)
#undef X
	return 0;
}

int hold_maps_open_broker(struct hold_maps *m, struct err *e)
{
	char dir[128];
	int r = pin_dir(dir, sizeof(dir), e);
	const struct {
		const char *name;
		int *fd;
		uint32_t flags;
	} needed[] = {
		{ "hold_socks", &m->hold_socks, 0 },
		{ "hold_listen", &m->hold_listen, 0 },
		{ "hold_ports", &m->hold_ports, BPF_F_RDONLY },
		{ "hold_sources", &m->hold_sources, BPF_F_RDONLY },
		{ "hold_sent", &m->hold_sent, 0 }, /* to be mapped: the kernel maps none that is open for reading */
	};

	memset(m, 0xff, sizeof(*m));
	for (size_t i = 0; r == 0 && i < sizeof(needed) / sizeof(*needed); i++) {
		int fd = pinned_as(dir, needed[i].name, needed[i].flags);

		if (fd < 0)
			r = err_set(e, -fd, "open %s/%s: %s", dir, needed[i].name, strerror(-fd));
		else
			*needed[i].fd = fd;
	}
	if (r < 0)
		hold_maps_close(m);
	return r;
}

static const struct {
	const char *name;
	enum bpf_attach_type type;
} progs[] = {
#define X(name, type) { #name, type },
	HOLD_PROGS(X)
#undef X
};

static int attach_all(int group, const char *dir, struct err *e)
{
	for (size_t i = 0; i < sizeof(progs) / sizeof(progs[0]); i++) {
		_cleanup_close_ int fd = pinned(dir, progs[i].name);
		union bpf_attr a;
		int r;

		if (fd < 0)
			return err_set(e, -fd, "open %s/%s: %s", dir, progs[i].name, strerror(-fd));
		memset(&a, 0, sizeof(a));
		a.target_fd = (uint32_t)group;
		a.attach_bpf_fd = (uint32_t)fd;
		a.attach_type = progs[i].type;
		a.attach_flags = BPF_F_ALLOW_MULTI;
		r = sys_bpf(BPF_PROG_ATTACH, &a, ATTR_SIZE(replace_bpf_fd));
		if (r < 0 && r != -EINVAL)
			return err_set(e, -r, "attach %s to the jail's cgroup: %s", progs[i].name, strerror(-r));
		if (r < 0) /* the same program a second time: the group is a leftover that is held already */
			return 0;
	}
	return 0;
}

/* Is the group of this id still there. True when it cannot be told. */
static bool group_lives(int anygroup, uint64_t id)
{
	struct {
		struct file_handle h;
		uint64_t id;
	} fh;
	int fd;

	memset(&fh, 0, sizeof(fh));
	fh.h.handle_bytes = sizeof(fh.id);
	fh.h.handle_type = 0xfe; /* FILEID_KERNFS */
	fh.id = id;
	fd = open_by_handle_at(anygroup, &fh.h, O_PATH | O_CLOEXEC);
	if (fd >= 0)
		(void)close(fd);
	return fd >= 0 || errno != ESTALE;
}

/* Enter (add) or strike out the jail in the record of one address. */
static int owner_set(const struct hold_maps *m, int group, uint64_t jail, const uint8_t addr[16], bool add)
{
	struct hold_owner old, new;
	uint32_t n = 0;
	int r;

	memset(&new, 0, sizeof(new));
	if (add)
		new.jail[n++] = jail;
	r = hold_map_get(m->hold_owners, addr, &old);
	if (r < 0 && r != -ENOENT)
		return r;
	if (r < 0)
		memset(&old, 0, sizeof(old));
	for (uint32_t i = 0; i < HOLD_OWNERS && old.jail[i] && n < HOLD_OWNERS; i++)
		if (old.jail[i] != jail && group_lives(group, old.jail[i]))
			new.jail[n++] = old.jail[i];
	if (n)
		return hold_map_put(m->hold_owners, addr, &new, BPF_ANY);
	r = hold_map_del(m->hold_owners, addr);
	return r == -ENOENT ? 0 : r;
}

bool hold_port_range_parse(const char *text, unsigned *ret_low, unsigned *ret_high)
{
	char *end;
	unsigned long low = strtoul(text, &end, 10), high = strtoul(end, NULL, 10);

	if (end == text || !high || low > high || high > UINT16_MAX)
		return false;
	*ret_low = (unsigned)low;
	*ret_high = (unsigned)high;
	return true;
}

void hold_port_range(uint16_t *ret_low, uint16_t *ret_high)
{
	_cleanup_free_ char *text = NULL;
	unsigned low = 32768, high = 60999; /* the kernel's own default */
	size_t len;

	if (fs_read(AT_FDCWD, "/proc/sys/net/ipv4/ip_local_port_range", 64, &text, &len, NULL) == 0)
		(void)hold_port_range_parse(text, &low, &high);
	*ret_low = (uint16_t)low;
	*ret_high = (uint16_t)high;
}

/*
 * A UDP socket that sends gets a port of the host's ephemeral range, and nobody who sends from the wildcard gets that one: an eighth
 * of the range for a jail leaves enough for the host when several are at their bounds. A TCP port is in nobody's way so.
 */
static uint32_t udp_share(uint32_t sockets)
{
	uint16_t low, high;
	uint32_t share;

	hold_port_range(&low, &high);
	share = (high < low ? 0U : high - low + 1U) / 8;
	return sockets < share ? sockets : share;
}

/* The record of the jail in its cgroup storage. */
static void describe(const struct hold *h, uint64_t jail, struct hold_jail *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->jail = jail;
	ret->flags = (h->ip4 == IP_INHERIT ? HOLD_INHERIT4 : 0) | (h->ip6 == IP_INHERIT ? HOLD_INHERIT6 : 0);
	ret->n4 = h->ip4 == IP_NEW ? h->n4 : 0;
	ret->n6 = h->ip6 == IP_NEW ? h->n6 : 0;
	if (ret->n4 > 1 && h->saddrsel4)
		ret->flags |= HOLD_SELECT4;
	if (ret->n6 > 1 && h->saddrsel6)
		ret->flags |= HOLD_SELECT6;
	if (ret->n4)
		memcpy(&ret->prim4, h->a4[0], 4);
	if (ret->n6)
		memcpy(ret->prim6, h->a6[0], 16);
	ret->socks_max = h->sockets + 1; /* one is the broker's own */
	ret->udp_max = udp_share(h->sockets);
}

/* Has it addresses of one family and inherits the other. *ret: the wildcard of that one. */
static bool everywhere(const struct hold *h, uint8_t ret[static 16])
{
	static const uint8_t any4[4] = { 0 };

	memset(ret, 0, 16);
	if (h->ip4 == IP_INHERIT)
		hold_mapped(any4, ret);
	return (h->ip4 == IP_INHERIT && h->ip6 == IP_NEW && h->n6) ||
	       (h->ip6 == IP_INHERIT && h->ip4 == IP_NEW && h->n4);
}

static int tell(const struct hold_maps *m, int group, uint64_t jail, const struct hold *h, struct err *e)
{
	const struct hold_use none = { 0 };
	struct hold_jail j;
	uint8_t addr[16];
	int r;

	describe(h, jail, &j);
	r = hold_map_put(m->hold_use, &jail, &none, BPF_NOEXIST);
	if (r == -EEXIST)
		r = 0;
	for (uint32_t i = 0; i < j.n4 && r == 0; i++) {
		hold_mapped(h->a4[i], addr);
		r = owner_set(m, group, jail, addr, true);
	}
	for (uint32_t i = 0; i < j.n6 && r == 0; i++)
		r = owner_set(m, group, jail, h->a6[i], true);
	if (r == 0 && everywhere(h, addr))
		r = owner_set(m, group, jail, addr, true);
	if (r == 0)
		r = hold_map_put(m->hold_jails, &jail, &j, BPF_ANY);
	return r < 0 ? err_set(e, -r, "tell the kernel the jail's addresses: %s", strerror(-r)) : 0;
}

static int maker_open(int cgroupfd, uint64_t *ret_id, struct err *e)
{
	int fd = openat(cgroupfd, MAKER, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0) {
		int r = err_sys(e, "open the group " MAKER " of the jail");

		closep(&fd);
		return r;
	}
	*ret_id = st.st_ino; /* of a cgroup: its 64-bit id */
	return fd;
}

int hold_attach(int cgroupfd, const struct hold *h, struct err *e)
{
	_cleanup_(hold_maps_close) struct hold_maps m;
	_cleanup_close_ int group = -1, lock = pins_lock();
	uint64_t jail = 0;
	char dir[128];
	int r = hold_maps_open(&m, e);

	(void)lock; /* held until we return */
	if (r < 0)
		return r;
	group = maker_open(cgroupfd, &jail, e);
	if (group < 0)
		return group;
	r = pin_dir(dir, sizeof(dir), e);
	if (r == 0)
		r = attach_all(group, dir, e);
	/* until now the record is all zero: held to no address at all */
	return r < 0 ? r : tell(&m, group, jail, h, e);
}

bool hold_lists(const struct hold *h, const uint8_t addr[16])
{
	uint8_t a[16];

	for (uint32_t i = 0; h->ip4 == IP_NEW && i < h->n4; i++) {
		hold_mapped(h->a4[i], a);
		if (memcmp(a, addr, 16) == 0)
			return true;
	}
	for (uint32_t i = 0; h->ip6 == IP_NEW && i < h->n6; i++)
		if (memcmp(h->a6[i], addr, 16) == 0)
			return true;
	return false;
}

/* The first failure of several steps that are all tried. */
static int first_of(int r, int one)
{
	return r < 0 || one >= 0 || one == -ENOENT ? r : one;
}

/* Strike the jail out of the records of addresses that are not in keep (NULL: of all). */
static int disown(const struct hold_maps *m, int group, uint64_t jail, const struct hold *keep)
{
	uint8_t key[16], next[16], wild[16];
	int r = hold_map_next(m->hold_owners, NULL, key), done = 0;
	bool have = r == 0;

	while (have) {
		struct hold_owner o;
		bool mine = false;
		int got = hold_map_get(m->hold_owners, key, &o);

		r = hold_map_next(m->hold_owners, key, next);
		have = r == 0;
		done = first_of(done, got);
		if (got == 0)
			for (uint32_t i = 0; i < HOLD_OWNERS; i++)
				mine |= o.jail[i] == jail;
		if (mine &&
		    !(keep && (hold_lists(keep, key) || (everywhere(keep, wild) && memcmp(wild, key, 16) == 0))))
			done = first_of(done, owner_set(m, group, jail, key, false));
		memcpy(key, next, sizeof(key));
	}
	return first_of(done, r);
}

int hold_update(int cgroupfd, const struct hold *h, struct err *e)
{
	_cleanup_(hold_maps_close) struct hold_maps m;
	_cleanup_close_ int group = -1;
	struct hold_jail old;
	uint64_t jail = 0;
	int r = hold_maps_open(&m, e);

	if (r < 0)
		return r;
	group = maker_open(cgroupfd, &jail, e);
	if (group < 0)
		return group;
	if (hold_map_get(m.hold_jails, &jail, &old) < 0)
		return err_set(e, EBUSY, "the jail was started by another version of iocage: restart it first");
	r = tell(&m, group, jail, h, e);
	if (r < 0)
		return r;
	r = disown(&m, group, jail, h);
	return r < 0 ? err_set(e, -r, "strike the jail's old addresses out: %s", strerror(-r)) : 0;
}

static int forget_ports(int map, uint64_t jail)
{
	struct hold_port_key key, next;
	int r = hold_map_next(map, NULL, &key), done = 0;
	bool have = r == 0;

	while (have) {
		r = hold_map_next(map, &key, &next);
		have = r == 0;
		if (key.jail == jail)
			done = first_of(done, hold_map_del(map, &key));
		key = next;
	}
	return first_of(done, r);
}

int hold_forget(const struct hold_maps *m, uint64_t jail)
{
	int done = m->hold_ports < 0 ? 0 : forget_ports(m->hold_ports, jail);

	if (m->hold_sources >= 0)
		done = first_of(done, source_forget(m, jail));
	/* the ring that its monitor is rung by: else it keeps its memory */
	if (m->hold_events >= 0)
		done = first_of(done, hold_map_del(m->hold_events, &jail));
	if (m->hold_use >= 0)
		done = first_of(done, hold_map_del(m->hold_use, &jail));
	return m->hold_owners < 0 ? done : first_of(done, disown(m, -1, jail, NULL));
}

/* The names of the pin directories of this namespace, of every version: how many, or -errno. */
static int versions(int parent, const char *cookie, char (*names)[64], int cap)
{
	_cleanup_closedir_ DIR *d = NULL;
	struct dirent *x;
	int r = fs_opendir(parent, ".", &d), n = 0;

	while (r >= 0 && n < cap && (r = fs_readdir(d, &x)) > 0) {
		const char *end = strrchr(x->d_name, '-');

		if (strncmp(x->d_name, "iocage-", 7) == 0 && end && strcmp(end, cookie) == 0 &&
		    strlen(x->d_name) < sizeof(names[0]))
			(void)snprintf(names[n++], sizeof(names[0]), "%s", x->d_name);
	}
	return r < 0 ? r : n;
}

/* What a map is: BPF_OBJ_GET_INFO_BY_FD of bpf(2). 0 or -errno. */
static int map_info(int fd, struct bpf_map_info *ret)
{
	union bpf_attr a;

	memset(ret, 0, sizeof(*ret));
	memset(&a, 0, sizeof(a));
	a.info.bpf_fd = (uint32_t)fd;
	a.info.info_len = sizeof(*ret);
	a.info.info = (uintptr_t)ret;
	return sys_bpf(BPF_OBJ_GET_INFO_BY_FD, &a, ATTR_SIZE(info));
}

/*
 * A map of some version, if its keys and values have our sizes. 0 with *ret -1: there is none, or it is not as ours is.
 */
static int open_alike(const char *dir, const char *name, size_t key, size_t value, int *ret)
{
	_cleanup_close_ int fd = pinned(dir, name);
	struct bpf_map_info info;
	int r;

	*ret = -1;
	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	r = map_info(fd, &info);
	if (r == 0 && info.key_size == key && info.value_size == value)
		*ret = take_fd(&fd);
	return r;
}

/*
 * Sockets of the jail may have been passed to somebody who goes on: from now on they are held to no address. The records of
 * other versions may have another size, and are all zero then, too.
 */
static int silence(const char *dir, uint64_t jail)
{
	_cleanup_close_ int map = pinned(dir, "hold_jails");
	static const uint8_t zero[1024];
	struct bpf_map_info info;
	int r;

	if (map < 0)
		return map == -ENOENT ? 0 : map;
	r = map_info(map, &info);
	if (r == 0 && (info.key_size != sizeof(jail) || info.value_size > sizeof(zero)))
		r = -EPROTO;
	if (r == 0)
		r = hold_map_put(map, &jail, zero, BPF_ANY);
	return r == -ENOENT ? 0 : r;
}

static int forget_in(const char *dir, uint64_t jail)
{
	_cleanup_(hold_maps_close) struct hold_maps m;
	int r, silenced = silence(dir, jail);

	memset(&m, 0xff, sizeof(m));
	r = open_alike(dir, "hold_ports", sizeof(struct hold_port_key), sizeof(struct hold_port), &m.hold_ports);
	if (r == 0)
		r = open_alike(dir, "hold_owners", 16, sizeof(struct hold_owner), &m.hold_owners);
	if (r == 0)
		r = open_alike(dir, "hold_sources", sizeof(struct hold_source_key), 16, &m.hold_sources);
	if (r == 0)
		r = open_alike(dir, "hold_events", sizeof(jail), sizeof(uint32_t), &m.hold_events);
	if (r == 0)
		r = open_alike(dir, "hold_use", sizeof(jail), sizeof(struct hold_use), &m.hold_use);
	if (r == 0)
		r = hold_forget(&m, jail);
	return r < 0 ? r : silenced;
}

int hold_used(const char *rel, struct hold_used *ret, struct err *e)
{
	_cleanup_close_ int group = cgroup_open(rel, MAKER, e), uses = -1, jails = -1;
	struct hold_use u;
	struct hold_jail j;
	struct stat st;
	uint64_t jail;
	char dir[128];
	int r = group < 0 ? group : pin_dir(dir, sizeof(dir), e);

	if (r < 0)
		return r;
	if (fstat(group, &st) < 0)
		return err_sys(e, "look at the control group of %s", rel);
	jail = st.st_ino;
	r = open_alike(dir, "hold_use", sizeof(jail), sizeof(u), &uses);
	if (r == 0)
		r = open_alike(dir, "hold_jails", sizeof(jail), sizeof(j), &jails);
	if (r == 0)
		r = uses < 0 || jails < 0 ? -ENOENT : hold_map_get(uses, &jail, &u);
	if (r == 0)
		r = hold_map_get(jails, &jail, &j);
	if (r < 0)
		return err_set(e, -r, "ask the kernel for the sockets of %s: %s", rel, strerror(-r));
	*ret = (struct hold_used){ u.socks, j.socks_max, u.udp, j.udp_max };
	return 0;
}

int hold_end(const char *rel, struct err *e)
{
	_cleanup_close_ int group = -1, all = -1;
	char dir[128], names[VERSIONS_MAX][64];
	struct stat st;
	int r, n, one;

	group = cgroup_open(rel, MAKER, NULL);
	if (group < 0)
		return group == -ENOENT ? 0
		                        : err_set(e, -group, "open the control group of %s: %s", rel, strerror(-group));
	if (fstat(group, &st) < 0)
		return err_sys(e, "look at the control group of %s", rel);
	r = pin_dir(dir, sizeof(dir), e);
	if (r < 0)
		return r;
	all = open(HOLD_BPFFS, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	/* nothing was ever loaded: nothing is known of the jail either */
	if (all < 0 && errno == ENOENT)
		return 0;
	n = all < 0 ? -errno : versions(all, strrchr(dir, '-'), names, VERSIONS_MAX);
	if (n < 0)
		return err_set(e, -n, "look for what is pinned below " HOLD_BPFFS ": %s", strerror(-n));
	/* which version it was started with is written nowhere */
	for (int i = 0; i < n; i++) {
		(void)snprintf(dir, sizeof(dir), HOLD_BPFFS "/%.63s", names[i]);
		one = forget_in(dir, st.st_ino);
		r = r < 0 ? r : one;
	}
	return r < 0 ? err_set(e, -r, "forget the sockets of %s: %s", rel, strerror(-r)) : 0;
}

/* Does a jail still use what is pinned in dir. True when it cannot be told. */
static bool in_use(const char *dir, int anygroup)
{
	_cleanup_close_ int map = pinned(dir, "hold_jails");
	uint64_t key, next;
	bool have, used = false;

	if (map < 0)
		return true;
	have = hold_map_next(map, NULL, &key) == 0;
	while (have && !used) {
		have = hold_map_next(map, &key, &next) == 0;
		used = group_lives(anygroup, key);
		key = next;
	}
	return used;
}

void hold_sweep(void)
{
	_cleanup_close_ int all = open(HOLD_BPFFS, O_RDONLY | O_DIRECTORY | O_CLOEXEC), group = -1;
	char dir[128], path[128], names[VERSIONS_MAX][64];
	const char *mnt, *cookie;
	int n;

	if (all < 0 || pin_dir(dir, sizeof(dir), NULL) < 0 || cgroup_mount(&mnt, NULL) < 0)
		return;
	cookie = strrchr(dir, '-');
	n = versions(all, cookie, names, VERSIONS_MAX);
	/* the only version stays, for the next jail. Not locked: somebody is starting one, and who ends later sweeps */
	if (n < 2 || flock(all, LOCK_EX | LOCK_NB) < 0)
		return;
	group = open(mnt, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (int i = 0; i < n; i++) {
		(void)snprintf(path, sizeof(path), HOLD_BPFFS "/%.63s", names[i]);
		/* what cannot be removed now is swept by who ends later */
		if (!in_use(path, group) && fs_remove_tree(all, names[i], NULL) < 0)
			continue;
	}
}
