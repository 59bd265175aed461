/* idmap.c - user namespaces that only say how a mount maps ids: mount_setattr(2), MOUNT_ATTR_IDMAP. */
#include "os/linux/idmap.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "base/str.h"

/* The process whose namespace it is. It shares our descriptors, so that we have its directory of /proc without knowing its number. */
static void hold_open(int tell)
{
	int proc = open("/proc/self", O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (proc >= 0 && unshare(CLONE_NEWUSER) < 0) {
		int code = errno;

		(void)close(proc);
		proc = -code;
	} else if (proc < 0) {
		proc = -errno;
	}
	(void)!write(tell, &proc, sizeof(proc));
	for (;;)
		pause();
}

static int write_maps(int proc, const char *map)
{
	int r = fs_poke(proc, "uid_map", map);

	return r < 0 ? r : fs_poke(proc, "gid_map", map);
}

int idmap_userns(unsigned on_disk, unsigned base, unsigned count, struct err *e)
{
	_cleanup_free_ char *map = strf("%u %u %u\n", on_disk, base, count);
	_cleanup_close_ int proc = -1;
	int pipe_fds[2], got = -EPIPE, r;
	pid_t pid;

	if (!map)
		return err_oom(e);
	if (pipe2(pipe_fds, O_CLOEXEC) < 0)
		return err_sys(e, "make a pipe");
	pid = (pid_t)syscall(SYS_clone, CLONE_FILES | SIGCHLD, 0L, 0L, 0L, 0L);
	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, (unsigned long)SIGKILL, 0L, 0L, 0L);
		hold_open(pipe_fds[1]);
	}
	r = pid < 0 ? -errno : 0;
	/* both ends are ours while it lives: it answers or is killed with us, so the read ends */
	if (r == 0 && read(pipe_fds[0], &got, sizeof(got)) == (ssize_t)sizeof(got))
		r = proc = got;
	if (r >= 0)
		r = write_maps(proc, map);
	if (r >= 0) {
		r = openat(proc, "ns/user", O_RDONLY | O_CLOEXEC);
		r = r < 0 ? -errno : r;
	}
	if (pid > 0 && kill(pid, SIGKILL) == 0)
		(void)waitpid(pid, NULL, 0);
	close(pipe_fds[0]);
	close(pipe_fds[1]);
	return r < 0 ? err_set(e, -r, "make a user namespace that maps ids from %u: %s", on_disk, strerror(-r)) : r;
}
