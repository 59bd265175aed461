/* release_busybox.c - the release `busybox`: a small whole system made from the host's static busybox. */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "base/proc.h"
#include "store/internal.h"

#define LIST_MAX       (64 * 1024)
#define PT_INTERP_TYPE 3

struct text_file {
	const char *path;
	mode_t mode;
	const char *text;
};

#define BOX_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

static const struct text_file files[] = {
	{ "etc/passwd", 0644,
	  "root:x:0:0:root:/root:/bin/sh\n"
	  "daemon:x:1:1:daemon:/usr/sbin:/bin/false\n"
	  "www:x:80:80:web server:/var/www:/bin/false\n"
	  "nobody:x:65534:65534:nobody:/var/empty:/bin/false\n" },
	{ "etc/group", 0644, "root:x:0:\nwheel:x:10:root\ndaemon:x:1:\ntty:x:5:\nwww:x:80:\nnogroup:x:65534:\n" },
	{ "etc/shadow", 0600,
	  "root:*:19000:0:99999:7:::\ndaemon:*:19000:0:99999:7:::\n"
	  "www:*:19000:0:99999:7:::\nnobody:*:19000:0:99999:7:::\n" },
	{ "etc/shells", 0644, "/bin/sh\n/bin/ash\n" },
	{ "etc/profile", 0644,
	  "# profile - for every login shell\n"
	  "export PATH=" BOX_PATH "\n"
	  "PS1='\\u@\\h:\\w\\$ '\n"
	  "umask 022\n" },
	{ "etc/hosts", 0644, "127.0.0.1\tlocalhost\n::1\tlocalhost\n" },
	{ "etc/nsswitch.conf", 0644,
	  "passwd: files\ngroup: files\nshadow: files\nhosts: files dns\nservices: files\nprotocols: files\n" },
	{ "etc/protocols", 0644, "ip\t0\tIP\nicmp\t1\tICMP\ntcp\t6\tTCP\nudp\t17\tUDP\nipv6-icmp\t58\tIPv6-ICMP\n" },
	{ "etc/services", 0644,
	  "ftp\t21/tcp\nssh\t22/tcp\ntelnet\t23/tcp\nsmtp\t25/tcp\ndomain\t53/tcp\ndomain\t53/udp\n"
	  "tftp\t69/udp\nhttp\t80/tcp\npop3\t110/tcp\nntp\t123/udp\nimap2\t143/tcp\nsyslog\t514/udp\n"
	  "https\t443/tcp\n" },
	{ "etc/os-release", 0644, "NAME=\"busybox\"\nID=busybox\nPRETTY_NAME=\"busybox\"\n" },
	{ "etc/rc", 0755,
	  "#!/bin/sh\n"
	  "# rc - starts the executable files of /etc/rc.d in the order of their names\n"
	  "export PATH=" BOX_PATH "\n"
	  "for stale in /run/*.pid; do [ ! -e \"$stale\" ] || rm -f \"$stale\"; done\n"
	  "for service in /etc/rc.d/*; do\n"
	  "\t[ -f \"$service\" ] && [ -x \"$service\" ] || continue\n"
	  "\t\"$service\" start || echo \"rc: $service start failed\" >&2\n"
	  "done\n"
	  "exit 0\n" },
	{ "etc/rc.shutdown", 0755,
	  "#!/bin/sh\n"
	  "# rc.shutdown - stops what rc has started, in the opposite order\n"
	  "export PATH=" BOX_PATH "\n"
	  "set --\n"
	  "for service in /etc/rc.d/*; do\n"
	  "\t[ -f \"$service\" ] && [ -x \"$service\" ] || continue\n"
	  "\tset -- \"$service\" \"$@\"\n"
	  "done\n"
	  "for service in \"$@\"; do\n"
	  "\t\"$service\" stop || echo \"rc.shutdown: $service stop failed\" >&2\n"
	  "done\n"
	  "exit 0\n" },
};

