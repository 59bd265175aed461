/* lease.c - the text of a DHCP lease: every field checked, for a network wrote it. */
#include "core/lease.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "core/jail.h"

const char *const lease_keys[] = { LEASE_KEYS, NULL };

/* RFC 1123's host names, with underscores, which are in use. */
static bool domain_valid(const char *s)
{
	size_t label = 0, n = strlen(s);

	if (!n || n > 253)
		return false;
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)s[i];

		if (c == '.') {
			if (!label || s[i - 1] == '-')
				return false;
			label = 0;
		} else if (isalnum(c) || c == '_' || (c == '-' && label)) {
			if (++label > 63)
				return false;
		} else {
			return false;
		}
	}
	return s[n - 1] != '-';
}

/* An address packets can be sent to and come from. */
static bool host_addr(const char *s, struct ipaddr *ret)
{
	struct ipaddr a;

	if (ipaddr_parse(s, 4, &a, NULL) < 0 || a.has_prefix || jaddr_host_check(&a, NULL) < 0 || a.b[0] == 0 ||
	    a.b[0] == 127 || a.b[0] >= 224)
		return false;
	*ret = a;
	return true;
}

static bool take_prefix(const char *mask, const char *subnet, struct ipaddr *a)
{
	_cleanup_free_ char *both = strf("0.0.0.0/%s", mask ? mask : subnet ? subnet : "");
	struct ipaddr net;

	if (!both || ipaddr_parse(both, 4, &net, NULL) < 0 || !net.has_prefix || !net.prefix)
		return false;
	a->prefix = net.prefix;
	a->has_prefix = true;
	return true;
}

/* Neither the network's own address nor its broadcast. */
static bool is_host_of_net(const struct ipaddr *a)
{
	uint32_t v = (uint32_t)a->b[0] << 24 | (uint32_t)a->b[1] << 16 | (uint32_t)a->b[2] << 8 | a->b[3], host;

	if (a->prefix >= 31)
		return true;
	host = 0xffffffffU >> a->prefix;
	return (v & host) != 0 && (v & host) != host;
}

static int take_lists(const char *router, const char *dns, const char *search, struct lease *l)
{
	_cleanup_(strv_done) struct strv routers = { 0 }, servers = { 0 }, domains = { 0 };

	if (strv_split(&routers, router ? router : "", " ") < 0 || strv_split(&servers, dns ? dns : "", " ") < 0 ||
	    strv_split(&domains, search ? search : "", " ") < 0)
		return -ENOMEM;
	/* RFC 2132 3.5: in order of preference */
	for (size_t i = 0; i < routers.n && !l->router.family; i++)
		if (host_addr(routers.v[i], &l->router) && ipaddr_same_host(&l->router, &l->addr))
			l->router.family = 0;
	for (size_t i = 0; i < servers.n && l->ndns < LEASE_DNS; i++)
		if (host_addr(servers.v[i], &l->dns[l->ndns]))
			l->ndns++;
	for (size_t i = 0; i < domains.n && l->nsearch < LEASE_SEARCH; i++)
		if (domain_valid(domains.v[i]))
			memcpy(l->search[l->nsearch++], domains.v[i], strlen(domains.v[i]) + 1);
	return 0;
}

/* Values of the keys, in the order of lease_keys; they point into text. Unknown lines are somebody else's matter. */
static void find_values(char *text, char *vals[])
{
	char *save = NULL;

	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char *eq = strchr(line, '=');

		if (!eq)
			continue;
		*eq = '\0';
		for (size_t i = 0; lease_keys[i]; i++)
			if (streq(lease_keys[i], line) && !vals[i])
				vals[i] = eq + 1;
	}
}

enum { INTERFACE, IP, MASK, SUBNET, ROUTER, DNS, DOMAIN, SEARCH, LEASE, NKEYS };

