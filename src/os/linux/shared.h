/* shared.h - shared-IP jails on Linux: view links, the kernel's hold on sockets, and the socket broker. */
#ifndef IOCAGE_OS_LINUX_SHARED_H
#define IOCAGE_OS_LINUX_SHARED_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "core/hold.h"
#include "core/op.h"

/* --- view.c: interfaces of the view namespace --- */
/*
 * Make the link of a VIEW_ADD op (link, index, mtu, mac, flags as on the host) in the namespace nsfd: a device that goes
 * nowhere (dummy, else ifb, else veth). Also lo: up, without addresses. Called from the host's namespace.
 */
must_check int view_add(int nsfd, const struct op *op, struct err *e);
must_check int view_lo(int nsfd, struct err *e);
/* inherit.c: after these, the host's (as it is now) of the families that are inherited. host: a socket in its namespace. */
struct nl;
must_check int view_inherit(struct nl *host, int nsfd, bool v4, bool v6, struct err *e);
/* The same some time later: only what has changed. view: a socket in nsfd. */
must_check int view_inherit_again(struct nl *host, struct nl *view, int nsfd, bool v4, bool v6, struct err *e);
/* The addresses of one family of the namespace we are in, IPv4 as ::ffff:a.b.c.d. How many. */
size_t host_addrs(bool v4, uint8_t (*ret)[16], size_t cap);

/* --- view_follow.c: the view follows the host --- */
struct follow;
/*
 * From now on hear when one of the host's interfaces that the view (nsfd) shows changes, and make up for what changed before.
 * Called from the host's namespace. v4, v6: these are inherited, so all the host's addresses of the family are shown.
 */
must_check int follow_open(int nsfd, bool v4, bool v6, struct follow **ret, struct err *e);
int follow_fd(const struct follow *f); /* readable, or an interface was added to the view: call follow_serve() */
void follow_serve(struct follow *f);
/*
 * Of addresses, too: it always hears of those that go from interfaces of the view or the loopback. all: of whatever happens to any
 * interface or address, as long as something is awaited that is not there.
 */
void follow_hear(struct follow *f, bool all);
void follow_close(struct follow *f);

/* --- hold.c: cgroup BPF --- */
/*
 * Hold every socket made in the cgroup (directory fd, cgroup2) and below to h. Programs are loaded and pinned once per
 * host by the helper program beside us (libexec: iocage-bpf), here they are only opened and attached. The attachments die
 * with the cgroup.
 */
/* Directory of the helper program; kept, not copied. */
void hold_set_libexec(const char *dir);
must_check int hold_attach(int cgroupfd, const struct hold *h, struct err *e);
/* Replace what a live jail is held to, at once. */
must_check int hold_update(int cgroupfd, const struct hold *h, struct err *e);
/* How many sockets a running jail (its control group, relative to the mount) has made and not closed yet, and may have. */
struct hold_used {
	uint32_t socks, socks_max, udp, udp_max; /* udp: those among them */
};
must_check int hold_used(const char *rel, struct hold_used *ret, struct err *e);
/* The ports the host's kernel chooses from, both ends included; may be changed at any time. */
void hold_port_range(uint16_t *ret_low, uint16_t *ret_high);
/* The text of /proc/sys/net/ipv4/ip_local_port_range. false, and nothing is set: it is none. */
bool hold_port_range_parse(const char *text, unsigned *ret_low, unsigned *ret_high);
/* The jail has ended and its control group (relative to the mount) goes: so does what the maps keep of it. */
must_check int hold_end(const char *rel, struct err *e);
/*
 * Where several versions of the programs are pinned in this network namespace (iocage was upgraded while jails ran),
 * remove those that no jail uses any more. Called when a control group has been removed.
 */
void hold_sweep(void);

/* --- broker.c: answers socket(2) and friends of a jail --- */
struct broker;
/*
 * nsfd: the view namespace. The calling process is in the host's network namespace and in a cgroup below the jail's held
 * cgroup, so that sockets it makes are held. h is copied.
 */
must_check int broker_open(int nsfd, const struct hold *h, struct broker **ret, struct err *e);
/* From now on held to this; h is copied. */
void broker_hold(struct broker *b, const struct hold *h);
/* Which user namespace is the jail's: that of its first process. */
must_check int broker_know_jail(struct broker *b, pid_t pid, struct err *e);
/* What is known of the processes behind a listener: it follows from what the jail is allowed. */
enum broker_flags {
	BROKER_ROAMS = 1 << 0, /* they can make namespaces of their own, so it is looked which one a caller is in */
	BROKER_ANY_AF = 1 << 1, /* they may have sockets of any family */
	BROKER_RENAMES = 1 << 2, /* they may change the jail's host name */
};
unsigned broker_flags_for(unsigned allow); /* allow: enum allow_flags */

/* Once for each seccomp listener fd. */
void broker_listen_to(int listener);
/* Answer one request that is waiting on a listener: after poll(2) said POLLIN. flags: enum broker_flags. */
void broker_serve(struct broker *b, int listener, unsigned flags);
void broker_close(struct broker *b);
/* The id of the cgroup2 group the calling process is in. */
must_check int broker_own_group(uint64_t *ret, struct err *e);

/* broker_run.c: a process of its own, child of the monitor, that does nothing else */
struct broker_fds {
	int jail; /* pidfd of the jail's first process, which is in its user namespace */
	int listener; /* see os/linux/monitor.h */
	int control; /* SOCK_SEQPACKET, the monitor's other end: messages as to the monitor, each answered by 'k' or 'n' */
	int nat; /* SOCK_SEQPACKET: struct nat_ask to the monitor, answered likewise */
};
/* Give up all rights that are not needed, and serve until the jail or the monitor (parent) ends. 0 or -errno. */
must_check int broker_run(struct broker *b, const struct broker_fds *f, unsigned flags, pid_t parent, struct err *e);

#endif
