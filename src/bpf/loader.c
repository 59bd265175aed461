/* loader.c - iocage-bpf: loads the programs that hold jails' sockets and pins them, once per host network namespace. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/magic.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "bpf/hold.skel.h"
#include "bpf/hold_abi.h"
#include "hold_version.h"

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif

static bool verbose;

/* The verifier's words matter only where something failed. */
__attribute__((format(printf, 2, 0))) static int say(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	if (level == LIBBPF_DEBUG || (!verbose && level != LIBBPF_WARN))
		return 0;
	return vfprintf(stderr, fmt, ap);
}

static int fail(const char *what, const char *on, int err)
{
	fprintf(stderr, "iocage-bpf: %s %s: %s\n", what, on, strerror(err < 0 ? -err : err));
	return 1;
}

static int mount_bpffs(void)
{
	struct statfs st;

	if (statfs(HOLD_BPFFS, &st) == 0 && st.f_type == BPF_FS_MAGIC)
		return 0;
	if (mount("bpf", HOLD_BPFFS, "bpf", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0700") < 0)
		return fail("mount bpf on", HOLD_BPFFS, errno);
	return 0;
}

/* The directory of the namespace we run in. */
static int pin_dir(char *buf, size_t cap)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	uint64_t cookie = 0;
	socklen_t len = sizeof(cookie);
	int r = -1;

	if (fd >= 0) {
		r = getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &len);
		(void)close(fd);
	}
	if (r < 0)
		return fail("ask for", "the network namespace's cookie", errno);
	(void)snprintf(buf, cap, HOLD_BPFFS "/iocage-" HOLD_VERSION "-%llx", (unsigned long long)cookie);
	return 0;
}

static void remove_dir(int parent, const char *name)
{
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct dirent *d;
	DIR *dir;

	dir = fd >= 0 ? fdopendir(fd) : NULL;
	if (!dir)
		return;
	while ((d = readdir(dir)) != NULL)
		if (d->d_name[0] != '.')
			(void)unlinkat(fd, d->d_name, 0);
	(void)closedir(dir);
	(void)unlinkat(parent, name, AT_REMOVEDIR);
}

/* Has the namespace died that these pins were for: its link has lost what it was attached to. */
static bool is_orphan(const char *name)
{
	struct bpf_link_info info;
	__u32 len = sizeof(info);
	char path[512];
	bool dead;
	int fd;

	if ((size_t)snprintf(path, sizeof(path), HOLD_BPFFS "/%s/" HOLD_LOOKUP_LINK, name) >= sizeof(path))
		return false;
	fd = bpf_obj_get(path);
	if (fd < 0)
		return false;
	memset(&info, 0, sizeof(info));
	dead = bpf_obj_get_info_by_fd(fd, &info, &len) == 0 && info.type == BPF_LINK_TYPE_NETNS &&
	       info.netns.netns_ino == 0;
	(void)close(fd);
	return dead;
}

static void sweep(void)
{
	int fd = open(HOLD_BPFFS, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *d;

	if (!dir)
		return;
	while ((d = readdir(dir)) != NULL)
		if (strncmp(d->d_name, "iocage-", 7) == 0 && is_orphan(d->d_name))
			remove_dir(fd, d->d_name);
	(void)closedir(dir);
}

static int pin_all(struct hold_bpf *s, const char *dir)
{
	struct bpf_program *p;
	struct bpf_map *m;
	char path[512];
	int r;

	bpf_object__for_each_program(p, s->obj)
	{
		if (strcmp(bpf_program__name(p), HOLD_LOOKUP_LINK) == 0)
			continue;
		(void)snprintf(path, sizeof(path), "%s/%s", dir, bpf_program__name(p));
		r = bpf_program__pin(p, path);
		if (r < 0)
			return fail("pin", path, r);
	}
#define X(name)                                                  \
	m = s->maps.name;                                        \
	(void)snprintf(path, sizeof(path), "%s/%s", dir, #name); \
	r = bpf_map__pin(m, path);                               \
	if (r < 0)                                               \
		return fail("pin", path, r);
	HOLD_MAPS(X)
#undef X
	return 0;
}

/* Attach the steering program to the namespace we are in; the pinned link keeps it there. */
static int pin_lookup(struct hold_bpf *s, const char *dir)
{
	int ns = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC), r;
	struct bpf_link *l;
	char path[512];

	if (ns < 0)
		return fail("open", "/proc/self/ns/net", errno);
	l = bpf_program__attach_netns(s->progs.hold_lookup, ns);
	r = -errno;
	(void)close(ns);
	if (!l)
		return fail("attach the socket lookup program to", "the network namespace", r);
	(void)snprintf(path, sizeof(path), "%s/" HOLD_LOOKUP_LINK, dir);
	r = bpf_link__pin(l, path);
	bpf_link__destroy(l);
	return r < 0 ? fail("pin", path, r) : 0;
}

/* Everything appears at once, by one rename; who comes second finds it done. */
static int load_and_pin(const char *dir)
{
	struct hold_bpf *s;
	char tmp[300];
	int r;

	s = hold_bpf__open_and_load();
	if (!s)
		return fail("load", "the programs that hold jails' sockets", errno);
	(void)snprintf(tmp, sizeof(tmp), "%s-new-%ld", dir, (long)getpid());
	if (mkdir(tmp, 0700) < 0) {
		hold_bpf__destroy(s);
		return fail("make", tmp, errno);
	}
	r = pin_all(s, tmp);
	if (r == 0)
		r = pin_lookup(s, tmp);
	if (r == 0 && rename(tmp, dir) < 0 && errno != EEXIST && errno != ENOTEMPTY)
		r = fail("rename to", dir, errno);
	remove_dir(AT_FDCWD, tmp);
	hold_bpf__destroy(s);
	return r;
}

int main(int argc, char **argv)
{
	char dir[256];
	bool remove, print;

	verbose = argc > 1 && strcmp(argv[1], "-v") == 0;
	remove = argc > 1 && strcmp(argv[1], "-r") == 0;
	print = argc > 1 && strcmp(argv[1], "-p") == 0; /* where this build's programs are pinned for this network */
	if (argc > 2 || (argc == 2 && !verbose && !remove && !print)) {
		fprintf(stderr, "usage: iocage-bpf [-v | -r | -p]\n");
		return 2;
	}
	if (print)
		return pin_dir(dir, sizeof(dir)) || puts(dir) < 0;
	libbpf_set_print(say);
	if (mount_bpffs() || pin_dir(dir, sizeof(dir)))
		return 1;
	sweep();
	if (remove) {
		remove_dir(AT_FDCWD, dir);
		return 0;
	}
	if (access(dir, F_OK) == 0)
		return 0;
	return load_and_pin(dir);
}
