/* apparmor.c - AppArmor: is it there, are the jails' profiles loaded, loading them, and putting one on at execve. */
#include "os/linux/apparmor.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "apparmor_text.h"
#include "base/cleanup.h"
#include "base/fs.h"
#include "base/proc.h"
#include "base/str.h"
#include "core/jail.h"
#include "os/os.h"

#define ENABLED      "/sys/module/apparmor/parameters/enabled"
#define LOADED       "/sys/kernel/security/apparmor/policy/profiles"
#define STAMP        "apparmor" /* in RUN: which text was loaded, since loading it again is slow */
#define STAMP_FAILED "failed\n"

static const char *const names[] = { APPARMOR_DEFAULT, APPARMOR_MOUNT };
#define NAMES (sizeof(names) / sizeof(*names))

/* FNV-1a: tells one version's text from another's. */
static uint64_t text_hash(void)
{
	uint64_t h = 0xcbf29ce484222325;

	for (const char *p = apparmor_text; *p; p++)
		h = (h ^ (unsigned char)*p) * 0x100000001b3;
	return h;
}

static bool enabled(void)
{
	_cleanup_close_ int fd = open(ENABLED, O_RDONLY | O_CLOEXEC);
	char c = 0;

	return fd >= 0 && read(fd, &c, 1) == 1 && c == 'Y';
}

/* The kernel shows each profile as NAME.NUMBER. */
static bool all_loaded(void)
{
	_cleanup_closedir_ DIR *d = NULL;
	struct dirent *de;
	unsigned have = 0;

	if (fs_opendir(AT_FDCWD, LOADED, &d) < 0)
		return false;
	while (fs_readdir(d, &de) > 0)
		for (size_t i = 0; i < NAMES; i++)
			if (str_starts(de->d_name, names[i]) && de->d_name[strlen(names[i])] == '.')
				have |= 1U << i;
	return have == (1U << NAMES) - 1;
}

static bool is_stamped(int run, const char *stamp)
{
	_cleanup_free_ char *text = NULL;
	size_t len;

	return fs_read(run, STAMP, 64, &text, &len, NULL) == 0 && streq(text, stamp);
}

/* From a file of ours in memory: nothing on disk decides what is loaded. */
static int load(struct err *e)
{
	_cleanup_close_ int text = memfd_create("iocage-apparmor", MFD_CLOEXEC);
	char *const argv[] = { (char *)"apparmor_parser", (char *)"--replace", (char *)"--skip-cache", NULL };
	static char *const env[] = { (char *)"PATH=/usr/sbin:/sbin:/usr/bin:/bin", (char *)"LC_ALL=C", NULL };
	_cleanup_(sbuf_done) struct sbuf out = { 0 };
	struct proc_spec s = PROC_SPEC_INIT;
	int status, r;

	if (text < 0 || fs_write_all(text, apparmor_text, strlen(apparmor_text)) < 0 || lseek(text, 0, SEEK_SET) < 0)
		return err_sys(e, "write the AppArmor profiles");
	s.argv = argv;
	s.envp = env;
	s.in = text;
	r = proc_capture(&s, 300, &out, &status, e);
	if (r == -ENOENT)
		return err_hint(e, "Install the package apparmor.");
	if (r == 0 && status)
		r = err_set(e, EINVAL, "apparmor_parser ended with status %d: %.*s", status,
		            (int)strcspn(out.p ? out.p : "", "\n"), out.p ? out.p : "");
	return r;
}

int os_apparmor(const char *run, bool *ret_again, struct err *e)
{
	_cleanup_close_ int dir = -1;
	char stamp[32];
	int r;

	*ret_again = false;
	if (!enabled())
		return 0;
	(void)snprintf(stamp, sizeof(stamp), "%016llx\n", (unsigned long long)text_hash());
	dir = open(run, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir >= 0 && is_stamped(dir, stamp) && all_loaded())
		return 1;
	r = load(e);
	*ret_again = r < 0 && dir >= 0 && is_stamped(dir, STAMP_FAILED);
	if (r < 0)
		(void)snprintf(stamp, sizeof(stamp), "%s", STAMP_FAILED);
	/* else it is tried again next time */
	if (dir >= 0)
		(void)!fs_replace(dir, STAMP, stamp, strlen(stamp), 0600, false, NULL);
	return r < 0 ? err_wrap(e, "cannot load the AppArmor profile " APPARMOR_DEFAULT) : 1;
}

bool os_apparmor_on(pid_t pid)
{
	char path[64], label[64] = "";
	_cleanup_close_ int fd = -1;

	(void)snprintf(path, sizeof(path), "/proc/%d/attr/apparmor/current", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd >= 0 && read(fd, label, sizeof(label) - 1) > 0 && str_starts(label, "iocage-");
}

/*
 * Where a process says what it becomes. Not through symlinks or mounts that a jail may have put into its /proc, and the kernel
 * takes the word of no process but of whom it is about.
 */
static int open_attr(void)
{
	struct open_how how = { .flags = O_WRONLY | O_CLOEXEC | O_NOCTTY,
		                .resolve = RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH };
	_cleanup_close_ int proc = open("/proc", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	char path[64];
	struct statfs fs;
	int fd;

	if (proc < 0 || fstatfs(proc, &fs) < 0)
		return -errno;
	if (fs.f_type != PROC_SUPER_MAGIC)
		return -ENOTDIR;
	(void)snprintf(path, sizeof(path), "%d/attr/apparmor/exec", (int)getpid());
	fd = (int)syscall(SYS_openat2, proc, path, &how, sizeof(how));
	return fd < 0 ? -errno : fd;
}

int apparmor_on_exec(unsigned allow, struct err *e)
{
	const char *name = allow & ALLOW_MOUNT ? APPARMOR_MOUNT : APPARMOR_DEFAULT;
	_cleanup_close_ int fd = open_attr();
	char text[64];
	int n = snprintf(text, sizeof(text), "exec %s", name);

	if (fd < 0)
		return err_set(e, -fd, "put on the AppArmor profile %s: %s", name, strerror(-fd));
	if (write(fd, text, (size_t)n) != n)
		return err_sys(e, "put on the AppArmor profile %s", name);
	return 0;
}
