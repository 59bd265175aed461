/* broker_sock.c - socket(2), bind(2) and listen(2) of a shared-IP jail, done in the host's namespace on its behalf. */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "os/linux/broker.h"

#define CAP_BIT_NET_BIND_SERVICE 10
#define CAP_BIT_NET_RAW          13
#define TYPE_MASK                0xfU

static enum ip_mode mode_of(const struct broker *b, int family)
{
	enum ip_mode m = family == AF_INET ? b->h.ip4 : b->h.ip6;
	uint32_t n = family == AF_INET ? b->h.n4 : b->h.n6;

	return m == IP_NEW && !n ? IP_DISABLE : m;
}

/* The jail's first address of a family, port 0. */
static socklen_t primary(const struct broker *b, int family, union ip_name *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->sa.sa_family = (sa_family_t)family;
	if (family == AF_INET) {
		memcpy(&ret->in.sin_addr, b->h.a4[0], 4);
		return sizeof(ret->in);
	}
	memcpy(&ret->in6.sin6_addr, b->h.a6[0], 16);
	return sizeof(ret->in6);
}

/* Which protocols there are inside. 0 or -errno. */
static int allowed(struct broker *b, const struct request *r, int family, unsigned type, int proto)
{
	/* programs made for Linux want IPv6 sockets where there are no such addresses, and go on without them */
	if (mode_of(b, family) == IP_DISABLE &&
	    (family == AF_INET || b->h.ip6 != IP_NEW || !b->h.n4 || (type != SOCK_STREAM && type != SOCK_DGRAM) ||
	     proto == IPPROTO_ICMPV6))
		return -EPROTONOSUPPORT;
	switch (type) {
	case SOCK_STREAM:
		return proto == 0 || proto == IPPROTO_TCP ? 0 : -EPROTONOSUPPORT;
	case SOCK_DGRAM:
		if (proto == 0 || proto == IPPROTO_UDP)
			return 0;
		return proto == (family == AF_INET ? IPPROTO_ICMP : IPPROTO_ICMPV6) ? 0 : -EPROTONOSUPPORT;
	case SOCK_RAW:
		if (!b->h.raw_sockets || !broker_capable(b, r, CAP_BIT_NET_RAW))
			return -EPERM;
		return 0;
	default:
		return -ESOCKTNOSUPPORT;
	}
}

/*
 * Raw and ping sockets meet no bind or connect hook: they get their address now. So do IPv4 datagram sockets, without
 * a port, so that the port the kernel finds for them one day is on that address only. (An IPv6 one would lose IPv4 by it.)
 */
static int give_address(const struct broker *b, int sock, int family, unsigned type, int proto)
{
	bool udp = type == SOCK_DGRAM && (proto == 0 || proto == IPPROTO_UDP);
	int one = 1, zero = 0, r;
	union ip_name a;
	socklen_t len;

	if (mode_of(b, family) != IP_NEW || type == SOCK_STREAM || (udp && family == AF_INET6))
		return 0;
	/* which of several it is depends on where it sends to first */
	if (udp && b->h.n4 > 1 && b->h.saddrsel4)
		return 0;
	len = primary(b, family, &a);
	if (udp)
		(void)setsockopt(sock, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof(one));
	r = bind(sock, &a.sa, len) < 0 ? -errno : 0;
	if (udp)
		(void)setsockopt(sock, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &zero, sizeof(zero));
	return r;
}

/* By whose a socket is the kernel tells SO_REUSEPORT groups apart, and we who may share a port. */
static int give_to_caller(struct broker *b, const struct request *r, int sock)
{
	char path[16];
	struct stat st;

	(void)snprintf(path, sizeof(path), "%d", (int)r->pid);
	if (fstatat(b->proc, path, &st, 0) < 0)
		return -ESRCH;
	if (st.st_uid == b->own_uid && st.st_gid == b->own_gid)
		return 0;
	return fchown(sock, st.st_uid, st.st_gid) < 0 ? -errno : 0;
}

/* The socket becomes the caller's, and its number the answer. */
static enum answer hand_over(const struct request *r, int sock, uint32_t type, int64_t *ret)
{
	struct seccomp_notif_addfd add = { .id = r->id, .flags = SECCOMP_ADDFD_FLAG_SEND, .srcfd = (uint32_t)sock };

