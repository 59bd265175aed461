/* lease_hook.h - what a DHCP client's hook and the program iocage-lease agree on. Internal to os/linux. */
#ifndef IOCAGE_OS_LINUX_LEASE_HOOK_H
#define IOCAGE_OS_LINUX_LEASE_HOOK_H

/* in clients (udhcpc has 3 and 4 for itself) and hooks: datagrams, EVENT NEWLINE and the lease as of core/lease.h */
#define LEASE_FD_HOOK 10
#define LEASE_HOOK    "/hook" /* the hook's program, in the keeper's root */

#endif
