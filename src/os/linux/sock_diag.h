/* sock_diag.h - the kernel's own list of IP sockets, by netlink (sock_diag(7)). Internal to os/linux. */
#ifndef IOCAGE_OS_LINUX_SOCK_DIAG_H
#define IOCAGE_OS_LINUX_SOCK_DIAG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

/* Kernel's numbers (include/net/tcp_states.h), also those of other protocols. */
enum sock_state {
	SOCK_ESTABLISHED = 1,
	SOCK_SYN_SENT,
	SOCK_SYN_RECV,
	SOCK_FIN_WAIT1,
	SOCK_FIN_WAIT2,
	SOCK_TIME_WAIT,
	SOCK_CLOSED,
	SOCK_CLOSE_WAIT,
	SOCK_LAST_ACK,
	SOCK_LISTEN,
	SOCK_CLOSING,
	SOCK_NEW_SYN_RECV,
};

struct diag_sock {
	int family, proto; /* AF_*, IPPROTO_TCP or IPPROTO_UDP */
	bool v6only;
	unsigned state; /* enum sock_state */
	uint64_t inode; /* 0: no process has it, or not yet */
	uint64_t cgroup; /* id of the group it was made in; 0: not told */
	uint8_t local[16], peer[16]; /* network order, 4 or 16 bytes */
	uint16_t lport, pport; /* host order, as in the kernel: a jail's may be a hidden one */
};

/*
 * Call see for each TCP and UDP socket in one of the states (bits 1 << enum sock_state) of the network namespace nsfd (-1:
 * the current one; the caller stays where it is). A protocol that the kernel has no list for is left out.
 */
typedef void (*diag_fn)(const struct diag_sock *s, void *ctx);
must_check int diag_list(int nsfd, uint32_t states, diag_fn see, void *ctx, struct err *e);

#endif
