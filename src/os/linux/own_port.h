/* own_port.h - in the monitor: gives a jail's TCP socket the port it asked for although the host uses it too. */
#ifndef IOCAGE_OS_LINUX_OWN_PORT_H
#define IOCAGE_OS_LINUX_OWN_PORT_H

#include <stdbool.h>
#include <stdint.h>

#include "core/hold.h"

/*
 * Bind sock (of the jail whose group we are in, about to connect) to addr (::ffff:a.b.c.d for IPv4) and the port it has in
 * its jail. A connection is known by both its ends, so the host's own sockets on the port are in nobody's way.
 */
bool own_port_bind(int sock, const uint8_t addr[16], const struct hold *h);

#endif
