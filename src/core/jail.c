/* jail.c - the typed model of a jail, built from its configuration. */
#include "core/jail.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "core/hold.h"

static int bad_ip(struct err *e, const char *item, const char *why)
{
	return err_set(e, EINVAL, "Please provide a valid ip: %.100s%s%s", item, why && *why ? "\n" : "",
	               why ? why : "");
}

int jaddr_host_check(const struct ipaddr *a, struct err *e)
{
	static const uint8_t zero[16], mapped[12] = { [10] = 0xff, [11] = 0xff };
	char buf[IPADDR_TEXT];
	const char *why = NULL;

	if (memcmp(a->b, zero, sizeof(zero)) == 0)
		why = "means no address";
	else if (a->family == 4 && a->b[0] == 0)
		why = "is in 0.0.0.0/8, which nobody can be reached at";
	else if (a->family == 4 && (a->b[0] & a->b[1] & a->b[2] & a->b[3]) == 255)
		why = "is the broadcast address";
	else if (a->family == 4 ? (a->b[0] & 0xf0) == 0xe0 : a->b[0] == 0xff)
		why = "is a multicast address";
	else if (a->family == 6 && memcmp(a->b, mapped, sizeof(mapped)) == 0)
		why = "is an IPv4 address in IPv6 form; write it as IPv4";
	if (!why)
		return 0;
	return err_set(e, EINVAL, "%s %s", ipaddr_format_host(a, buf), why);
}

static bool is_link_local(const struct ipaddr *a)
{
	return a->family == 6 && a->b[0] == 0xfe && (a->b[1] & 0xc0) == 0x80;
}

/* one item without its interface: an address, or the word that asks for one */
static int parse_item(const char *item, const char *what, int family, struct jaddr *ret, struct err *e)
{
	struct err why = ERR_INIT;

	if (strcasecmp(what, "self") == 0) {
		ret->mode = JADDR_SELF;
		return 0;
	}
	if (strcasecmp(what, "DHCP") == 0 || strcasecmp(what, "accept_rtadv") == 0) {
		ret->mode = what[0] == 'd' || what[0] == 'D' ? JADDR_DHCP : JADDR_RTADV;
		if ((ret->mode == JADDR_DHCP) == (family == 4))
			return 0;
		return bad_ip(e, item, family == 4 ? "accept_rtadv belongs in ip6_addr" : "DHCP belongs in ip4_addr");
	}
	ret->mode = JADDR_STATIC;
	if (ipaddr_parse(what, family, &ret->addr, &why) < 0 || jaddr_host_check(&ret->addr, &why) < 0)
		return bad_ip(e, item, why.msg);
	if (ret->addr.has_prefix && ret->addr.prefix == 0)
		return bad_ip(e, item, "a prefix of 0 would make the whole Internet a neighbour");
	if (ret->addr.zone[0] && !is_link_local(&ret->addr))
		return bad_ip(e, item, "only a link-local address takes %INTERFACE");
	/* fe80::1%em0 is em0|fe80::1; in vnet0|fe80::1%em0 what stands first decides */
	if (ret->addr.zone[0] && !ret->ifname[0])
		memcpy(ret->ifname, ret->addr.zone, IFNAME_CAP);
	memset(ret->addr.zone, 0, IFNAME_CAP);
	return 0;
}

static int check_twice(const char *item, const struct jaddr *list, size_t n, const struct jaddr *a, struct err *e)
{
	for (size_t i = 0; i < n; i++) {
		const struct jaddr *b = &list[i];
		bool same_if = streq(a->ifname, b->ifname);

		if (a->mode != b->mode)
			continue;
		if (a->mode != JADDR_STATIC
		            ? same_if
		            : ipaddr_same_host(&a->addr, &b->addr) && (same_if || !is_link_local(&a->addr)))
			return bad_ip(e, item, "it is in the list twice");
	}
	return 0;
}

bool jaddr_list_has(const struct jaddr *list, size_t n, const struct ipaddr *host)
{
	for (size_t i = 0; i < n; i++)
		if (list[i].mode == JADDR_STATIC && ipaddr_same_host(&list[i].addr, host))
			return true;
	return false;
}

bool jail_lists(const struct jail *j, const struct ipaddr *host)
{
	return host->family == 6 ? jaddr_list_has(j->a6, j->n6, host) : jaddr_list_has(j->a4, j->n4, host);
}

int jaddr_list_parse(const char *value, int family, struct jaddr **ret, size_t *ret_n, struct err *e)
{
	_cleanup_free_ struct jaddr *list = NULL;
	_cleanup_free_ char *copy = strdup(value);
	size_t n = 0, cap = 1;

	if (!copy)
		return err_oom(e);
	if (streq(value, "none")) {
		*ret = NULL;
		*ret_n = 0;
		return 0;
	}
	for (const char *s = value; *s; s++)
		cap += *s == ',';
	if (cap > HOLD_ADDRS_MAX)
		return err_set(e, EINVAL, "too many IPv%d addresses: %zu, at most %d", family, cap, HOLD_ADDRS_MAX);
	list = calloc(cap, sizeof(*list));
	if (!list)
		return err_oom(e);
	for (char *rest = copy, *item; (item = strsep(&rest, ","));) {
		char whole[128], *what = item, *bar;
		int r;

		snprintf(whole, sizeof(whole), "%s", item);
		bar = strchr(item, '|');
		if (bar) {
			*bar = '\0';
			what = bar + 1;
			if (!ifname_valid(item))
				return err_set(e, EINVAL, "Please provide a valid interface: %.100s", whole);
			r = streq(item, "DEFAULT") ? 0 : str_copy(list[n].ifname, IFNAME_CAP, item);
			if (r < 0)
				return err_set(e, EINVAL, "Please provide a valid interface: %.100s", whole);
		}
		r = parse_item(whole, what, family, &list[n], e);
		if (r == 0)
			r = check_twice(whole, list, n, &list[n], e);
		if (r < 0)
			return r;
		n++;
	}
	*ret = take_ptr(list);
	*ret_n = n;
	return 0;
}

