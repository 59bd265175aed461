/* hold_options.h - socket options that name an interface of the host. The broker sets them for a shared-IP jail's programs. */
#ifndef IOCAGE_BPF_HOLD_OPTIONS_H
#define IOCAGE_BPF_HOLD_OPTIONS_H

/* X(level, option): numbers, since the kernel's headers of these names and libc's do not go together. */
#define HOLD_OPTIONS(X)                         \
	X(1, 25) /* SO_BINDTODEVICE */          \
	X(1, 62) /* SO_BINDTOIFINDEX */         \
	X(0, 32) /* IP_MULTICAST_IF */          \
	X(0, 35) /* IP_ADD_MEMBERSHIP */        \
	X(0, 39) /* IP_ADD_SOURCE_MEMBERSHIP */ \
	X(0, 42) /* MCAST_JOIN_GROUP */         \
	X(0, 46) /* MCAST_JOIN_SOURCE_GROUP */  \
	X(0, 50) /* IP_UNICAST_IF */            \
	X(41, 17) /* IPV6_MULTICAST_IF */       \
	X(41, 20) /* IPV6_JOIN_GROUP */         \
	X(41, 27) /* IPV6_JOIN_ANYCAST */       \
	X(41, 42) /* MCAST_JOIN_GROUP */        \
	X(41, 46) /* MCAST_JOIN_SOURCE_GROUP */ \
	X(41, 76) /* IPV6_UNICAST_IF */

#endif
