/* udp_nat.h - in the monitor: UDP sockets that have another port in the kernel than in their jail. */
#ifndef IOCAGE_OS_LINUX_UDP_NAT_H
#define IOCAGE_OS_LINUX_UDP_NAT_H

#include <stdbool.h>
#include <stdint.h>

#include "bpf/hold_abi.h"
#include "core/hold.h"

/* What the broker, which has no rights over the host's network, asks the monitor. */
struct nat_ask {
	struct hold_port_key key; /* what the sockets are bound as */
	uint16_t real; /* their port in the kernel; 0: asks only whether there could be one more */
	uint16_t own; /* enum nat_own: something else */
	uint16_t seq; /* comes back with the answer */
	uint16_t pad;
};

enum nat_own {
	NAT_OWN_PORT = 1, /* the TCP socket that comes along shall have its own port on key.addr (own_port.h) */
	NAT_NO_SOCKETS, /* the log shall say that a bound was met: the jail has as many sockets as it may have */
	NAT_NO_PORTS, /* no hidden port is free */
	NAT_REBOOT, /* root in the jail called reboot(2): it is to end and start again */
	NAT_HALT, /* to end */
};

enum nat_what {
	NAT_DONE = 'k',
	NAT_RELAYED = 'r', /* and what goes to groups is heard on that port, too */
	NAT_REFUSED = 'n',
	NAT_FULL = 'f', /* as many as there can be */
	NAT_NEVER = 'u', /* this kernel cannot */
};

struct nat_answer {
	char what; /* enum nat_what */
	char pad;
	uint16_t seq;
};

struct nat;

struct nat_heard {
	const char *met; /* NULL, or what the jail's log is to say: a bound was met */
	unsigned end; /* NAT_REBOOT, NAT_HALT, or 0 */
};

/*
 * Take one question from sock and answer it. *t: NULL before the first, made when it is needed. h: what the jail is held to.
 * False: nobody will ask any more.
 */
bool nat_serve(struct nat **t, int sock, const struct hold *h, struct nat_heard *ret);
/* An fd that is readable when a translated socket has closed: call nat_rung() then. -1: none, for now. */
int nat_bell(const struct nat *t);
void nat_rung(struct nat *t, const struct hold *h);
/* After a change of the jail's addresses. */
void nat_refresh(struct nat *t, const struct hold *h);

#endif
