/* prop_net.c - checking values of the network properties. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "core/addr.h"
#include "core/jail.h"
#include "core/nat.h"
#include "core/prop_impl.h"

static void add_without_blanks(struct sbuf *out, const char *s)
{
	for (; *s; s++)
		if (!isspace((unsigned char)*s))
			sbuf_addc(out, *s);
}

/* blanks out, and DEFAULT| too: no interface means the default one */
static int normal_list(const char *value, struct sbuf *out)
{
	_cleanup_(sbuf_done) struct sbuf flat = { 0 };
	const char *s;

	add_without_blanks(&flat, value);
	if (flat.failed)
		return -ENOMEM;
	s = flat.p ? flat.p : "";
	while (*s) {
		size_t n;

		while (str_starts(s, "DEFAULT|"))
			s += 8;
		n = strcspn(s, ",");
		sbuf_addn(out, s, n + (s[n] == ','));
		s += n + (s[n] == ',');
	}
	return out->failed ? -ENOMEM : 0;
}

int prop_check_addrs(const struct prop_value *v, struct sbuf *out, struct err *e)
{
	_cleanup_free_ struct jaddr *list = NULL;
	size_t n;

	if (normal_list(v->value, out) < 0)
		return err_oom(e);
	return jaddr_list_parse(out->p ? out->p : "", v->p->type == PT_IP4 ? 4 : 6, &list, &n, e);
}

int prop_check_nics(const struct prop_value *v, struct sbuf *out, struct err *e)
{
	_cleanup_free_ struct jnic *list = NULL;
	struct err why = ERR_INIT;
	size_t n;

	add_without_blanks(out, v->value);
	if (out->failed)
		return err_oom(e);
	if (jnic_list_parse(out->p ? out->p : "", &list, &n, &why) < 0)
		return prop_bad(v, e,
		                "%s\nValue must be NIC:BRIDGE[,NIC:BRIDGE...], as in vnet0:bridge0; BRIDGE may be none",
		                why.msg);
	return 0;
}

int prop_check_macpair(const struct prop_value *v, struct sbuf *out, struct err *e)
{
	_cleanup_(strv_done) struct strv words = { 0 };
	struct macaddr m[2];

	if (streq(v->value, "none"))
		return 0;
	if (strv_split(&words, v->value, " ,\t") < 0)
		return err_oom(e);
	if (words.n != 2 || mac_parse(words.v[0], &m[0], NULL) < 0 || mac_parse(words.v[1], &m[1], NULL) < 0 ||
	    memcmp(m[0].b, m[1].b, 6) == 0)
		return err_set(e, EINVAL,
		               "Please enter two valid and different space/comma-delimited MAC addresses for %s.",
		               v->name);
	for (int i = 0; i < 2; i++) {
		static const uint8_t zero[6];

		if ((m[i].b[0] & 1) || memcmp(m[i].b, zero, 6) == 0)
			return prop_bad(v, e, "%s is not the address of one interface (the first octet must be even)",
			                words.v[i]);
		sbuf_addf(out, "%s%02x%02x%02x%02x%02x%02x", i ? " " : "", m[i].b[0], m[i].b[1], m[i].b[2], m[i].b[3],
		          m[i].b[4], m[i].b[5]);
	}
	return 0;
}

int prop_check_macprefix(const struct prop_value *v, struct sbuf *out, struct err *e)
{
	const char *s = v->value;

	if (streq(s, "none"))
		return 0;
	if (strlen(s) != 6 || strspn(s, "0123456789abcdefABCDEF") != 6 || !strchr("26AEae", s[1]))
		return err_set(e, EINVAL,
		               "Invalid mac_prefix. Must match `?X????`, six hex digits with X one of 2, 6, A, E");
	for (; *s; s++)
		sbuf_addc(out, (char)tolower((unsigned char)*s));
	return 0;
}

int prop_check_mtu(const struct prop_value *v, struct sbuf *out, struct err *e)
{
	uint64_t n;

	if (streq(v->value, "auto"))
		return 0;
	if (!str_to_uint(v->value, 68, 65535, &n))
		return prop_bad(v, e, "Value must be auto or a number from 68 to 65535");
	sbuf_addf(out, "%u", (unsigned)n);
	return 0;
}

int prop_check_vlans(const struct prop_value *v, struct sbuf *out, struct err *e)
{
	_cleanup_(sbuf_done) struct sbuf flat = { 0 };
	struct err why = ERR_INIT;
	struct vlans vlans;

	add_without_blanks(&flat, v->value);
	if (flat.failed)
		return err_oom(e);
	if (vlans_parse(flat.p ? flat.p : "", &vlans, &why) < 0)
		return prop_bad(
			v, e,
			"%s\nValue must be none or VLANs joined by commas: 666 untagged, 10t tagged, 5,10t,20t both",
			why.msg);
	vlans_format(&vlans, out);
	return 0;
}

