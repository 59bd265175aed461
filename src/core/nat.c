/* nat.c - jails behind the host's address: networks, forwarded ports, rules. */
#include "core/nat.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

/* --- networks --- */

/* "172.16" to its two octets */
static bool split_prefix(const char *prefix, uint8_t ret[2])
{
	_cleanup_(strv_done) struct strv parts = { 0 };

	if (strv_split(&parts, prefix, ".") < 0 || parts.n != 2)
		return false;
	for (int i = 0; i < 2; i++) {
		uint64_t v;

		if (!str_to_uint(parts.v[i], 0, 255, &v))
			return false;
		ret[i] = (uint8_t)v;
	}
	return true;
}

bool nat_network(const char *prefix, unsigned i, struct ipaddr *ret)
{
	struct ipaddr a = { .family = 4, .prefix = 30, .has_prefix = true };

	if (i >= NAT_NETWORKS || !split_prefix(prefix, a.b))
		return false;
	a.b[2] = (uint8_t)(i / 64);
	a.b[3] = (uint8_t)(i % 64 * 4 + 2);
	*ret = a;
	return true;
}

unsigned nat_network_of(const char *prefix, const struct ipaddr *a)
{
	uint8_t b[2];

	if (a->family != 4 || !split_prefix(prefix, b) || a->b[0] != b[0] || a->b[1] != b[1])
		return NAT_NETWORKS;
	return a->b[2] * 64U + a->b[3] / 4U;
}

struct ipaddr nat_router(const struct ipaddr *jail)
{
	struct ipaddr r = *jail;

	r.b[3] = (uint8_t)((r.b[3] & ~3) + 1);
	return r;
}

/* --- forwarded ports --- */

/* "80" or "8000-8010", n characters at s: the first, and how many. */
static bool port_range(const char *s, size_t n, uint16_t *ret_first, unsigned *ret_count)
{
	char buf[16], *dash;
	uint64_t a, b;

	if (n == 0 || n >= sizeof(buf))
		return false;
	memcpy(buf, s, n);
	buf[n] = '\0';
	dash = strchr(buf, '-');
	if (dash)
		*dash++ = '\0';
	if (!str_to_uint(buf, 1, 65535, &a) || !str_to_uint(dash ? dash : buf, a, 65535, &b))
		return false;
	*ret_first = (uint16_t)a;
	*ret_count = (unsigned)(b - a + 1);
	return true;
}

/* What stands between the parentheses. */
static bool parse_ports(const char *in, size_t n, struct nat_forward *f)
{
	const char *colon = memchr(in, ':', n);
	size_t first = colon ? (size_t)(colon - in) : n;
	unsigned count;

	if (!port_range(in, first, &f->jail, &f->count))
		return false;
	f->host = f->jail;
	return !colon || (port_range(colon + 1, n - first - 1, &f->host, &count) && count == f->count);
}

/* How many entries one item makes (0: malformed); the second is that of UDP. */
static unsigned parse_item(const char *s, struct nat_forward f[static 2])
{
	static const struct {
		const char *word;
		bool tcp, udp;
	} protos[] = { { "tcp/udp(", true, true }, { "tcp(", true, false }, { "udp(", false, true } };
	size_t len = strlen(s);

	f[0] = f[1] = (struct nat_forward){ 0 };
	if (!strchr(s, '('))
		return !strchr(s, '-') && parse_ports(s, len, &f[0]) && !strchr(s, ':') ? 1 : 0;
	for (size_t i = 0; i < sizeof(protos) / sizeof(protos[0]); i++) {
		size_t skip = strlen(protos[i].word);

		if (!str_starts(s, protos[i].word) || s[len - 1] != ')' ||
		    !parse_ports(s + skip, len - skip - 1, &f[0]))
			continue;
		f[0].udp = !protos[i].tcp;
		f[1] = f[0];
		f[1].udp = true;
		return protos[i].tcp && protos[i].udp ? 2 : 1;
	}
	return 0;
}

static bool overlap(const struct nat_forward *a, const struct nat_forward *b)
{
	return a->udp == b->udp && a->host < b->host + b->count && b->host < a->host + a->count;
}

