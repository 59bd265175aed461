/* announce.c - gratuitous ARP and unsolicited neighbour advertisements for a jail's addresses. */
#include "os/linux/announce.h"

#include <ifaddrs.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netinet/icmp6.h>
#include <netinet/if_ether.h>
#include <netpacket/packet.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/str.h"

/* The MAC and index of an interface, when it is one of Ethernet's kind that is up. */
static const struct sockaddr_ll *ether(const struct ifaddrs *all, const char *name)
{
	for (const struct ifaddrs *i = all; i; i = i->ifa_next) {
		const struct sockaddr_ll *ll = (const struct sockaddr_ll *)(const void *)i->ifa_addr;

		if (!ll || ll->sll_family != AF_PACKET || !streq(i->ifa_name, name))
			continue;
		if (ll->sll_hatype != ARPHRD_ETHER || ll->sll_halen != ETH_ALEN || !(i->ifa_flags & IFF_UP) ||
		    (i->ifa_flags & IFF_NOARP))
			return NULL;
		return ll;
	}
	return NULL;
}

static void announce4(const struct in_addr *a, const struct sockaddr_ll *on)
{
	_cleanup_close_ int fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ARP) };
	struct ether_arp arp = { 0 };

	to.sll_ifindex = on->sll_ifindex;
	to.sll_halen = ETH_ALEN;
	memset(to.sll_addr, 0xff, ETH_ALEN);
	arp.arp_hrd = htons(ARPHRD_ETHER);
	arp.arp_pro = htons(ETH_P_IP);
	arp.arp_hln = ETH_ALEN;
	arp.arp_pln = sizeof(*a);
	arp.arp_op = htons(ARPOP_REQUEST);
	memcpy(arp.arp_sha, on->sll_addr, ETH_ALEN);
	memcpy(arp.arp_spa, a, sizeof(*a));
	memcpy(arp.arp_tpa, a, sizeof(*a));
	if (fd >= 0)
		(void)!sendto(fd, &arp, sizeof(arp), 0, (struct sockaddr *)&to, sizeof(to));
}

static void announce6(const struct in6_addr *a, const struct sockaddr_ll *on)
{
	_cleanup_close_ int fd = socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMPV6);
	struct sockaddr_in6 from = { .sin6_family = AF_INET6, .sin6_addr = *a }, to = { .sin6_family = AF_INET6 };
	int hops = 255, index = on->sll_ifindex;
	struct {
		struct nd_neighbor_advert na;
		struct nd_opt_hdr opt;
		uint8_t mac[ETH_ALEN];
	} msg;

	memset(&msg, 0, sizeof(msg));
	msg.na.nd_na_type = ND_NEIGHBOR_ADVERT;
	msg.na.nd_na_flags_reserved = ND_NA_FLAG_OVERRIDE;
	msg.na.nd_na_target = *a;
	msg.opt.nd_opt_type = ND_OPT_TARGET_LINKADDR;
	msg.opt.nd_opt_len = 1;
	memcpy(msg.mac, on->sll_addr, ETH_ALEN);
	to.sin6_addr.s6_addr[0] = 0xff; /* ff02::1, all nodes */
	to.sin6_addr.s6_addr[1] = 0x02;
	to.sin6_addr.s6_addr[15] = 1;
	from.sin6_scope_id = to.sin6_scope_id = (uint32_t)index;
	if (fd < 0 || setsockopt(fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, &hops, sizeof(hops)) < 0 ||
	    setsockopt(fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, &index, sizeof(index)) < 0 ||
	    bind(fd, (struct sockaddr *)&from, sizeof(from)) < 0)
		return;
	(void)!sendto(fd, &msg, sizeof(msg), 0, (struct sockaddr *)&to, sizeof(to));
}

static bool is4(const struct hold *h, const void *a)
{
	for (uint32_t i = 0; h->ip4 == IP_NEW && i < h->n4; i++)
		if (memcmp(h->a4[i], a, 4) == 0)
			return true;
	return false;
}

static bool is6(const struct hold *h, const void *a)
{
	for (uint32_t i = 0; h->ip6 == IP_NEW && i < h->n6; i++)
		if (memcmp(h->a6[i], a, 16) == 0)
			return true;
	return false;
}

void announce(const struct hold *h)
{
	struct ifaddrs *all = NULL;

	if (getifaddrs(&all) < 0)
		return;
	for (const struct ifaddrs *i = all; i; i = i->ifa_next) {
		const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)i->ifa_addr;
		const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)(const void *)i->ifa_addr;
		const struct sockaddr_ll *on = in ? ether(all, i->ifa_name) : NULL;

		if (on && in->sin_family == AF_INET && is4(h, &in->sin_addr))
			announce4(&in->sin_addr, on);
		else if (on && in->sin_family == AF_INET6 && is6(h, &in6->sin6_addr))
			announce6(&in6->sin6_addr, on);
	}
	freeifaddrs(all);
}