int prop_check_ifname(const struct prop_value *v, struct sbuf *out, struct err *e)
{
	(void)out;
	if (ifname_valid(v->value)) /* auto and none are fit for a name too */
		return 0;
	if (v->id == PROP_vnet_default_interface)
		return err_set(e, EINVAL, "Please provide a valid NIC to be used with vnet");
	return prop_bad(v, e, "Value must be none or an interface name");
}

int prop_check_router(const struct prop_value *v, struct sbuf *out, struct err *e)
{
	int family = v->p->type == PT_ROUTER4 ? 4 : 6;
	struct err why = ERR_INIT;
	struct ipaddr a;

	(void)out;
	if (streq(v->value, "auto") || streq(v->value, "none"))
		return 0;
	if (ipaddr_parse(v->value, family, &a, &why) < 0)
		return prop_bad(v, e, "%s\nValue must be auto, none or an IPv%d address", why.msg, family);
	if (a.has_prefix)
		return prop_bad(v, e, "A router is one address, without /%u", a.prefix);
	if (jaddr_host_check(&a, &why) < 0)
		return prop_bad(v, e, "%s", why.msg);
	return 0;
}

/* One line of a resolv.conf. */
static int check_resolver_line(const struct prop_value *v, const char *line, struct err *e)
{
	static const char *const keys[] = { "nameserver", "search", "domain", "options", "sortlist" };
	_cleanup_(strv_done) struct strv words = { 0 };
	struct ipaddr a;

	if (line[0] == '#')
		return 0;
	if (strv_split(&words, line, " \t") < 0)
		return err_oom(e);
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		if (!streq(words.v[0], keys[i]))
			continue;
		if (words.n < 2)
			return prop_bad(v, e, "'%s' needs a value", keys[i]);
		if (i == 0 && (words.n != 2 || ipaddr_parse(words.v[1], 0, &a, NULL) < 0 || a.has_prefix))
			return prop_bad(v, e, "'%.100s': nameserver must be followed by one address", line);
		return 0;
	}
	return prop_bad(v, e,
	                "'%.100s' is no line of a resolv.conf\nValue must be /etc/resolv.conf, none, /dev/null or "
	                "lines joined by ';'",
	                line);
}

int prop_check_resolver(const struct prop_value *v, struct sbuf *out, struct err *e)
{
	_cleanup_(strv_done) struct strv lines = { 0 };

	(void)out;
	if (streq(v->value, "none") || streq(v->value, "/etc/resolv.conf") || streq(v->value, "/dev/null"))
		return 0;
	if (strv_split(&lines, v->value, ";") < 0)
		return err_oom(e);
	if (lines.n == 0)
		return prop_bad(v, e, "Value must be /etc/resolv.conf, none, /dev/null or lines joined by ';'");
	for (size_t i = 0; i < lines.n; i++) {
		int r = check_resolver_line(v, lines.v[i], e);

		if (r < 0)
			return r;
	}
	return 0;
}

int prop_check_localhost(const struct prop_value *v, struct sbuf *out, struct err *e)
{
	struct ipaddr a;

	(void)out;
	if (streq(v->value, "none"))
		return 0;
	if (ipaddr_parse(v->value, 4, &a, NULL) < 0 || a.has_prefix || jaddr_host_check(&a, NULL) < 0)
		return err_set(e, EINVAL, "Invalid IPv4 address: %.100s", v->value);
	return 0;
}

int prop_check_natprefix(const struct prop_value *v, struct sbuf *out, struct err *e)
{
	const char *dot = strchr(v->value, '.');
	uint64_t a, b;
	char first[4];

	(void)out;
	if (!dot || dot == v->value || dot - v->value > 3 || strlen(dot + 1) > 3)
		return err_set(e, EINVAL, "Supply the first two octets only (XXX.XXX)");
	snprintf(first, sizeof(first), "%.*s", (int)(dot - v->value), v->value);
	if (!str_to_uint(first, 0, 255, &a) || !str_to_uint(dot + 1, 0, 255, &b))
		return err_set(e, EINVAL, "Supply the first two octets only (XXX.XXX)");
	if (a != 10 && !(a == 172 && b >= 16 && b <= 31) && !(a == 192 && b == 168))
		return err_set(e, EINVAL, "Must be a private range");
	return 0;
}

int prop_check_natforwards(const struct prop_value *v, struct sbuf *out, struct err *e)
{
	_cleanup_free_ struct nat_forward *list = NULL;
	size_t n;

	if (streq(v->value, "none"))
		return 0;
	add_without_blanks(out, v->value);
	if (out->failed)
		return err_oom(e);
	return nat_forwards_parse(out->p ? out->p : "", &list, &n, e);
}
