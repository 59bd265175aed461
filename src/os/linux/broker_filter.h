/* broker_filter.h - which system calls of a shared-IP jail's processes are answered by the broker. */
#ifndef IOCAGE_OS_LINUX_BROKER_FILTER_H
#define IOCAGE_OS_LINUX_BROKER_FILTER_H

#include "bpf/hold_options.h" /* and these of setsockopt */

/*
 * X(system call, argument compared or -1, value). The kernel looks at the low 32 bits of these arguments only, so the
 * comparison must too: (argument & 0xffffffff) == value. For every architecture a process may use, 32-bit ones too;
 * socketcall exists on some of them only. Everything here is USER_NOTIF, with SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV.
 */
#define BROKER_NOTIFY(X)                                     \
	X(socket, 0, 2) /* AF_INET */                        \
	X(socket, 0, 10) /* AF_INET6 */                      \
	X(bind, -1, 0)                                       \
	X(listen, -1, 0)                                     \
	X(connect, 2, 16) /* sockaddr_in */                  \
	X(connect, 2, 28) /* sockaddr_in6 */                 \
	X(connect, 2, 128) /* either, in sockaddr_storage */ \
	X(socketcall, 0, 1) /* SYS_SOCKET */                 \
	X(socketcall, 0, 2) /* SYS_BIND */                   \
	X(socketcall, 0, 3) /* SYS_CONNECT */                \
	X(socketcall, 0, 4) /* SYS_LISTEN */                 \
	X(socketcall, 0, 14) /* SYS_SETSOCKOPT */            \
	X(ioctl, 1, 0x8910) /* SIOCGIFNAME */                \
	X(ioctl, 1, 0x8912) /* SIOCGIFCONF */                \
	X(ioctl, 1, 0x8913) /* SIOCGIFFLAGS */               \
	X(ioctl, 1, 0x8915) /* SIOCGIFADDR */                \
	X(ioctl, 1, 0x8917) /* SIOCGIFDSTADDR */             \
	X(ioctl, 1, 0x8919) /* SIOCGIFBRDADDR */             \
	X(ioctl, 1, 0x891b) /* SIOCGIFNETMASK */             \
	X(ioctl, 1, 0x891d) /* SIOCGIFMETRIC */              \
	X(ioctl, 1, 0x8921) /* SIOCGIFMTU */                 \
	X(ioctl, 1, 0x8927) /* SIOCGIFHWADDR */              \
	X(ioctl, 1, 0x8933) /* SIOCGIFINDEX */               \
	X(ioctl, 1, 0x8942) /* SIOCGIFTXQLEN */              \
	X(ioctl, 1, 0x8946) /* SIOCETHTOOL */                \
	X(ioctl, 1, 0x8954) /* SIOCGARP */                   \
	X(ioctl, 1, 0x8970) /* SIOCGIFMAP */

/*
 * More for jails with raw sockets: the source of a header that a program wrote itself is looked at. sendmsg is not here,
 * so that a process can pass its listener on; the kernel drops such a packet then without the right errno.
 */
#define BROKER_NOTIFY_RAW(X) X(sendto, -1, 0)

/* For jails that may change their host name. */
#define BROKER_NOTIFY_NAMES(X) X(sethostname, -1, 0) X(setdomainname, -1, 0)

#endif
