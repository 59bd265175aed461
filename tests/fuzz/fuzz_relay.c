/* fuzz_relay.c - packets to groups, as the packet filter tells the monitor of them: the header found is inside, its sum right. */
#include "os/linux/relay_udp.h"

#include <netinet/ip.h>
#include <netinet/ip6.h>

#include "fuzz.h"

#define BEHIND 64 /* bytes behind the packet that must stay as they are */

/* One's complement sum of RFC 1071 in its plainest form. */
static uint32_t add(uint32_t s, const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		s += i % 2 ? p[i] : (uint32_t)p[i] << 8;
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	return s;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static _Alignas(4) uint8_t packet[65536];
	size_t at, udp_len, addrs_len;
	const uint8_t *addrs;
	struct udphdr *u;
	bool v4 = false;

	if (size > sizeof(packet) - BEHIND)
		return 0;
	memcpy(packet, data, size);
	memset(packet + size, 0xa5, BEHIND);
	u = relay_udp(packet, size, &v4);
	if (!u)
		return 0;
	at = (size_t)((uint8_t *)u - packet);
	must(at >= (v4 ? sizeof(struct iphdr) : sizeof(struct ip6_hdr)));
	must(at + sizeof(*u) <= size);
	must(packet[0] >> 4 == (v4 ? 4 : 6));
	udp_len = size - at;
	addrs = packet + (v4 ? offsetof(struct iphdr, saddr) : offsetof(struct ip6_hdr, ip6_src));
	addrs_len = v4 ? 8 : 32;
	relay_checksum(u, udp_len, addrs, addrs_len);
	must(u->check != 0);
	must(add(add(add(IPPROTO_UDP + (uint32_t)(udp_len & 0xffff), addrs, addrs_len), packet + at, udp_len), NULL,
	         0) == 0xffff);
	for (size_t i = size; i < size + BEHIND; i++)
		must(packet[i] == 0xa5);
	return 0;
}
