/* hostnet.h - the host's own network on Linux: sysctls, and who else configures interfaces. */
#ifndef IOCAGE_OS_LINUX_HOSTNET_H
#define IOCAGE_OS_LINUX_HOSTNET_H

#include "core/op.h"

/* OP_SYSCTL: write text to /proc/sys/NAME. */
must_check int host_sysctl_set(const struct op *op, struct err *e);

/*
 * Who configures the interface: "systemd-networkd (/run/systemd/netif/links/2)" and the like into buf; "" = nobody that
 * we know of. Looks at what NetworkManager, systemd-networkd, ifupdown and netplan leave in files.
 */
void host_manager(const char *name, unsigned index, char *buf, size_t cap);

/* What these files say, by itself. The value of KEY=VALUE in a file of such lines; "" when it is not there. */
void manager_value(const char *text, const char *key, char *buf, size_t cap);
/* "iface NAME inet METHOD": `manual` leaves the interface to others, so it is no reason. */
bool manager_interfaces(const char *text, const char *name);
/* "  em0:" as a key somewhere below. */
bool manager_netplan(const char *text, const char *name);

/* Does the interface send by radio. */
bool host_wireless(const char *name, unsigned index);

#endif
