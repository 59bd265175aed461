/* jailsock.c - sockets in a jail's run directory: where its monitor and its DHCP client are reached. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "os/linux/jailproc.h"

#define WAIT_S 5

int jail_sock_listen(const struct os_jail *j, const char *name, struct err *e)
{
	_cleanup_free_ char *dir = strf("%s/jails/%s", j->run, j->jail);
	_cleanup_close_ int dirfd = -1, fd = -1;
	struct sockaddr_un sa = { .sun_family = AF_UNIX };

	if (!dir)
		return err_oom(e);
	dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dirfd < 0)
		return err_sys(e, "open %s", dir);
	(void)unlinkat(dirfd, name, 0);
	/* a path of any length through the directory's fd: sun_path has 108 bytes */
	snprintf(sa.sun_path, sizeof(sa.sun_path), "/proc/self/fd/%d/%s", dirfd, name);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_sys(e, "make a socket");
	if (fchmod(fd, 0600) < 0 || bind(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0 || listen(fd, 64) < 0)
		return err_sys(e, "make the socket %s/%s", dir, name);
	return take_fd(&fd);
}

int jail_sock_reach(const struct os_jail *j, const char *name, struct err *e)
{
	_cleanup_close_ int s = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0), dir = -1;
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	struct timeval limit = { .tv_sec = WAIT_S };
	_cleanup_free_ char *path = strf("%s/jails/%s", j->run, j->jail);

	if (!path)
		return err_oom(e);
	dir = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (s < 0 || dir < 0)
		return err_sys(e, "reach %s of jail %s in %s", name, j->jail, path);
	(void)snprintf(sa.sun_path, sizeof(sa.sun_path), "/proc/self/fd/%d/%s", dir, name);
	(void)setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	(void)setsockopt(s, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	if (connect(s, (struct sockaddr *)&sa, sizeof(sa)) < 0)
		return err_sys(e, "reach jail %s at %s/%s", j->jail, path, name);
	return take_fd(&s);
}
