/* broker_decode.h - what a seccomp notification asks for: from its raw record to a request. Pure, no system calls. */
#ifndef IOCAGE_OS_LINUX_BROKER_DECODE_H
#define IOCAGE_OS_LINUX_BROKER_DECODE_H

#include <linux/seccomp.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

enum broker_call {
	CALL_NONE, /* none that is known: refused */
	CALL_FAULT, /* its arguments cannot be read */
	CALL_SOCKET,
	CALL_BIND,
	CALL_LISTEN,
	CALL_CONNECT,
	CALL_IOCTL,
	CALL_SENDTO,
	CALL_SETSOCKOPT,
	CALL_HOSTNAME,
	CALL_DOMAINNAME,
	CALL_REBOOT,
};

/* What a process asked to happen to its jail, reboot(2): RESTART and RESTART2; HALT and POWER_OFF. */
enum ending { END_NONE, END_REBOOT, END_HALT };

/* One notification. Everything in it comes from a process that is not trusted. */
struct request {
	int listener;
	uint64_t id;
	pid_t pid; /* thread that waits */
	unsigned flags; /* enum broker_flags of the listener */
	enum broker_call call;
	bool compat; /* 32-bit: structures with pointers are smaller */
	bool by_memory; /* the arguments were in memory: the kernel would read them anew, and maybe others */
	uint64_t arg[6];
};

/* A socket address of one of the two families. */
union ip_name {
	struct sockaddr sa;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

#define NAME_LEN_MAX  128 /* of any socket address, for the kernel */
#define NAME6_LEN_MIN 24 /* without the scope, which came later */
#define HOST_LEN_MAX  64 /* __NEW_UTS_LEN */

/* Copies exactly n bytes of the caller's memory. 0 or -errno. */
typedef int (*broker_reader)(void *ctx, uint64_t at, void *buf, size_t n);

/* Fills compat, by_memory and arg; 32-bit callers' arguments are 32 bits wide then. */
enum broker_call broker_decode(const struct seccomp_data *d, broker_reader read, void *ctx, struct request *r);

/* Of a CALL_REBOOT. END_NONE: another command, or its magic numbers are wrong (EINVAL). */
enum ending broker_decode_reboot(const struct request *r);

/* How many bytes of a socket address of length len are worth reading: 0 when no address has that length. */
size_t broker_name_wanted(uint32_t len);
/* What was read: is it a whole address of one of the two families. */
bool broker_name_usable(const union ip_name *name, size_t n);
/*
 * What was read, the rest being zero: can a socket of that family be bound to it. 0, with the family filled in where the kernel
 * does not ask for it, or the kernel's -errno.
 */
must_check int broker_name_fits(int domain, size_t n, union ip_name *name);

#define IFCONF_MAX 65536 /* bytes of answer to SIOCGIFCONF; more than all addresses of a jail take */
#define IFCONF_RAW 16 /* bytes of struct ifconf, 8 of a 32-bit program's */

/* SIOCGIFCONF's head: room in the answer (at most IFCONF_MAX) and where it is. 0 or -EINVAL. */
must_check int broker_decode_ifconf(const uint8_t raw[static IFCONF_RAW], bool compat, int32_t *ret_len,
                                    uint64_t *ret_at);

#endif
