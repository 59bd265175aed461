/* confine_filter.h - what the jails' system call filter answers, where a jail's properties decide. For its generator, too. */
#ifndef IOCAGE_OS_LINUX_CONFINE_FILTER_H
#define IOCAGE_OS_LINUX_CONFINE_FILTER_H

#include <errno.h>
#include <linux/seccomp.h>
#include <stdint.h>

#define ANSWER_ALLOW    SECCOMP_RET_ALLOW
#define ANSWER_ERRNO(n) (SECCOMP_RET_ERRNO | (n))
#define ANSWER_EPERM    ANSWER_ERRNO(EPERM)
#define ANSWER_ENOSYS   ANSWER_ERRNO(ENOSYS)

/* The generated filter returns SLOT(X) where a property decides; confine.c puts the answer in its place. */
#define SLOT(name)      (SECCOMP_RET_TRAP | SLOT_##name)
#define IS_SLOT(answer) (((answer)&SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_TRAP)

#define CONFINE_SLOTS(X)                                                  \
	X(MOUNT) /* mounting */                                           \
	X(QUOTAS)                                                         \
	X(USERNS) /* new user namespaces */                               \
	X(NAMESPACES) /* new ones of other kinds, and joining any */      \
	X(CLONE3)                                                         \
	X(REBOOT)                                                         \
	X(MSG) /* System V IPC: its three parts */                        \
	X(SEM)                                                            \
	X(SHM)                                                            \
	X(AF) /* socket families and netlink protocols not listed */      \
	X(NETLINK) /* netlink protocols for a network stack of its own */ \
	X(UEVENT) /* news of devices */                                   \
	X(PACKET) /* packet sockets */                                    \
	X(PACKET_OLD) /* the same by IPv4's family (SOCK_PACKET) */       \
	X(XDP) /* packets past the stack */                               \
	X(RAW_SOCKET) /* raw sockets of IPv4 and IPv6 */                  \
	X(RAW_HEADER) /* IP headers written by the program */             \
	X(SOCKETOPT) /* options set by socketcall(2) */                   \
	X(SOCKETCALL) /* sockets made by socketcall(2) */                 \
	X(BROKER) /* what the socket broker does */                       \
	X(NETIOCTL) /* requests about interfaces that it does not */      \
	X(RAW) /* what it looks at if there are raw sockets */            \
	X(HOSTNAME) /* sethostname, setdomainname */

enum confine_slot {
#define SLOT_NUMBER(name) SLOT_##name,
	CONFINE_SLOTS(SLOT_NUMBER)
#undef SLOT_NUMBER
		SLOT_COUNT
};

#endif
