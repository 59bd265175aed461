/* learned.c - the addresses a running VNET jail got by DHCP and from routers, as start, list and get show them. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/life.h"

/* The NIC of an entry, as it is called inside. */
static bool inside_name(const struct jaddr *a, char out[static IFNAME_CAP])
{
	return jnic_inside_name(a->ifname[0] ? a->ifname : "vnet0", out) == 0;
}

static void add_static(struct sbuf *b, const struct jaddr *a)
{
	char text[IPADDR_TEXT];

	if (a->ifname[0])
		sbuf_addf(b, "%s|", a->ifname);
	sbuf_add(b, ipaddr_format(&a->addr, text));
}

/* One entry as it is now. 1: it was learned. */
static int add_entry(struct sbuf *b, const struct jaddr *a, pid_t pid, int family, struct err *e)
{
	char inside[IFNAME_CAP], text[IPADDR_TEXT];
	struct ipaddr got;
	int r;

	if (a->mode == JADDR_STATIC) {
		add_static(b, a);
		return 0;
	}
	if (!inside_name(a, inside))
		return 0;
	if (a->mode == JADDR_SELF) {
		sbuf_addf(b, "%s|self", inside);
		return 0;
	}
	r = os_learned(pid, inside, family, &got, e);
	if (r < 0)
		return r;
	sbuf_addf(b, "%s|%s", inside,
	          got.family    ? ipaddr_format_host(&got, text)
	          : family == 4 ? "DHCP"
	                        : "accept_rtadv");
	return got.family != 0;
}

bool learns_any(const struct conf *c, int family)
{
	const char *list = conf_get(c, family == 4 ? PROP_ip4_addr : PROP_ip6_addr);

	if (!conf_true(c, PROP_vnet))
		return false;
	return (family == 4 && conf_true(c, PROP_dhcp)) || strcasestr(list, family == 4 ? "DHCP" : "accept_rtadv");
}

char *learned_addrs(const struct conf *c, pid_t pid, int family)
{
	_cleanup_(sbuf_done) struct sbuf b = { 0 };
	struct err e = ERR_INIT;
	struct jail j;
	int any = 0, r = 0;

	if (!learns_any(c, family) || jail_build(c, "any", &j, &e) < 0)
		return NULL;
	for (size_t i = 0; r >= 0 && i < (family == 4 ? j.n4 : j.n6); i++) {
		if (i)
			sbuf_addc(&b, ',');
		r = add_entry(&b, family == 4 ? &j.a4[i] : &j.a6[i], pid, family, &e);
		any += r > 0;
	}
	jail_done(&j);
	return r < 0 || !any ? NULL : sbuf_take(&b);
}

char *nat_shown(struct store *s, const struct conf *c, const char *jail)
{
	struct err e = ERR_INIT;
	struct ipaddr a;
	struct jail j;
	char inside[IFNAME_CAP], text[IPADDR_TEXT], *ret = NULL;

	if (!conf_true(c, PROP_vnet) || !conf_true(c, PROP_nat) || nat_addr_load(s, jail, &a, &e) < 0 ||
	    jail_build(c, jail, &j, &e) < 0)
		return NULL;
	if (j.nnics && jnic_inside_name(j.nics[0].name, inside) == 0)
		ret = strf("%s|%s", inside, ipaddr_format(&a, text));
	jail_done(&j);
	return ret;
}

void learned_tell(const struct session *s)
{
	const struct jail *j = &s->model;
	char inside[IFNAME_CAP], text[IPADDR_TEXT];
	const char *wait = conf_get(&s->cfg.conf, PROP_dhcp_timeout);

	for (size_t i = 0; j->vnet && i < j->n4 + j->n6; i++) {
		const struct jaddr *a = i < j->n4 ? &j->a4[i] : &j->a6[i - j->n4];
		int family = i < j->n4 ? 4 : 6;
		const char *how = family == 4 ? "DHCP" : "SLAAC", *on = j->nnics > 1 ? " on " : "";
		struct err e = ERR_INIT;
		struct ipaddr got;

		if (!jaddr_is_learned(a) || !inside_name(a, inside))
			continue;
		if (os_learned(s->oj.pid, inside, family, &got, &e) < 0)
			report(&e);
		else if (got.family)
			session_say(s, "  + %s Address: %s%s%s", how, ipaddr_format(&got, text), on, *on ? inside : "");
		else
			warning("%s: no %s address on %s within %s seconds (dhcp_timeout); %s", s->jail, how, inside,
			        wait,
			        family == 4 ? "the client goes on asking (iocage doctor looks for the cause)"
			                    : "routers are still listened to");
	}
}
