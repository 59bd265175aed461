/* user.h - who a command runs as inside a jail. Internal to os/linux. */
#ifndef IOCAGE_OS_LINUX_USER_H
#define IOCAGE_OS_LINUX_USER_H

#include <limits.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"

#define USER_GROUPS_MAX 256
#define USER_ID_MAX     65535U /* jails have the ids 0 to 65535 */

struct user {
	uid_t uid;
	gid_t gid, groups[USER_GROUPS_MAX];
	size_t ngroups;
	char name[256], home[PATH_MAX], shell[PATH_MAX];
};

/* By the host's user database (NSS). A group the jail has no id for is left out. */
must_check int user_on_host(const char *name, struct user *ret, struct err *e);

/*
 * By /etc/passwd and /etc/group as the calling process sees them: it is inside the jail, as its root. A number is a uid,
 * which need not be in passwd. Only regular files of at most 4 MiB are read. -ENOENT when there is no such user.
 */
must_check int user_in_jail(const char *name, struct user *ret, struct err *e);
/* The same, of what these files hold (NULL: there is none); both are cut up. */
must_check int user_in_text(char *passwd, char *group, const char *name, struct user *ret, struct err *e);

#endif