	add.newfd_flags = type & SOCK_CLOEXEC ? O_CLOEXEC : 0;
	if (ioctl(r->listener, SECCOMP_IOCTL_NOTIF_ADDFD, &add) >= 0)
		return ANSWER_SENT;
	*ret = -errno; /* EMFILE: the caller's own limit. ENOENT: it is gone, and so is the answer */
	return ANSWER_VALUE;
}

/*
 * News of devices: systemd-logind and others do not start without such a socket, but what comes is about the host's. Theirs has a
 * filter that lets nothing through and stays (hold_option.h), whatever groups it joins and filters it gets.
 */
static enum answer deaf_socket(const struct request *r, uint32_t type, int64_t *ret)
{
	struct sock_filter nothing = BPF_STMT(BPF_RET | BPF_K, 0);
	struct sock_fprog prog = { .len = 1, .filter = &nothing };
	_cleanup_close_ int sock = socket(AF_NETLINK, (int)(type | SOCK_CLOEXEC), NETLINK_KOBJECT_UEVENT);
	int on = 1;

	if (sock < 0 || setsockopt(sock, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog)) < 0 ||
	    setsockopt(sock, SOL_SOCKET, SO_LOCK_FILTER, &on, sizeof(on)) < 0) {
		*ret = -errno;
		return ANSWER_VALUE;
	}
	return hand_over(r, sock, type, ret);
}

enum answer broker_socket(struct broker *b, const struct request *r, int64_t *ret)
{
	int family = (int)(uint32_t)r->arg[0], proto = (int)(uint32_t)r->arg[2];
	uint32_t type = (uint32_t)r->arg[1];
	_cleanup_close_ int sock = -1;

	if (family == AF_NETLINK && proto == NETLINK_KOBJECT_UEVENT && broker_in_view(b, r))
		return deaf_socket(r, type, ret);
	if ((family != AF_INET && family != AF_INET6) || !broker_in_view(b, r)) {
		if (!r->by_memory || (r->flags & BROKER_ANY_AF))
			return ANSWER_CONTINUE;
		/* by the time the kernel reads them the arguments may name a family that the jail may not have */
		*ret = -EPROTONOSUPPORT;
		return ANSWER_VALUE;
	}
	if (type & ~(TYPE_MASK | SOCK_CLOEXEC | SOCK_NONBLOCK)) {
		*ret = -EINVAL;
		return ANSWER_VALUE;
	}
	*ret = allowed(b, r, family, type & TYPE_MASK, proto);
	if (*ret < 0)
		return ANSWER_VALUE;
	sock = socket(family, (int)(type | SOCK_CLOEXEC), proto);
	if (sock < 0 && errno == ENOBUFS)
		*ret = broker_full(b, true);
	else
		*ret = sock < 0 ? -errno : give_address(b, sock, family, type & TYPE_MASK, proto);
	if (*ret == 0)
		*ret = give_to_caller(b, r, sock);
	if (*ret < 0)
		return ANSWER_VALUE;
	return hand_over(r, sock, type, ret);
}

static int int_option(int sock, int level, int name)
{
	int v = 0;
	socklen_t len = sizeof(v);

	return getsockopt(sock, level, name, &v, &len) < 0 ? -errno : v;
}

/* Is it on the jail's list. */
static bool is_own(const struct broker *b, const union ip_name *to)
{
	bool own = false;

	for (uint32_t i = 0; to->sa.sa_family == AF_INET && i < b->h.n4; i++)
		own |= memcmp(&to->in.sin_addr, b->h.a4[i], 4) == 0;
	for (uint32_t i = 0; to->sa.sa_family == AF_INET6 && i < b->h.n6; i++)
		own |= memcmp(&to->in6.sin6_addr, b->h.a6[i], 16) == 0;
	return own;
}

/* FreeBSD gives raw sockets in jails an address that is on the list and nothing else, not even the wildcard. */
static int bind_raw(struct broker *b, int sock, const union ip_name *to, socklen_t len)
{
	if (mode_of(b, to->sa.sa_family) == IP_NEW && !is_own(b, to))
		return -EADDRNOTAVAIL;
	return bind(sock, &to->sa, len) < 0 ? -errno : 0;
}

