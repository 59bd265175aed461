/* broker_name.c - the jail's host and domain name, changed on behalf of its root. */
#include <errno.h>
#include <sched.h>
#include <unistd.h>

#include "core/jail.h"
#include "os/linux/broker.h"

#define CAP_BIT_SETUID 7 /* what a jail's root has and its other users have not; CAP_SYS_ADMIN no jail has */

unsigned broker_flags_for(unsigned allow)
{
	unsigned flags = 0;

	/* a user namespace, or CAP_SYS_ADMIN in the jail's own, is what a network namespace is made with */
	if (allow & (ALLOW_NESTED | ALLOW_MOUNT))
		flags |= BROKER_ROAMS;
	if (allow & ALLOW_SOCKET_AF)
		flags |= BROKER_ANY_AF;
	if (allow & ALLOW_SET_HOSTNAME)
		flags |= BROKER_RENAMES;
	return flags;
}

/* The broker's process is in the jail's UTS namespace, whose owner is the jail's user namespace. */
enum answer broker_hostname(struct broker *b, const struct request *r, int64_t *ret)
{
	size_t len = (uint32_t)r->arg[1];
	char name[HOST_LEN_MAX];

	*ret = -EPERM;
	/* a process in a user namespace of its own may have a host name of its own too, which is its business alone */
	if (!broker_in_jail_userns(b, r))
		return ANSWER_CONTINUE;
	if (!(r->flags & BROKER_RENAMES) || !broker_capable(b, r, CAP_BIT_SETUID))
		return ANSWER_VALUE;
	*ret = -EINVAL;
	if (len > sizeof(name))
		return ANSWER_VALUE;
	*ret = broker_read(r, r->arg[0], name, len);
	if (*ret < 0)
		return ANSWER_VALUE;
	*ret = r->call == CALL_HOSTNAME ? sethostname(name, len) : setdomainname(name, len);
	if (*ret < 0)
		*ret = -errno;
	return ANSWER_VALUE;
}

enum answer broker_fault(struct broker *b, const struct request *r, int64_t *ret)
{
	(void)b;
	(void)r;
	*ret = -EFAULT;
	return ANSWER_VALUE;
}
