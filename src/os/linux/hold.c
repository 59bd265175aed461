/* hold.c - attaches the pinned BPF programs to a jail's cgroup and tells them the jail's addresses. */
#include "os/linux/hold.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/proc.h"
#include "base/str.h"
#include "hold_version.h"
#include "os/linux/shared.h"

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif

#define MAKER "mon" /* the group below the jail's in which its sockets are made */

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

/* An fd of what is pinned, or -errno. */
static int pinned(const char *dir, const char *name)
{
	char path[160];
	union bpf_attr a;

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	memset(&a, 0, sizeof(a));
	a.pathname = (uintptr_t)path;
	return sys_bpf(BPF_OBJ_GET, &a, ATTR_SIZE(file_flags));
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
#define X(name)           \
	closep(&m->name); \
	m->name = -1;
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
static int owner_set(const struct hold_maps *m, int group, uint64_t jail, const uint8_t addr[16], uint32_t flags,
                     bool add)
{
	struct hold_owner old, new;
	uint32_t n = 0;

	memset(&new, 0, sizeof(new));
	if (add) {
		new.jail[n] = jail;
		new.flags[n++] = flags;
	}
	if (hold_map_get(m->hold_owners, addr, &old) < 0)
		memset(&old, 0, sizeof(old));
	for (uint32_t i = 0; i < HOLD_OWNERS && old.jail[i] && n < HOLD_OWNERS; i++) {
		if (old.jail[i] == jail || !group_lives(group, old.jail[i]))
			continue;
		new.jail[n] = old.jail[i];
		new.flags[n++] = old.flags[i];
	}
	if (n)
		return hold_map_put(m->hold_owners, addr, &new, BPF_ANY);
	(void)hold_map_del(m->hold_owners, addr);
	return 0;
}

/* The record of the jail in its cgroup storage. */
static void describe(const struct hold *h, uint64_t jail, struct hold_jail *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->jail = jail;
	ret->flags = (h->ip4 == IP_INHERIT ? HOLD_INHERIT4 : 0) | (h->ip6 == IP_INHERIT ? HOLD_INHERIT6 : 0) |
	             (h->reserved_ports ? HOLD_RESERVED : 0);
	ret->n4 = h->ip4 == IP_NEW ? h->n4 : 0;
	ret->n6 = h->ip6 == IP_NEW ? h->n6 : 0;
	if (ret->n4)
		memcpy(&ret->prim4, h->a4[0], 4);
	if (ret->n6)
		memcpy(ret->prim6, h->a6[0], 16);
}

/* steer: wildcard UDP sockets may need it even where one address is left, from the time when there were several */
static int tell(const struct hold_maps *m, int group, uint64_t jail, const struct hold *h, bool steer, struct err *e)
{
	struct hold_jail j;
	uint8_t addr[16];
	int r = 0;

	describe(h, jail, &j);
	for (uint32_t i = 0; i < j.n4 && r == 0; i++) {
		hold_mapped(h->a4[i], addr);
		r = owner_set(m, group, jail, addr, steer || j.n4 > 1 ? HOLD_OWNER_STEER_UDP : 0, true);
	}
	for (uint32_t i = 0; i < j.n6 && r == 0; i++)
		r = owner_set(m, group, jail, h->a6[i], steer || j.n6 > 1 ? HOLD_OWNER_STEER_UDP : 0, true);
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
	_cleanup_close_ int group = -1;
	uint64_t jail = 0;
	char dir[128];
	int r = hold_maps_open(&m, e);

	if (r < 0)
		return r;
	group = maker_open(cgroupfd, &jail, e);
	if (group < 0)
		return group;
	r = pin_dir(dir, sizeof(dir), e);
	if (r == 0)
		r = attach_all(group, dir, e);
	/* until now the record is all zero: held to no address at all */
	return r < 0 ? r : tell(&m, group, jail, h, false, e);
}

/* Was the address in the list of the old hold and is not in the new one. */
static bool listed(const struct hold *h, const uint8_t addr[16])
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

/* Strike the jail out of the records of addresses that are not in keep (NULL: of all). */
static void disown(const struct hold_maps *m, int group, uint64_t jail, const struct hold *keep)
{
	uint8_t key[16], next[16];
	bool have = hold_map_next(m->hold_owners, NULL, key) == 0;

	while (have) {
		struct hold_owner o;
		bool mine = false;

		have = hold_map_next(m->hold_owners, key, next) == 0;
		if (hold_map_get(m->hold_owners, key, &o) == 0)
			for (uint32_t i = 0; i < HOLD_OWNERS; i++)
				mine |= o.jail[i] == jail;
		if (mine && !(keep && listed(keep, key)))
			(void)owner_set(m, group, jail, key, 0, false);
		memcpy(key, next, sizeof(key));
	}
}

int hold_update(int cgroupfd, const struct hold *h, struct err *e)
{
	_cleanup_(hold_maps_close) struct hold_maps m;
	_cleanup_close_ int group = -1;
	uint64_t jail = 0;
	int r = hold_maps_open(&m, e);

	if (r < 0)
		return r;
	group = maker_open(cgroupfd, &jail, e);
	if (group < 0)
		return group;
	r = tell(&m, group, jail, h, true, e);
	if (r == 0)
		disown(&m, group, jail, h);
	return r;
}

void hold_forget(const struct hold_maps *m, uint64_t jail)
{
	struct hold_port_key key, next;
	bool have = hold_map_next(m->hold_ports, NULL, &key) == 0;

	while (have) {
		have = hold_map_next(m->hold_ports, &key, &next) == 0;
		if (key.jail == jail)
			(void)hold_map_del(m->hold_ports, &key);
		key = next;
	}
	disown(m, -1, jail, NULL);
}
