/* broker.h - private to the parts of the socket broker: one request, and how it is answered. */
#ifndef IOCAGE_OS_LINUX_BROKER_H
#define IOCAGE_OS_LINUX_BROKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/hold.h"
#include "os/linux/broker_decode.h"
#include "os/linux/hold.h"
#include "os/linux/shared.h"

#define BROKER_GROUPS 256
/* broker_hidden.c: which ports the host's kernel chooses from, as it was read last. */
struct broker_ports {
	int range, reserved; /* files of /proc/sys, -1: not there */
	unsigned low, high;
	uint16_t last[2]; /* hidden port given last: TCP, UDP */
	uint32_t seed; /* never 0 */
	uint8_t set_aside[8192]; /* a bit a port */
	char text[4096]; /* that they were read from */
};

struct broker {
	struct hold h;
	struct hold_maps maps;
	uint64_t jail; /* id of the group our sockets are made in */
	uint64_t host_cookie; /* of the host's network namespace */
	dev_t view_dev; /* which namespace the jail's processes are in */
	ino_t view_ino;
	dev_t user_dev; /* the jail's user namespace; 0: not looked at */
	ino_t user_ino;
	dev_t pid_dev; /* the jail's pid namespace */
	ino_t pid_ino;
	uid_t owner; /* who owns it, as the host numbers users */
	int view; /* that namespace, kept open */
	int view_sock; /* a datagram socket in it */
	int proc; /* /proc */
	int port_start; /* net.ipv4.ip_unprivileged_port_start of the host */
	uid_t own_uid; /* whose the sockets are that we make, in our user namespace */
	gid_t own_gid;
	int test_sock; /* any socket of the host's namespace */
	int nat; /* where the monitor is asked for what takes rights; -1: it cannot be any more */
	const uint8_t *sent; /* the page of the map hold_sent */
	unsigned named; /* TCP sockets that have got a port in the jail and neither listen nor connect yet (or are gone) */
	struct broker_ports ports;
	time_t told; /* monotonic seconds: when the monitor was last told that a bound was met; 0: never */
	uint16_t asked; /* number of the last question to it */
	bool no_nat; /* the monitor has said that this kernel cannot */
	struct broker_group { /* multicast groups joined; never more than these */
		uint8_t addr[16];
		uint32_t index;
	} groups[BROKER_GROUPS];
	size_t ngroups;
	bool wild_udp; /* some socket was bound to a wildcard that is one in the kernel too */
};

/* What to do with the waiting call. */
enum answer {
	ANSWER_SENT, /* done already, or the process is gone */
	ANSWER_CONTINUE, /* let the kernel do it: only where that is safe whatever memory holds by then */
	ANSWER_VALUE, /* *ret is the result: >= 0 or -errno */
};

enum answer broker_socket(struct broker *b, const struct request *r, int64_t *ret);
enum answer broker_bind(struct broker *b, const struct request *r, int64_t *ret);
enum answer broker_listen(struct broker *b, const struct request *r, int64_t *ret);
enum answer broker_connect(struct broker *b, const struct request *r, int64_t *ret);
/* Only notified in jails with raw sockets. */
enum answer broker_sendto(struct broker *b, const struct request *r, int64_t *ret);
enum answer broker_ioctl(struct broker *b, const struct request *r, int64_t *ret);
/* broker_option.c: options that name an interface (bpf/hold_options.h) */
enum answer broker_option(struct broker *b, const struct request *r, int64_t *ret);
/* broker_end.c: reboot(2) */
enum answer broker_reboot(struct broker *b, const struct request *r, int64_t *ret);
/* broker_name.c */
enum answer broker_hostname(struct broker *b, const struct request *r, int64_t *ret);
enum answer broker_fault(struct broker *b, const struct request *r, int64_t *ret);

/* When its rights are given up: whose are the sockets that it makes. */
must_check int broker_know_self(struct broker *b, struct err *e);

/* Is the caller still in the jail's own network namespace. If not, it may do what it likes there. */
bool broker_in_view(struct broker *b, const struct request *r);

/* Copy exactly n bytes from or to the caller. 0 or -errno. A copy from is of a caller known to be the one that asked. */
must_check int broker_read(const struct request *r, uint64_t at, void *buf, size_t n);
must_check int broker_write(const struct request *r, uint64_t at, const void *buf, size_t n);

/* Our own fd of the caller's; -ENOTSOCK when it is no socket of the host's namespace, else -errno: it cannot be told. */
must_check int broker_fetch(struct broker *b, const struct request *r, int fd);

/* The same for a socket of any kind and namespace. -ENOTTY: it is none. */
must_check int broker_fetch_any(struct broker *b, const struct request *r, int fd);

/* Is the caller in the jail's own user namespace. */
bool broker_in_jail_userns(struct broker *b, const struct request *r);

/* Has the calling thread this capability over the jail. */
bool broker_capable(struct broker *b, const struct request *r, unsigned cap);

/* broker_bind.c: give a held TCP or UDP socket an address as FreeBSD would. `priv`: the caller may have the port. 0 or -errno. */
int broker_bind_held(struct broker *b, int sock, int proto, const union ip_name *to, bool priv);
/*
 * A TCP socket is about to listen: it gets a hidden port, and one without a name the wildcard first. 0, or -errno; one that has
 * a real port, to connect from it, is refused.
 */
must_check int broker_bind_to_listen(struct broker *b, int sock);
/* A TCP socket that only has its name in the jail is about to connect: it gets the port it asked for in the kernel too. */
void broker_connect_named(struct broker *b, int sock, const union ip_name *to);
/* Connect a UDP socket: one that is bound to a wildcard leaves from the jail's address. 0 or -errno. */
int broker_connect_udp(struct broker *b, int sock, const union ip_name *to);
/*
 * broker_hidden.c: ports that a socket has in the kernel only. They are outside the host's ephemeral range and not among those it
 * has reserved, as both are now: how many there are; one after the other, of which the caller takes the first that is free.
 */
void broker_ports_open(struct broker *b);
unsigned broker_hidden_start(struct broker *b);
uint16_t broker_hidden_next(struct broker *b, int proto);
/* A port for who asks for any: one of the ephemeral range, nothing is known of it. */
uint16_t broker_any_port(struct broker *b);
/* Enter a listening (or wildcard datagram) socket where packets are steered from. 0 or -errno. */
int broker_steer(struct broker *b, int sock);

/*
 * Ask the monitor to let packets of the sockets bound as `key` leave from the port they show, until the last of them is
 * closed. real 0: whether it could. 0; 1: and what goes to groups is relayed to that port; -ENOBUFS: there is no room for
 * one more (or the monitor does not answer); -EOPNOTSUPP: this kernel cannot.
 */
must_check int broker_translate(struct broker *b, const struct hold_port_key *key, uint16_t real);
/* A bound was met: there are as many sockets as there may be, or no hidden port is free. The log says so. -ENOBUFS. */
int broker_full(struct broker *b, bool sockets);
/* Tell the monitor that the jail is to end. 0, or -EPERM: it cannot be told. */
must_check int broker_end(struct broker *b, enum ending how);
/* Ask the monitor to bind a TCP socket to addr and its own port, although somebody else has the port. 0 or -errno. */
must_check int broker_own_port(struct broker *b, int sock, const uint8_t addr[16]);

#endif
