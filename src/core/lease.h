/* lease.h - what a DHCP client was given (RFC 2131), from the text its hook is told; and the resolv.conf it makes. Pure. */
#ifndef IOCAGE_CORE_LEASE_H
#define IOCAGE_CORE_LEASE_H

#include "core/addr.h"

#define LEASE_DNS      3 /* resolv.conf(5) takes no more */
#define LEASE_DOMAIN   256
#define LEASE_SEARCH   6
#define LEASE_TEXT_MAX 4096
#define LEASE_FOREVER  0xffffffffU

struct lease {
	char ifname[IFNAME_CAP];
	struct ipaddr addr; /* with its prefix */
	struct ipaddr router; /* family 0: none given */
	struct ipaddr dns[LEASE_DNS];
	size_t ndns;
	char domain[LEASE_DOMAIN]; /* "" = none */
	char search[LEASE_SEARCH][LEASE_DOMAIN];
	size_t nsearch;
	uint32_t seconds; /* at least 1; LEASE_FOREVER */
};

/* The names udhcpc(8) gives them: what of a hook's environment makes the text below. */
#define LEASE_KEYS "interface", "ip", "mask", "subnet", "router", "dns", "domain", "search", "lease"
/* The same, NULL-terminated. */
extern const char *const lease_keys[];

/*
 * NAME=VALUE lines as in udhcpc's environment: interface, ip, mask or subnet, router, dns, domain, search, lease. All of
 * it came from the network. Without a usable address or time it is no lease (-EINVAL); a router, name server or domain
 * that cannot be is left out.
 */
must_check int lease_parse(const char *text, struct lease *ret, struct err *e);

struct sbuf;
/* As lines that lease_parse() reads to the same lease. */
void lease_format(const struct lease *l, struct sbuf *out);

/* resolv.conf of several leases (those NULL are skipped), the first one first. Empty when none names a server. */
void lease_resolv(const struct lease *const *l, size_t n, struct sbuf *out);

#endif