static bool is_wildcard_or_loopback(const union ip_name *to)
{
	if (to->sa.sa_family == AF_INET)
		return to->in.sin_addr.s_addr == htonl(INADDR_ANY) || to->in.sin_addr.s_addr == htonl(INADDR_LOOPBACK);
	return IN6_IS_ADDR_UNSPECIFIED(&to->in6.sin6_addr) || IN6_IS_ADDR_LOOPBACK(&to->in6.sin6_addr);
}

/*
 * A ping socket has had the first address since it was made (give_address), with an identifier of the kernel's choice:
 * that one goes when the socket is disconnected, so that it can be bound again. One that its program has bound with an
 * identifier of its own keeps it, and the kernel says EINVAL.
 */
static int bind_ping(struct broker *b, int sock, const union ip_name *to)
{
	const struct sockaddr none = { .sa_family = AF_UNSPEC };
	union ip_name a, peer;
	socklen_t len = sizeof(peer), first = primary(b, to->sa.sa_family, &a);
	int r;

	if (!is_own(b, to) && !is_wildcard_or_loopback(to))
		return -EADDRNOTAVAIL;
	if (getpeername(sock, &peer.sa, &len) == 0)
		return -EINVAL;
	if (connect(sock, &none, sizeof(none)) < 0)
		return -errno;
	if (is_own(b, to))
		a = *to;
	if (to->sa.sa_family == AF_INET)
		a.in.sin_port = to->in.sin_port;
	else
		a.in6.sin6_port = to->in6.sin6_port;
	r = bind(sock, &a.sa, first) < 0 ? -errno : 0;
	if (r < 0 && r != -EINVAL) { /* never without an address */
		(void)primary(b, to->sa.sa_family, &a);
		(void)bind(sock, &a.sa, first);
	}
	return r;
}

/* Whoever asks may have it, or a privileged caller: from which port on is the host's setting, as it is now. */
static bool may_have_port(struct broker *b, const struct request *r, uint16_t port)
{
	char text[12] = "";

	if (!port || (b->port_start >= 0 && pread(b->port_start, text, sizeof(text) - 1, 0) > 0 &&
	              port >= strtoul(text, NULL, 10)))
		return true;
	return b->h.reserved_ports && broker_capable(b, r, CAP_BIT_NET_BIND_SERVICE);
}

static int bind_any(struct broker *b, const struct request *r, int sock, const union ip_name *to)
{
	int type = int_option(sock, SOL_SOCKET, SO_TYPE), proto = int_option(sock, SOL_SOCKET, SO_PROTOCOL);
	uint16_t port = ntohs(to->sa.sa_family == AF_INET ? to->in.sin_port : to->in6.sin6_port);
	bool priv = may_have_port(b, r, port);
	socklen_t len = to->sa.sa_family == AF_INET ? sizeof(to->in) : sizeof(to->in6);

	if (type == SOCK_RAW)
		return bind_raw(b, sock, to, len);
	if (proto == IPPROTO_TCP || proto == IPPROTO_UDP)
		return broker_bind_held(b, sock, proto, to, priv);
	if (mode_of(b, to->sa.sa_family) == IP_NEW)
		return bind_ping(b, sock, to);
	return bind(sock, &to->sa, len) < 0 ? -errno : 0;
}

/* The address argument of bind and connect, zeros where it is shorter. Its length that counts, or -errno. */
static int read_name(const struct request *r, union ip_name *to)
{
	uint32_t len = (uint32_t)r->arg[2];
	size_t n = broker_name_wanted(len);

	memset(to, 0, sizeof(*to));
	if (len > NAME_LEN_MAX)
		return -EINVAL;
	return n && broker_read(r, r->arg[1], to, n) < 0 ? -EFAULT : (int)n;
}

/*
 * The caller's file, when it is not ours to answer for: then the kernel goes on in the caller's own right. It may be another
 * file by then. Binding one of ours is refused in the kernel to everybody but us; arguments in memory may name another call.
 */
static enum answer not_ours(const struct request *r, int fetched, int64_t *ret)
{
	*ret = fetched;
	if (fetched != -ENOTSOCK || (r->by_memory && !(r->flags & BROKER_ANY_AF)))
		return ANSWER_VALUE;
	return ANSWER_CONTINUE;
}

