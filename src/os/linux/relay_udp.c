/* relay_udp.c - where the UDP header of a packet is that came from anywhere, and its checksum made anew. */
#include "os/linux/relay_udp.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>

static uint32_t sum(uint32_t s, const void *data, size_t len)
{
	const uint8_t *p = data;

	for (; len > 1; p += 2, len -= 2)
		s += (uint32_t)p[0] << 8 | p[1];
	return len ? s + ((uint32_t)p[0] << 8) : s;
}

void relay_checksum(struct udphdr *u, size_t len, const void *addrs, size_t addrs_len)
{
	uint32_t s = IPPROTO_UDP + (uint32_t)len;

	u->check = 0;
	s = sum(sum(s, addrs, addrs_len), u, len);
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	s = ~s & 0xffff;
	u->check = htons((uint16_t)(s ? s : 0xffff));
}

struct udphdr *relay_udp(uint8_t *packet, size_t len, bool *ret_v4)
{
	const struct iphdr *ip = (const struct iphdr *)(const void *)packet;
	const struct ip6_hdr *ip6 = (const struct ip6_hdr *)(const void *)packet;
	size_t at;

	if (len < sizeof(*ip))
		return NULL;
	*ret_v4 = ip->version == 4;
	at = *ret_v4 ? ip->ihl * 4U : sizeof(*ip6);
	if (len < at + sizeof(struct udphdr) || at < sizeof(*ip))
		return NULL;
	if (*ret_v4 ? ip->protocol != IPPROTO_UDP : ip->version != 6 || ip6->ip6_nxt != IPPROTO_UDP)
		return NULL;
	/* only a first fragment has ports, and what follows it would not come */
	if (*ret_v4 && ip->frag_off & htons(IP_MF | IP_OFFMASK))
		return NULL;
	return (struct udphdr *)(void *)(packet + at);
}
