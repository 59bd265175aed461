/* broker_ioctl.c - interface queries on sockets of the host's namespace are answered from the jail's view of it. */
#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "base/cleanup.h"
#include "os/linux/broker.h"
#include "os/linux/broker_filter.h"

#define IFREQ_COMPAT 32 /* struct ifreq of 32-bit programs */

/* A list has one record per address; 32-bit records are the same, shorter. Returns bytes in out. */
static int32_t list(int sock, const struct request *r, char *out, int32_t cap)
{
	_cleanup_free_ struct ifreq *all = calloc(1, IFCONF_MAX);
	size_t each = r->compat ? IFREQ_COMPAT : sizeof(struct ifreq), n;
	struct ifconf c = { .ifc_len = IFCONF_MAX, .ifc_req = all };

	if (!all)
		return -ENOMEM;
	if (ioctl(sock, SIOCGIFCONF, &c) < 0)
		return -errno;
	n = (size_t)c.ifc_len / sizeof(struct ifreq);
	if (!out) /* only how much there is */
		return (int32_t)(n * each);
	if (n > (size_t)cap / each)
		n = (size_t)cap / each;
	for (size_t i = 0; i < n; i++)
		memcpy(out + i * each, &all[i], each);
	return (int32_t)(n * each);
}

static int64_t ifconf(int sock, const struct request *r)
{
	_cleanup_free_ char *out = NULL;
	uint8_t raw[IFCONF_RAW] = { 0 };
	uint64_t buf;
	int64_t ret;
	int32_t len;

	ret = broker_read(r, r->arg[2], raw, r->compat ? IFCONF_RAW / 2 : IFCONF_RAW);
	if (ret == 0)
		ret = broker_decode_ifconf(raw, r->compat, &len, &buf);
	if (ret < 0)
		return ret;
	if (buf) {
		out = malloc((size_t)len + 1);
		if (!out)
			return -ENOMEM;
	}
	len = list(sock, r, out, len);
	if (len < 0)
		return len;
	if (out && len > 0) {
		ret = broker_write(r, buf, out, (size_t)len);
		if (ret < 0)
			return ret;
	}
	return broker_write(r, r->arg[2], &len, sizeof(len));
}

/* A fixed record that goes in and comes back. */
static int64_t record(int sock, const struct request *r, unsigned long req, size_t size)
{
	union {
		struct ifreq ifr;
		struct arpreq arp;
	} rec;
	uint64_t at = r->arg[2];
	int64_t ret;

	memset(&rec, 0, sizeof(rec));
	ret = broker_read(r, at, &rec, size);
	if (ret < 0)
		return ret;
	if (ioctl(sock, req, &rec) < 0)
		return -errno;
	return broker_write(r, at, &rec, size);
}

static bool is_answered(unsigned long req)
{
#define X(call, arg, value)                                \
	if (strcmp(#call, "ioctl") == 0 && req == (value)) \
		return true;
	BROKER_NOTIFY(X)
#undef X
	return false;
}

/*
 * Not left to the kernel: by the time it looks, the descriptor may be that of a socket of the host. A socket in a namespace
 * that the jail made itself is asked instead, as its program would.
 */
enum answer broker_ioctl(struct broker *b, const struct request *r, int64_t *ret)
{
	_cleanup_close_ int own = broker_fetch_any(b, r, (int)(uint32_t)r->arg[0]);
	unsigned long req = (uint32_t)r->arg[1];
	int sock;

	if (own < 0) {
		*ret = own;
		return ANSWER_VALUE;
	}
	if (!is_answered(req)) { /* comes here in jails that can make namespaces; there it is the maker's business */
		*ret = -EPERM;
		return hold_netns_cookie(own) == b->host_cookie || broker_in_view(b, r) ? ANSWER_VALUE
		                                                                        : ANSWER_CONTINUE;
	}
	sock = hold_netns_cookie(own) == b->host_cookie ? b->view_sock : own;
	switch (req) {
	case SIOCGIFCONF:
		*ret = ifconf(sock, r);
		break;
	case SIOCGARP:
		*ret = record(sock, r, req, sizeof(struct arpreq));
		break;
	case SIOCETHTOOL: /* would tell of the host's devices */
		*ret = -EOPNOTSUPP;
		break;
	default:
		*ret = record(sock, r, req, r->compat ? IFREQ_COMPAT : sizeof(struct ifreq));
		break;
	}
	return ANSWER_VALUE;
}