int nat_forwards_parse(const char *value, struct nat_forward **ret, size_t *ret_n, struct err *e)
{
	_cleanup_free_ struct nat_forward *list = NULL;
	_cleanup_free_ char *copy = strdup(value);
	size_t n = 0, cap = 1;

	*ret = NULL;
	*ret_n = 0;
	if (!copy)
		return err_oom(e);
	if (streq(value, "none"))
		return 0;
	for (const char *s = value; *s; s++)
		cap += *s == ',';
	list = calloc(2 * cap, sizeof(*list));
	if (!list)
		return err_oom(e);
	for (char *rest = copy, *item; (item = strsep(&rest, ","));) {
		unsigned more = parse_item(item, &list[n]);

		if (!more)
			return err_set(e, EINVAL, "Invalid nat_forwards value: %.200s", value);
		for (size_t i = 0; i < n; i++)
			for (unsigned k = 0; k < more; k++)
				if (overlap(&list[i], &list[n + k]))
					return err_set(e, EINVAL,
					               "Invalid nat_forwards value: %.200s\n%.60s takes a port of the "
					               "host that is taken already",
					               value, item);
		n += more;
	}
	*ret = take_ptr(list);
	*ret_n = n;
	return 0;
}

/* --- rules --- */

/*
 * Tables, sets and chains that all jails share. Adding what is there does nothing, chains are written anew: all in one
 * transaction, so that nothing is without rules in between.
 *
 * guarded: interfaces that forward only because a jail needs it (os/linux/nat.c): whoever is there must not use the host
 * as a router. own: the same interfaces twice; a bridge that hands its frames to the packet filter does not route them.
 * spared: addresses of the host that are other jails' (shared IP).
 */
static const char base[] =
	"add table inet iocage { comment \"iocage: jails behind the host's address\"; }\n"
	"add map inet iocage " NAT_MAP_PORTS " { type inet_proto . inet_service : verdict; flags interval; }\n"
	"add map inet iocage sources { type ipv4_addr : verdict; }\n"
	"add map inet iocage nics { type ifname : verdict; }\n"
	"add set inet iocage spared { type ipv4_addr; }\n"
	"add set inet iocage guarded { type ifname; }\n"
	"add set inet iocage own { type ifname . ifname; }\n"
	"add set inet iocage isolated { type ifname; }\n"
	"add chain inet iocage from { type filter hook prerouting priority -300; policy accept; }\n"
	"add chain inet iocage prerouting { type nat hook prerouting priority -100; policy accept; }\n"
	"add chain inet iocage output { type nat hook output priority -100; policy accept; }\n"
	"add chain inet iocage postrouting { type nat hook postrouting priority 100; policy accept; }\n"
	"add chain inet iocage forward { type filter hook forward priority 0; policy accept; }\n"
	"add chain inet iocage forwards\n"
	"add chain inet iocage guard\n"
	"flush chain inet iocage from\n"
	"flush chain inet iocage prerouting\n"
	"flush chain inet iocage output\n"
	"flush chain inet iocage postrouting\n"
	"flush chain inet iocage forward\n"
	"flush chain inet iocage forwards\n"
	"flush chain inet iocage guard\n"
	"add rule inet iocage from iifname vmap @nics\n"
	"add rule inet iocage prerouting meta nfproto ipv4 fib daddr type local jump forwards\n"
	"add rule inet iocage output meta nfproto ipv4 fib daddr type local jump forwards\n"
	"add rule inet iocage forwards ip daddr 127.0.0.0/8 return\n"
	"add rule inet iocage forwards ip daddr @spared return\n"
	"add rule inet iocage forwards meta l4proto . th dport vmap @" NAT_MAP_PORTS "\n"
	"add rule inet iocage postrouting ip saddr vmap @sources\n"
	"add rule inet iocage forward iifname . oifname @own return\n"
	"add rule inet iocage forward meta nfproto ipv4 iifname @guarded jump guard\n"
	"add rule inet iocage forward meta nfproto ipv4 iifname @isolated oifname @isolated jump guard\n"
	"add rule inet iocage guard ct state established,related return\n"
	"add rule inet iocage guard ct status dnat return\n"
	"add rule inet iocage guard drop\n";

