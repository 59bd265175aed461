/* conn.h - ending connections on an address that is taken away. */
#ifndef IOCAGE_OS_LINUX_CONN_H
#define IOCAGE_OS_LINUX_CONN_H

#include "core/addr.h"
#include "os/os.h"

/*
 * End the TCP connections whose own end is addr: their programs see ECONNABORTED instead of waiting for a timeout.
 * nsfd: in that network namespace, -1: in ours. j: only those of this shared-IP jail's sockets, NULL: all. Listeners stay.
 * Best effort: needs a kernel with CONFIG_INET_DIAG_DESTROY (sock_diag(7)).
 */
void conn_end(int nsfd, const struct os_jail *j, const struct ipaddr *addr);

#endif