enum answer broker_bind(struct broker *b, const struct request *r, int64_t *ret)
{
	_cleanup_close_ int sock = broker_fetch(b, r, (int)(uint32_t)r->arg[0]);
	int domain, n;
	union ip_name to;

	if (sock < 0)
		return not_ours(r, sock, ret);
	n = read_name(r, &to);
	domain = int_option(sock, SOL_SOCKET, SO_DOMAIN);
	*ret = n < 0 ? n : domain < 0 ? domain : broker_name_fits(domain, (size_t)n, &to);
	if (*ret == 0)
		*ret = bind_any(b, r, sock, &to);
	return ANSWER_VALUE;
}

enum answer broker_connect(struct broker *b, const struct request *r, int64_t *ret)
{
	_cleanup_close_ int sock = -1;
	union ip_name to;
	int n;

	/* all others find their address in the kernel, which holds each to the jail's whatever is in memory by then */
	if (!b->wild_udp && !b->named && !(b->sent && b->sent[b->jail & (HOLD_SENT - 1)]))
		return ANSWER_CONTINUE;
	n = read_name(r, &to);
	*ret = n;
	if (n < 0)
		return ANSWER_VALUE;
	if (!broker_name_usable(&to, (size_t)n))
		return ANSWER_CONTINUE;
	sock = broker_fetch(b, r, (int)(uint32_t)r->arg[0]);
	if (sock < 0)
		return not_ours(r, sock, ret);
	switch (int_option(sock, SOL_SOCKET, SO_PROTOCOL)) {
	case IPPROTO_UDP:
		*ret = broker_connect_udp(b, sock, &to);
		return ANSWER_VALUE;
	case IPPROTO_TCP: /* connecting may take long: only the port is found here */
		broker_connect_named(b, sock, &to);
		return ANSWER_CONTINUE;
	default:
		return ANSWER_CONTINUE;
	}
}

enum answer broker_listen(struct broker *b, const struct request *r, int64_t *ret)
{
	_cleanup_close_ int sock = broker_fetch(b, r, (int)(uint32_t)r->arg[0]);
	bool tcp;

	if (sock < 0)
		return not_ours(r, sock, ret);
	tcp = int_option(sock, SOL_SOCKET, SO_PROTOCOL) == IPPROTO_TCP;
	*ret = tcp ? broker_bind_to_listen(b, sock) : 0;
	if (*ret == 0 && listen(sock, (int)(uint32_t)r->arg[1]) < 0)
		*ret = -errno;
	if (*ret == 0 && tcp)
		*ret = broker_steer(b, sock);
	return ANSWER_VALUE;
}

/*
 * A header that the program wrote itself must carry a source on the jail's list. The kernel drops others whatever is
 * done here; this only finds FreeBSD's errno for it.
 */
static enum answer check_header(struct broker *b, const struct request *r, uint64_t at, uint64_t len, int64_t *ret)
{
	_cleanup_close_ int sock = -1;
	uint8_t header[20];

	if (mode_of(b, AF_INET) != IP_NEW || len < sizeof(header))
		return ANSWER_CONTINUE;
	sock = broker_fetch(b, r, (int)(uint32_t)r->arg[0]);
	if (sock < 0)
		return not_ours(r, sock, ret);
	if (int_option(sock, SOL_SOCKET, SO_TYPE) != SOCK_RAW || int_option(sock, SOL_SOCKET, SO_DOMAIN) != AF_INET ||
	    int_option(sock, IPPROTO_IP, IP_HDRINCL) <= 0)
		return ANSWER_CONTINUE;
	*ret = broker_read(r, at, header, sizeof(header));
	if (*ret < 0)
		return ANSWER_VALUE;
	for (uint32_t i = 0; i < b->h.n4; i++)
		if (memcmp(header + 12, b->h.a4[i], 4) == 0)
			return ANSWER_CONTINUE;
	*ret = -EADDRNOTAVAIL;
	return ANSWER_VALUE;
}

enum answer broker_sendto(struct broker *b, const struct request *r, int64_t *ret)
{
	return b->h.raw_sockets ? check_header(b, r, r->arg[1], r->arg[2], ret) : ANSWER_CONTINUE;
}