int jnic_inside_name(const char *nic, char out[static IFNAME_CAP])
{
	const char *at = strstr(nic, "vnet");
	int n;

	if (at)
		n = snprintf(out, IFNAME_CAP, "%.*sepair%sb", (int)(at - nic), nic, at + 4);
	else
		n = snprintf(out, IFNAME_CAP, "%s", nic);
	return n < IFNAME_CAP ? 0 : -ENAMETOOLONG;
}

bool jnic_is_called(const struct jnic *nic, const char *name)
{
	char inside[IFNAME_CAP];

	if (!name[0])
		name = "vnet0";
	return streq(nic->name, name) || (jnic_inside_name(nic->name, inside) == 0 && streq(inside, name));
}

bool jnic_has(const struct jnic *nic, const struct jaddr *a)
{
	return jnic_is_called(nic, a->ifname);
}

int jnic_outside_name(const char *nic, unsigned jid, char out[static IFNAME_CAP])
{
	static const char digits[] = "0123456789abcdefghijklmnopqrstuvwxyz";
	uint32_t h = 0x811c9dc5U; /* FNV-1a: names that begin alike stay apart */
	char id[12], mark[4] = "";
	int n = snprintf(id, sizeof(id), ".%u", jid), room = IFNAME_CAP - 1 - n;

	if (strlen(nic) <= (size_t)room) {
		snprintf(out, IFNAME_CAP, "%.*s%s", room, nic, id);
		return 0;
	}
	for (const char *s = nic; *s; s++)
		h = (h ^ (uint8_t)*s) * 0x01000193U;
	for (int i = 0; i < 3; i++, h /= 36)
		mark[i] = digits[h % 36];
	snprintf(out, IFNAME_CAP, "%.*s~%s%s", room - 4, nic, mark, id);
	return 1;
}

static int parse_nic(const char *item, struct jnic *ret, struct err *e)
{
	const char *colon = strchr(item, ':');
	char inside[IFNAME_CAP];
	size_t n = colon ? (size_t)(colon - item) : 0;

	if (!colon)
		return err_set(e, EINVAL, "'%.60s' has no ':'", item);
	if (n == 0 || n >= IFNAME_CAP)
		return err_set(e, EINVAL, "'%.60s': the name before ':' must have 1 to %d characters", item,
		               IFNAME_CAP - 1);
	memcpy(ret->name, item, n);
	ret->name[n] = '\0';
	if (!ifname_valid(ret->name) || ifname_is_loopback(ret->name))
		return err_set(e, EINVAL, "'%.60s': '%s' cannot be an interface's name", item, ret->name);
	if (jnic_inside_name(ret->name, inside) < 0)
		return err_set(e, EINVAL,
		               "'%.60s': '%s' is too long: in the jail it would have more than %d characters", item,
		               ret->name, IFNAME_CAP - 1);
	if (streq(colon + 1, "none"))
		return 0;
	if (!ifname_valid(colon + 1) || str_copy(ret->bridge, IFNAME_CAP, colon + 1) < 0)
		return err_set(e, EINVAL, "'%.60s': what follows ':' must be a bridge or none", item);
	return 0;
}

/* Two NICs must differ on both ends: vnet0 and epair0b would be one name inside. */
static int check_nic_twice(const struct jnic *list, size_t n, struct err *e)
{
	char a[IFNAME_CAP], b[IFNAME_CAP];

	if (jnic_inside_name(list[n].name, a) < 0)
		return err_set(e, EINVAL, "'%s' is too long", list[n].name);
	for (size_t i = 0; i < n; i++) {
		if (streq(list[i].name, list[n].name))
			return err_set(e, EINVAL, "'%s' is there twice", list[n].name);
		if (jnic_inside_name(list[i].name, b) == 0 && streq(a, b))
			return err_set(e, EINVAL, "'%s' and '%s' would both be %s in the jail", list[i].name,
			               list[n].name, a);
	}
	return 0;
}

int jnic_list_parse(const char *value, struct jnic **ret, size_t *ret_n, struct err *e)
{
	_cleanup_free_ struct jnic *list = NULL;
	_cleanup_free_ char *copy = strdup(value);
	size_t n = 0, cap = 1;

	if (!copy)
		return err_oom(e);
	if (streq(value, "none")) {
		*ret = NULL;
		*ret_n = 0;
		return 0;
	}
	for (const char *s = value; *s; s++)
		cap += *s == ',';
	if (cap > 64)
		return err_set(e, EINVAL, "too many interfaces: %zu, at most 64", cap);
	list = calloc(cap, sizeof(*list));
	if (!list)
		return err_oom(e);
	for (char *rest = copy, *item; (item = strsep(&rest, ",")); n++) {
		int r = parse_nic(item, &list[n], e);

		if (r == 0)
			r = check_nic_twice(list, n, e);
		if (r < 0)
			return r;
	}
	*ret = take_ptr(list);
	*ret_n = n;
	return 0;
}

void jail_default_hostname(const char *name, char *out, size_t cap)
{
	snprintf(out, cap, "%s", name);
	for (; cap && *out; out++)
		if (*out == '_')
			*out = '-';
}

void jail_done(struct jail *j)
{
	free(j->a4);
	free(j->a6);
	free(j->nics);
	free(j->passed);
	*j = (struct jail){ 0 };
}