int lease_parse(const char *text, struct lease *ret, struct err *e)
{
	_cleanup_free_ char *copy = strnlen(text, LEASE_TEXT_MAX) < LEASE_TEXT_MAX ? strdup(text) : NULL;
	char *v[NKEYS] = { 0 };
	struct lease l = { 0 };
	uint64_t seconds;

	if (!copy)
		return err_set(e, EINVAL, "a DHCP lease of %d characters or more", LEASE_TEXT_MAX);
	find_values(copy, v);
	if (!v[INTERFACE] || !ifname_valid(v[INTERFACE]) || str_copy(l.ifname, sizeof(l.ifname), v[INTERFACE]) < 0)
		return err_set(e, EINVAL, "a DHCP lease for no interface");
	if (!v[IP] || !host_addr(v[IP], &l.addr))
		return err_set(e, EINVAL, "DHCP on %s: %.40s is not an address of a host", l.ifname,
		               v[IP] ? v[IP] : "nothing");
	if (!take_prefix(v[MASK], v[SUBNET], &l.addr) || !is_host_of_net(&l.addr))
		return err_set(e, EINVAL, "DHCP on %s: %s has no usable network mask", l.ifname, v[IP]);
	if (!v[LEASE] || !str_to_uint(v[LEASE], 1, LEASE_FOREVER, &seconds))
		return err_set(e, EINVAL, "DHCP on %s: %s has no lease time", l.ifname, v[IP]);
	l.seconds = (uint32_t)seconds;
	if (v[DOMAIN] && domain_valid(v[DOMAIN]))
		memcpy(l.domain, v[DOMAIN], strlen(v[DOMAIN]) + 1);
	if (take_lists(v[ROUTER], v[DNS], v[SEARCH], &l) < 0)
		return err_oom(e);
	*ret = l;
	return 0;
}

void lease_format(const struct lease *l, struct sbuf *out)
{
	char buf[IPADDR_TEXT];

	sbuf_addf(out, "interface=%s\nip=%s\nmask=%u\n", l->ifname, ipaddr_format_host(&l->addr, buf), l->addr.prefix);
	if (l->router.family)
		sbuf_addf(out, "router=%s\n", ipaddr_format_host(&l->router, buf));
	for (size_t i = 0; i < l->ndns; i++)
		sbuf_addf(out, "%s%s%s", i ? " " : "dns=", ipaddr_format_host(&l->dns[i], buf),
		          i + 1 < l->ndns ? "" : "\n");
	if (l->domain[0])
		sbuf_addf(out, "domain=%s\n", l->domain);
	for (size_t i = 0; i < l->nsearch; i++)
		sbuf_addf(out, "%s%s%s", i ? " " : "search=", l->search[i], i + 1 < l->nsearch ? "" : "\n");
	sbuf_addf(out, "lease=%u\n", l->seconds);
}

/* Names to search in: the list of option 119, else the domain. */
static void add_search(const struct lease *l, struct strv *names)
{
	if (!l->nsearch && l->domain[0] && !strv_has(names, l->domain))
		(void)!strv_add(names, l->domain);
	for (size_t i = 0; i < l->nsearch; i++)
		if (!strv_has(names, l->search[i]))
			(void)!strv_add(names, l->search[i]);
}

void lease_resolv(const struct lease *const *l, size_t n, struct sbuf *out)
{
	_cleanup_(strv_done) struct strv names = { 0 }, servers = { 0 };
	char buf[IPADDR_TEXT];

	for (size_t i = 0; i < n; i++) {
		if (!l[i])
			continue;
		add_search(l[i], &names);
		for (size_t k = 0; k < l[i]->ndns; k++)
			if (!strv_has(&servers, ipaddr_format_host(&l[i]->dns[k], buf)))
				(void)!strv_add(&servers, buf);
	}
	if (!servers.n)
		return;
	for (size_t i = 0; i < names.n && i < LEASE_SEARCH; i++)
		sbuf_addf(out, "%s%s", i ? " " : "search ", names.v[i]);
	if (names.n)
		sbuf_addc(out, '\n');
	for (size_t i = 0; i < servers.n && i < LEASE_DNS; i++)
		sbuf_addf(out, "nameserver %s\n", servers.v[i]);
}
