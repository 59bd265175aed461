/* relay_udp.h - in the monitor: the UDP header of a packet that the packet filter told of. */
#ifndef IOCAGE_OS_LINUX_RELAY_UDP_H
#define IOCAGE_OS_LINUX_RELAY_UDP_H

#include <netinet/udp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The UDP header in a whole IPv4 or IPv6 packet of len bytes, aligned to 4; NULL: it is no such packet, cut off, a fragment
 * (RFC 791, 3.2), or has IPv6 extension headers (RFC 8200, 4). Points into packet.
 */
struct udphdr *relay_udp(uint8_t *packet, size_t len, bool *ret_v4);
/*
 * RFC 768, RFC 8200 8.1. u and its payload: len bytes; addrs: source and destination as they follow each other, addrs_len
 * bytes. What came from this host itself has no checksum yet, so it is made anew in any case.
 */
void relay_checksum(struct udphdr *u, size_t len, const void *addrs, size_t addrs_len);

#endif
