/* relay.h - in the monitor: packets to groups and to all, given to UDP sockets that have another port in the kernel. */
#ifndef IOCAGE_OS_LINUX_RELAY_H
#define IOCAGE_OS_LINUX_RELAY_H

#include <stdbool.h>
#include <stdint.h>

#include "os/linux/hold.h"

/*
 * The kernel gives such a packet to every socket on its port, so it cannot be translated: the host's own may want it too.
 * The packet filter tells of it (the log group), and it is sent once more to the real port; that copy stays on this host.
 */
struct relay;

/* NULL where the kernel cannot. */
struct relay *relay_open(const struct hold_maps *m, uint64_t jail);
uint16_t relay_group(const struct relay *r); /* where the packet filter is to log packets to */
int relay_fd(const struct relay *r); /* readable: call relay_serve() */
/* ports: the real ports (at most cap) of sockets that hear what goes to the port shown; how many. */
typedef unsigned (*relay_ports)(void *ctx, bool v4, uint16_t shown, uint16_t *ret, unsigned cap);
void relay_serve(struct relay *r, relay_ports ports, void *ctx);
void relay_close(struct relay *r);

#endif
