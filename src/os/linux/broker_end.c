/* broker_end.c - a process of the jail asks for its end: reboot(2). */
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#include "os/linux/broker.h"

#define CAP_BIT_SETUID 7 /* what a jail's root has and its other users have not */

/*
 * The jail's pid namespace is owned by the host's user namespace, so the kernel would refuse: pid_namespaces(7). One that a
 * process of the jail has made is the kernel's to end. Which one a thread is in never changes.
 */
static bool in_own_pidns(struct broker *b, const struct request *r)
{
	char path[40];
	struct stat st;

	(void)snprintf(path, sizeof(path), "%d/ns/pid", (int)r->pid);
	return fstatat(b->proc, path, &st, 0) == 0 && (st.st_ino != b->pid_ino || st.st_dev != b->pid_dev);
}

enum answer broker_reboot(struct broker *b, const struct request *r, int64_t *ret)
{
	enum ending how = broker_decode_reboot(r);

	if ((r->flags & BROKER_ROAMS) && in_own_pidns(b, r))
		return ANSWER_CONTINUE;
	*ret = -EPERM;
	if (!broker_capable(b, r, CAP_BIT_SETUID))
		return ANSWER_VALUE;
	*ret = how == END_NONE ? -EINVAL : broker_end(b, how);
	return ANSWER_VALUE;
}
