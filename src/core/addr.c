/* addr.c - IP addresses, prefixes and MAC addresses: strict parsing, printing, comparison. */
#include "core/addr.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/str.h"

bool ifname_valid(const char *s)
{
	size_t n = strlen(s);

	if (n == 0 || n >= IFNAME_CAP || streq(s, ".") || streq(s, ".."))
		return false;
	/* '%' is a numbering template to the kernel and a scope to us; ',' separates lists of names */
	for (; *s; s++)
		if (isspace((unsigned char)*s) || iscntrl((unsigned char)*s) || strchr("/:|%,", *s))
			return false;
	return true;
}

bool ifname_is_loopback(const char *s)
{
	return streq(s, "lo") || streq(s, "lo0");
}

bool ifname_same(const char *a, const char *b)
{
	return streq(a, b) || (ifname_is_loopback(a) && ifname_is_loopback(b));
}

/* "255.255.255.0" -> 24; false when it is no mask or has holes */
static bool mask_to_prefix(const char *s, uint8_t *ret)
{
	uint8_t b[4];
	uint32_t m;

	if (inet_pton(AF_INET, s, b) != 1)
		return false;
	m = (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
	if (~m & (~m + 1))
		return false;
	*ret = (uint8_t)__builtin_popcount(m);
	return true;
}

static int parse_prefix(const char *whole, const char *s, struct ipaddr *a, struct err *e)
{
	uint64_t v;

	if (str_to_uint(s, 0, ipaddr_max_prefix(a), &v) && strlen(s) <= 3 && (s[0] != '0' || !s[1]))
		a->prefix = (uint8_t)v;
	else if (a->family != 4 || !mask_to_prefix(s, &a->prefix))
		return err_set(e, EINVAL, "%s: the prefix must be a number from 0 to %u%s", whole, ipaddr_max_prefix(a),
		               a->family == 4 ? " or a contiguous netmask" : "");
	a->has_prefix = true;
	return 0;
}

static int parse_host(const char *whole, char *host, int family, struct ipaddr *a, struct err *e)
{
	char *zone = strchr(host, '%');

	if (zone) {
		*zone++ = '\0';
		if (!ifname_valid(zone))
			return err_set(e, EINVAL, "%s: what follows %% must be an interface name", whole);
	}
	if (family != 6 && !zone && inet_pton(AF_INET, host, a->b) == 1) {
		a->family = 4;
		return 0;
	}
	if (family != 4 && inet_pton(AF_INET6, host, a->b) == 1) {
		a->family = 6;
		if (zone && str_copy(a->zone, sizeof(a->zone), zone) < 0)
			return err_set(e, EINVAL, "%s: the interface name is too long", whole);
		return 0;
	}
	if (family == 4 && strchr(host, ':'))
		return err_set(e, EINVAL, "%s: an IPv4 address is wanted here, not IPv6", whole);
	if (family == 6 && !strchr(host, ':'))
		return err_set(e, EINVAL, "%s: an IPv6 address is wanted here", whole);
	return err_set(e, EINVAL, "%s: not an %s address", whole, family == 4 ? "IPv4" : family == 6 ? "IPv6" : "IP");
}

int ipaddr_parse(const char *s, int family, struct ipaddr *ret, struct err *e)
{
	struct ipaddr a = { 0 };
	char host[IPADDR_TEXT];
	const char *slash = strchr(s, '/');
	size_t n = slash ? (size_t)(slash - s) : strlen(s);
	int r;

	if (n == 0 || n >= sizeof(host))
		return err_set(e, EINVAL, "%.100s: not an IP address", n ? s : "(empty)");
	memcpy(host, s, n);
	host[n] = '\0';
	r = parse_host(s, host, family, &a, e);
	if (r == 0 && slash)
		r = parse_prefix(s, slash + 1, &a, e);
	if (r == 0)
		*ret = a;
	return r;
}

const char *ipaddr_format_host(const struct ipaddr *a, char buf[static IPADDR_TEXT])
{
	buf[0] = '\0';
	if (a->family == 4 || a->family == 6)
		(void)inet_ntop(a->family == 4 ? AF_INET : AF_INET6, a->b, buf, IPADDR_TEXT);
	if (a->zone[0]) {
		size_t n = strlen(buf);

		snprintf(buf + n, IPADDR_TEXT - n, "%%%s", a->zone);
	}
	return buf;
}

const char *ipaddr_format(const struct ipaddr *a, char buf[static IPADDR_TEXT])
{
	ipaddr_format_host(a, buf);
	if (a->has_prefix) {
		size_t n = strlen(buf);

		snprintf(buf + n, IPADDR_TEXT - n, "/%u", a->prefix);
	}
	return buf;
}

unsigned ipaddr_max_prefix(const struct ipaddr *a)
{
	return a->family == 4 ? 32 : 128;
}

bool ipaddr_same_host(const struct ipaddr *a, const struct ipaddr *b)
{
	return a->family == b->family && memcmp(a->b, b->b, sizeof(a->b)) == 0 && streq(a->zone, b->zone);
}

unsigned bits_common(const uint8_t *a, const uint8_t *b, unsigned max)
{
	unsigned n = 0;

	while (n + 8 <= max && a[n / 8] == b[n / 8])
		n += 8;
	while (n < max && ((a[n / 8] ^ b[n / 8]) & (0x80U >> n % 8)) == 0)
		n++;
	return n;
}

void bits_clear(uint8_t *b, unsigned from, unsigned max)
{
	for (unsigned bit = from; bit < max; bit++)
		b[bit / 8] &= (uint8_t) ~(0x80U >> bit % 8);
}

bool ipaddr_in_prefix(const struct ipaddr *a, const struct ipaddr *net)
{
	unsigned bits = net->has_prefix ? net->prefix : ipaddr_max_prefix(net);

	return a->family == net->family && a->family != 0 && bits <= ipaddr_max_prefix(net) &&
	       bits_common(a->b, net->b, bits) == bits;
}

static int hexval(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

int mac_parse(const char *s, struct macaddr *ret, struct err *e)
{
	struct macaddr m = { .set = true };
	const char *p = s;
	char sep = strlen(s) > 2 && (s[2] == ':' || s[2] == '-') ? s[2] : '\0';

	for (int i = 0; i < 6; i++) {
		int hi, lo;

		if (i && sep && *p++ != sep)
			goto bad;
		hi = hexval(p[0]);
		lo = hi < 0 ? -1 : hexval(p[1]);
		if (lo < 0)
			goto bad;
		m.b[i] = (uint8_t)(hi << 4 | lo);
		p += 2;
	}
	if (*p)
		goto bad;
	*ret = m;
	return 0;
bad:
	return err_set(e, EINVAL, "%.60s: not a MAC address (six octets in hex, as in 02:ff:60:6a:86:aa)", s);
}

const char *mac_format(const struct macaddr *m, char buf[static 18])
{
	snprintf(buf, 18, "%02x:%02x:%02x:%02x:%02x:%02x", m->b[0], m->b[1], m->b[2], m->b[3], m->b[4], m->b[5]);
	return buf;
}

/* FNV-1a, each string closed by its NUL so that ("ab","c") and ("a","bc") differ */
static uint64_t hash_str(uint64_t h, const char *s)
{
	do {
		h ^= (uint8_t)*s;
		h *= 0x100000001b3ULL;
	} while (*s++);
	return h;
}

/* FNV changes its high bits little for short inputs: spread what is there over all 64 */
static uint64_t hash_end(uint64_t h)
{
	h ^= h >> 33;
	h *= 0xff51afd7ed558ccdULL;
	h ^= h >> 33;
	h *= 0xc4ceb9fe1a85ec53ULL;
	return h ^ h >> 33;
}

void mac_derive(const char *host_id, const char *jail, const char *nic, const char *prefix, struct macaddr *ret_host,
                struct macaddr *ret_jail)
{
	uint64_t h = hash_end(hash_str(hash_str(hash_str(0xcbf29ce484222325ULL, host_id), jail), nic));
	struct macaddr m = { .set = true };

	for (int i = 5; i >= 0; i--, h >>= 8)
		m.b[i] = (uint8_t)h;
	/* a bridge takes the lowest MAC of its ports for its own: with fe it stays that of the uplink */
	m.b[0] = 0xfe;
	if (prefix && strlen(prefix) == 6)
		for (int i = 0; i < 3; i++) {
			int hi = hexval(prefix[2 * i]), lo = hexval(prefix[2 * i + 1]);

			if (hi >= 0 && lo >= 0)
				m.b[i] = (uint8_t)(hi << 4 | lo);
		}
	m.b[0] = (uint8_t)((m.b[0] | 0x02) & ~0x01);
	m.b[5] &= 0xfe;
	*ret_host = m;
	m.b[5] |= 1;
	*ret_jail = m;
}