static const struct {
	const char *path;
	mode_t mode;
} dirs[] = {
	{ "bin", 0755 },       { "dev", 0755 },       { "etc", 0755 },           { "etc/rc.d", 0755 },
	{ "home", 0755 },      { "lib", 0755 },       { "mnt", 0755 },           { "proc", 0555 },
	{ "root", 0700 },      { "run", 0755 },       { "sbin", 0755 },          { "sys", 0555 },
	{ "tmp", 01777 },      { "usr", 0755 },       { "usr/bin", 0755 },       { "usr/sbin", 0755 },
	{ "usr/lib", 0755 },   { "usr/local", 0755 }, { "usr/local/bin", 0755 }, { "usr/local/sbin", 0755 },
	{ "var", 0755 },       { "var/empty", 0555 }, { "var/lib", 0755 },       { "var/log", 0755 },
	{ "var/spool", 0755 }, { "var/tmp", 01777 },  { "var/www", 0755 },
};

static uint64_t number(const unsigned char *p, size_t n)
{
	uint64_t v = 0;

	/* of the host's own byte order, which the caller has checked to be the file's */
	if (n == 8)
		memcpy(&v, p, 8);
	else if (n == 4) {
		uint32_t w;

		memcpy(&w, p, 4);
		v = w;
	} else {
		uint16_t h;

		memcpy(&h, p, 2);
		v = h;
	}
	return v;
}

bool release_static_elf(int fd)
{
	static const uint16_t one = 1;
	unsigned char h[64], ph[4];
	bool little = *(const unsigned char *)&one == 1, wide;
	uint64_t off, size, n;

	if (pread(fd, h, sizeof(h), 0) != (ssize_t)sizeof(h) || memcmp(h, "\177ELF", 4) != 0)
		return false;
	if (h[5] != (little ? 1 : 2) || (h[4] != 1 && h[4] != 2))
		return false;
	wide = h[4] == 2;
	off = wide ? number(h + 32, 8) : number(h + 28, 4);
	size = number(h + (wide ? 54 : 42), 2);
	n = number(h + (wide ? 56 : 44), 2);
	if (!n || size < (wide ? 56 : 32) || off > INT32_MAX)
		return false;
	for (uint64_t i = 0; i < n; i++) {
		if (pread(fd, ph, sizeof(ph), (off_t)(off + i * size)) != (ssize_t)sizeof(ph))
			return false;
		if (number(ph, 4) == PT_INTERP_TYPE)
			return false;
	}
	return true;
}

static int open_static(const char *path)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || !(st.st_mode & S_IXUSR) || !release_static_elf(fd))
		return -1;
	return take_fd(&fd);
}

/* The usual places first, then PATH. */
static int find_busybox(char **ret_path, int *ret_fd, struct err *e)
{
	_cleanup_(strv_done) struct strv places = { 0 };
	const char *path = getenv("PATH");

	if (strv_split(&places, "/bin:/usr/bin:/usr/local/bin", ":") < 0 ||
	    strv_split(&places, path ? path : "", ":") < 0)
		return err_oom(e);
	for (size_t i = 0; i < places.n; i++) {
		char *p;

		if (places.v[i][0] != '/')
			continue;
		p = strf("%s/busybox", places.v[i]);
		if (!p)
			return err_oom(e);
		*ret_fd = open_static(p);
		if (*ret_fd >= 0) {
			*ret_path = p;
			return 0;
		}
		free(p);
	}
	(void)err_set(e, ENOENT,
	              "the release busybox is made from a statically linked busybox, and this host has none");
	return err_hint(e, "Install the package busybox-static: apt install busybox-static");
}

