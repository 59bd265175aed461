/* caps.c - the short list of capabilities jails keep, and cutting a process down to it. */
#include "os/linux/caps.h"

#include <errno.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/jail.h"

#define BIT(cap) (UINT64_C(1) << (cap))

/* What an ordinary system's root needs for its own files, users and processes. All of it over the jail's ids only. */
#define CAPS_BASE                                                                                                 \
	(BIT(CAP_CHOWN) | BIT(CAP_DAC_OVERRIDE) | BIT(CAP_FOWNER) | BIT(CAP_FSETID) | BIT(CAP_KILL) |             \
	 BIT(CAP_SETGID) | BIT(CAP_SETUID) | BIT(CAP_SETPCAP) | BIT(CAP_NET_BIND_SERVICE) | BIT(CAP_SYS_CHROOT) | \
	 BIT(CAP_SETFCAP) | BIT(CAP_SYS_PTRACE))

/*
 * Not here although one may look for them: CAP_MKNOD and CAP_AUDIT_WRITE do nothing in a user namespace. CAP_SYS_ADMIN
 * would open far more than the host name: allow_set_hostname is answered from outside (os/linux/broker_name.c).
 */
uint64_t caps_for(unsigned allow, bool shared, bool real_init)
{
	uint64_t set = CAPS_BASE;

	/*
	 * A shared-IP jail's view belongs to the host: there CAP_NET_RAW opens nothing. It tells the socket broker which of
	 * the jail's processes may ask it for raw sockets, if the jail may. It is there even if not, because a file that
	 * has it (Debian's ping) could not be executed without, and ping needs it for nothing where it has ping sockets.
	 */
	set |= BIT(CAP_NET_RAW);
	if (!shared)
		set |= BIT(CAP_NET_ADMIN) | BIT(CAP_NET_BROADCAST);
	if (allow & ALLOW_MOUNT)
		set |= BIT(CAP_SYS_ADMIN);
	if (allow & ALLOW_MLOCK)
		set |= BIT(CAP_IPC_LOCK);
	if (allow & ALLOW_CHFLAGS)
		set |= BIT(CAP_LINUX_IMMUTABLE);
	if (real_init)
		set |= BIT(CAP_SYS_BOOT);
	return set;
}

int caps_keep(uint64_t set, struct err *e)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3, .pid = 0 };
	struct __user_cap_data_struct data[2] = { { .permitted = (uint32_t)set, .effective = (uint32_t)set },
		                                  { .permitted = (uint32_t)(set >> 32),
		                                    .effective = (uint32_t)(set >> 32) } };

	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0L, 0L, 0L) < 0)
		return err_sys(e, "clear the ambient capabilities");
	if (syscall(SYS_capset, &head, data) < 0)
		return err_sys(e, "limit the capabilities");
	return 0;
}

int caps_limit(uint64_t set, struct err *e)
{
	/* up to the last one this kernel knows, be it newer than our headers */
	for (unsigned long cap = 0; cap < 64; cap++) {
		if (set & BIT(cap))
			continue;
		if (prctl(PR_CAPBSET_DROP, cap, 0L, 0L, 0L) < 0) {
			if (errno == EINVAL && cap > CAP_LAST_CAP)
				break;
			return err_sys(e, "drop capability %lu from the bounding set", cap);
		}
	}
	return caps_keep(set, e);
}
