/* nat.h - jails behind the host's address: their networks, forwarded ports, and the rules as text for nft(8). Pure. */
#ifndef IOCAGE_CORE_NAT_H
#define IOCAGE_CORE_NAT_H

#include "core/op.h"

/* A range of ports: count ports from host on, of the host, are those from jail on, of the jail. */
struct nat_forward {
	bool udp; /* else tcp */
	uint16_t host, jail;
	unsigned count; /* 1..65535 */
};

/*
 * nat_forwards: PORT, PROTO(PORTS), PROTO(JAIL:HOST), joined by commas; "none" gives 0. tcp/udp gives two entries. A port of
 * the host can be given once. *ret owned by the caller (free).
 */
must_check int nat_forwards_parse(const char *value, struct nat_forward **ret, size_t *ret_n, struct err *e);

/* Networks in a nat_prefix: one for the host's end and the jail's, each (/30). */
#define NAT_NETWORKS 16384u
/* Address of the jail in network i of "172.16", with its prefix length. false: not a prefix. */
bool nat_network(const char *prefix, unsigned i, struct ipaddr *ret);
/* Which network of the prefix an address is in; NAT_NETWORKS: none. */
unsigned nat_network_of(const char *prefix, const struct ipaddr *a);
/* The host's end, the jail's default router. */
struct ipaddr nat_router(const struct ipaddr *jail);

/* --- rules: table inet iocage. Names of what one jail (OP_NAT, OP_NAT_DEL) has in it --- */
#define NAT_CHAIN_CAP    80
#define NAT_MAP_PORTS    "ports"
#define NAT_CHAIN_PREFIX "jail-" /* of the chain that ports lead to; the jail's name follows */
void nat_chains(const struct op *op, char ports[static NAT_CHAIN_CAP], char out[static NAT_CHAIN_CAP],
                char in[static NAT_CHAIN_CAP]);

/* What makes the rules of an OP_NAT, whatever is there of them; ports it no longer has are not looked for. */
must_check int nat_rules(const struct op *op, struct sbuf *out, struct err *e);

#endif