static int copy_program(int from, int root, struct err *e)
{
	_cleanup_close_ int to = openat(root, "bin/busybox", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
	char buf[65536];
	ssize_t n;
	int r;

	if (to < 0)
		return err_sys(e, "cannot create bin/busybox");
	while ((n = read(from, buf, sizeof(buf))) != 0) {
		if (n < 0)
			return err_sys(e, "cannot read busybox");
		r = fs_write_all(to, buf, (size_t)n);
		if (r < 0)
			return err_set(e, -r, "cannot write bin/busybox: %s", strerror(-r));
	}
	return fchmod(to, 0755) < 0 ? err_sys(e, "cannot set the mode of bin/busybox") : 0;
}

const char *release_applet_target(const char *line)
{
	static const struct {
		const char *dir, *target;
	} homes[] = {
		{ "bin/", "busybox" },
		{ "sbin/", "../bin/busybox" },
		{ "usr/bin/", "../../bin/busybox" },
		{ "usr/sbin/", "../../bin/busybox" },
	};
	/* pid 1 of a jail is ours; linuxrc is for boot disks */
	if (streq(line, "sbin/init") || streq(line, "linuxrc") || streq(line, "bin/busybox"))
		return NULL;
	for (size_t i = 0; i < sizeof(homes) / sizeof(homes[0]); i++) {
		const char *name;

		if (!str_starts(line, homes[i].dir))
			continue;
		name = line + strlen(homes[i].dir);
		return !*name || strchr(name, '/') || streq(name, "..") || streq(name, ".") ? NULL : homes[i].target;
	}
	return NULL;
}

static int link_applet(int root, const char *line, struct err *e)
{
	const char *target = release_applet_target(line);

	if (target && symlinkat(target, root, line) < 0 && errno != EEXIST)
		return err_sys(e, "cannot create %s", line);
	return 0;
}

static int link_applets(const char *busybox, int root, struct err *e)
{
	char *const argv[] = { (char *)busybox, (char *)"--list-full", NULL };
	char *const envp[] = { (char *)"PATH=/usr/bin:/bin", NULL };
	_cleanup_(sbuf_done) struct sbuf out = { 0 };
	struct proc_spec spec = PROC_SPEC_INIT;
	char *line, *rest;
	int status, r;

	spec.argv = argv;
	spec.envp = envp;
	r = proc_capture(&spec, LIST_MAX, &out, &status, e);
	if (r < 0)
		return r;
	if (status != 0 || !out.p || !strstr(out.p, "bin/sh\n"))
		return err_set(e, EINVAL, "%s --list-full does not list its commands (status %d)", busybox, status);
	for (line = strtok_r(out.p, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		r = link_applet(root, line, e);
		if (r < 0)
			return r;
	}
	return 0;
}

static int make_skeleton(int root, struct err *e)
{
	int r;

	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++)
		if (mkdirat(root, dirs[i].path, dirs[i].mode) < 0 || fchmodat(root, dirs[i].path, dirs[i].mode, 0) < 0)
			return err_sys(e, "cannot create %s", dirs[i].path);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		r = fs_replace(root, files[i].path, files[i].text, strlen(files[i].text), files[i].mode, false, e);
		if (r < 0)
			return r;
	}
	if (symlinkat("../run", root, "var/run") < 0)
		return err_sys(e, "cannot create var/run");
	return 0;
}

int release_make_busybox(const struct fetch_req *req, struct workdir *w, struct err *e)
{
	_cleanup_close_ int box = -1, root = -1;
	_cleanup_free_ char *path = NULL;
	int r = find_busybox(&path, &box, e);

	if (r < 0)
		return r;
	release_progress(req, -1, "Making busybox from %s", path);
	if (mkdirat(w->fd, "root", 0755) < 0)
		return err_sys(e, "cannot create the release's root");
	root = openat(w->fd, "root", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (root < 0)
		return err_sys(e, "cannot open the release's root");
	r = make_skeleton(root, e);
	if (r == 0)
		r = copy_program(box, root, e);
	if (r == 0)
		r = link_applets(path, root, e);
	return r < 0 ? err_wrap(e, "making the release busybox") : 0;
}
