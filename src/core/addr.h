/* addr.h - IP addresses, prefixes and MAC addresses as values; parsing and printing. Pure. */
#ifndef IOCAGE_CORE_ADDR_H
#define IOCAGE_CORE_ADDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define IFNAME_CAP  16 /* IFNAMSIZ, with the NUL, on Linux and FreeBSD */
#define IPADDR_TEXT 96

/* family is 4 or 6 (never AF_*: those differ between systems), 0 = no address. Bytes in network order. */
struct ipaddr {
	uint8_t family;
	uint8_t prefix; /* 0..32 or 0..128; meaningful when has_prefix */
	bool has_prefix;
	uint8_t b[16]; /* 4 or 16 of them used, the rest zero */
	char zone[IFNAME_CAP]; /* IPv6 scope, "" = none */
};

struct macaddr {
	uint8_t b[6];
	bool set;
};

/*
 * Parse "10.0.0.5", "10.0.0.5/24", "10.0.0.5/255.255.255.0", "2001:db8::1/64", "fe80::1%em0/64". family 4, 6, or 0 for
 * either. Strict: no short forms, no blanks, prefix in range, contiguous mask. 0 or negative with a one-line reason.
 */
must_check int ipaddr_parse(const char *s, int family, struct ipaddr *ret, struct err *e);

/* "10.0.0.5/24" (prefix only when has_prefix). buf of IPADDR_TEXT always suffices. Returns buf. */
const char *ipaddr_format(const struct ipaddr *a, char buf[static IPADDR_TEXT]);
/* The same without prefix. */
const char *ipaddr_format_host(const struct ipaddr *a, char buf[static IPADDR_TEXT]);

bool ipaddr_same_host(const struct ipaddr *a, const struct ipaddr *b); /* family and bytes (and zone) */
bool ipaddr_in_prefix(const struct ipaddr *a, const struct ipaddr *net); /* net's prefix applied to both */
unsigned ipaddr_max_prefix(const struct ipaddr *a); /* 32 or 128 */

/* With how many bits a and b begin alike, at most max; and from..max-1 of b made zero. max: of both buffers, in bits. */
unsigned bits_common(const uint8_t *a, const uint8_t *b, unsigned max);
void bits_clear(uint8_t *b, unsigned from, unsigned max);

/* "02:ff:60:6a:86:aa", also with '-' or without separators. */
must_check int mac_parse(const char *s, struct macaddr *ret, struct err *e);
const char *mac_format(const struct macaddr *m, char buf[static 18]);

/*
 * The stable pair of a jail NIC: host end and jail end (host end + 1). Derived from host id, jail and NIC names, so the
 * same on every start and different on every host. prefix: 6 hex digits or NULL; result is locally administered unicast.
 */
void mac_derive(const char *host_id, const char *jail, const char *nic, const char *prefix, struct macaddr *ret_host,
                struct macaddr *ret_jail);

/* Is s a usable interface name: 1..15 characters, no blank, '/', ':' or '|', not "." or "..". */
bool ifname_valid(const char *s);
/* The loopback, by its name on Linux or on FreeBSD: "lo", "lo0". */
bool ifname_is_loopback(const char *s);
/* Are both names of one interface: the same, or both the loopback's. */
bool ifname_same(const char *a, const char *b);

#endif
