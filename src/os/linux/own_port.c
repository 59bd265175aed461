/* own_port.c - in the monitor: gives a jail's TCP socket the port it asked for although the host uses it too. */
#include "os/linux/own_port.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "os/linux/hold.h"
#include "os/linux/shared.h"

#ifndef TCP_REPAIR_OFF_NO_WP
#define TCP_REPAIR_OFF_NO_WP (-1)
#endif

/* The broker is not trusted with more than its jail's own sockets and addresses. */
static bool is_proper(int sock, const uint8_t addr[16], const struct hold *h, uint16_t *ret_port)
{
	_cleanup_(hold_maps_close) struct hold_maps m;
	struct err ignored = ERR_INIT;
	struct hold_sock s;
	uint64_t jail;

	if (hold_maps_open(&m, &ignored) < 0 || broker_own_group(&jail, &ignored) < 0 || !hold_lists(h, addr) ||
	    hold_map_get(m.hold_socks, &sock, &s) < 0)
		return false;
	*ret_port = s.key.port;
	return s.key.jail == jail && s.key.proto == IPPROTO_TCP && s.state == HOLD_PENDING && (s.flags & HOLD_S_OWN) &&
	       s.key.port;
}

static bool set(int sock, int level, int name, int v)
{
	return setsockopt(sock, level, name, &v, sizeof(v)) == 0;
}

bool own_port_bind(int sock, const uint8_t addr[16], const struct hold *h)
{
	struct sockaddr_in6 to6 = { .sin6_family = AF_INET6 };
	struct sockaddr_in to4 = { .sin_family = AF_INET };
	int domain = 0;
	socklen_t len = sizeof(domain);
	uint16_t port;
	bool done;

	if (!is_proper(sock, addr, h, &port) || getsockopt(sock, SOL_SOCKET, SO_DOMAIN, &domain, &len) < 0)
		return false;
	to6.sin6_port = to4.sin_port = htons(port);
	memcpy(&to6.sin6_addr, addr, 16);
	memcpy(&to4.sin_addr, addr + 12, 4);
	/* a socket that is being restored from a checkpoint is bound where it was, whoever has the port by then */
	if (!set(sock, IPPROTO_TCP, TCP_REPAIR, TCP_REPAIR_ON))
		return false;
	done = domain == AF_INET ? bind(sock, (const struct sockaddr *)&to4, sizeof(to4)) == 0
	                         : bind(sock, (const struct sockaddr *)&to6, sizeof(to6)) == 0;
	if (!set(sock, IPPROTO_TCP, TCP_REPAIR, TCP_REPAIR_OFF_NO_WP))
		return false;
	/* a service of the host that is started while the connection lasts */
	(void)set(sock, SOL_SOCKET, SO_REUSEADDR, 1);
	return done;
}