void nat_chains(const struct op *op, char ports[static NAT_CHAIN_CAP], char out[static NAT_CHAIN_CAP],
                char in[static NAT_CHAIN_CAP])
{
	(void)snprintf(ports, NAT_CHAIN_CAP, NAT_CHAIN_PREFIX "%s", op->name);
	(void)snprintf(out, NAT_CHAIN_CAP, "out-%s", op->name);
	(void)snprintf(in, NAT_CHAIN_CAP, "in-%s", op->name);
}

static const char *proto(const struct nat_forward *f)
{
	return f->udp ? "udp" : "tcp";
}

static void add_range(struct sbuf *b, unsigned first, unsigned count)
{
	if (count == 1)
		sbuf_addf(b, "%u", first);
	else
		sbuf_addf(b, "%u-%u", first, first + count - 1);
}

/* A range that keeps its numbers, or a single port, is one rule; one that moves needs to say where each port goes. */
static void add_forward(struct sbuf *b, const char *chain, const char *addr, const struct nat_forward *f)
{
	sbuf_addf(b, "add rule inet iocage %s %s dport ", chain, proto(f));
	add_range(b, f->host, f->count);
	if (f->host == f->jail) {
		sbuf_addf(b, " dnat ip to %s\n", addr);
		return;
	}
	if (f->count == 1) {
		sbuf_addf(b, " dnat ip to %s:%u\n", addr, f->jail);
		return;
	}
	sbuf_addf(b, " dnat ip to %s : %s dport map { ", addr, proto(f));
	for (unsigned i = 0; i < f->count; i++)
		sbuf_addf(b, "%s%u : %u", i ? ", " : "", f->host + i, f->jail + i);
	sbuf_add(b, " }\n");
}

/* Names come between double quotes, in which nft(8) knows no escape. */
static int check_name(const char *name, struct err *e)
{
	if (name && *name && !strpbrk(name, "\"\\\n"))
		return 0;
	return err_set(e, EINVAL, "an interface named '%s' cannot stand in a rule", name ? name : "");
}

int nat_rules(const struct op *op, struct sbuf *out, struct err *e)
{
	char ports[NAT_CHAIN_CAP], leave[NAT_CHAIN_CAP], enter[NAT_CHAIN_CAP], addr[IPADDR_TEXT];
	_cleanup_free_ struct nat_forward *f = NULL;
	size_t n = 0;
	int r = check_name(op->link, e);

	if (r == 0)
		r = check_name(op->peer, e);
	if (r == 0)
		r = nat_forwards_parse(op->text ? op->text : "none", &f, &n, e);
	if (r < 0)
		return r;
	nat_chains(op, ports, leave, enter);
	ipaddr_format_host(&op->addr, addr);
	sbuf_add(out, base);
	sbuf_addf(out, "add chain inet iocage %s\nadd chain inet iocage %s\nadd chain inet iocage %s\n", ports, leave,
	          enter);
	sbuf_addf(out, "flush chain inet iocage %s\nflush chain inet iocage %s\nflush chain inet iocage %s\n", ports,
	          leave, enter);
	for (size_t i = 0; i < n; i++)
		add_forward(out, ports, addr, &f[i]);
	/* to a port of its own through the host: the answer must come back the same way */
	sbuf_addf(out, "add rule inet iocage %s ip daddr %s masquerade\n", leave, addr);
	sbuf_addf(out, "add rule inet iocage %s oifname \"%s\" masquerade\n", leave, op->peer);
	sbuf_addf(out, "add element inet iocage sources { %s comment \"%s\" : goto %s }\n", addr, op->name, leave);
	if (op->flags & OP_NAT_ANTISPOOF)
		sbuf_addf(out, "add rule inet iocage %s ip saddr != %s drop\n", enter, addr);
	sbuf_addf(out, "add element inet iocage nics { \"%s\" comment \"%s\" : goto %s }\n", op->link, op->name, enter);
	if (op->flags & OP_NAT_ISOLATED)
		sbuf_addf(out, "add element inet iocage isolated { \"%s\" }\n", op->link);
	for (size_t i = 0; i < n; i++) {
		sbuf_addf(out, "add element inet iocage " NAT_MAP_PORTS " { %s . ", proto(&f[i]));
		add_range(out, f[i].host, f[i].count);
		sbuf_addf(out, " : goto %s }\n", ports);
	}
	return out->failed ? err_oom(e) : 0;
}
