/* hold.c - what a shared-IP jail is held to, as text and back. */
#include "core/hold.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

static const char *const modes[] = { [IP_NEW] = "new", [IP_INHERIT] = "inherit", [IP_DISABLE] = "disable" };

static void format_addr(struct sbuf *out, bool *first, uint8_t family, const uint8_t *b)
{
	struct ipaddr a = { .family = family };
	char buf[IPADDR_TEXT];

	memcpy(a.b, b, family == 4 ? 4 : 16);
	sbuf_addf(out, "%s%s", *first ? " a=" : ",", ipaddr_format_host(&a, buf));
	*first = false;
}

void hold_format(const struct hold *h, struct sbuf *out)
{
	bool first = true;

	sbuf_addf(out, "ip4=%s ip6=%s saddrsel4=%d saddrsel6=%d raw=%d reserved=%d", modes[h->ip4], modes[h->ip6],
	          h->saddrsel4, h->saddrsel6, h->raw_sockets, h->reserved_ports);
	if (h->sockets != HOLD_SOCKETS)
		sbuf_addf(out, " sockets=%u", h->sockets);
	for (uint32_t i = 0; i < h->n4; i++)
		format_addr(out, &first, 4, h->a4[i]);
	for (uint32_t i = 0; i < h->n6; i++)
		format_addr(out, &first, 6, h->a6[i]);
}

static bool parse_mode(const char *v, enum ip_mode *ret)
{
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
		if (streq(v, modes[i])) {
			*ret = (enum ip_mode)i;
			return true;
		}
	return false;
}

static bool parse_flag(const char *v, bool *ret)
{
	*ret = streq(v, "1");
	return *ret || streq(v, "0");
}

static bool parse_count(const char *v, uint32_t *ret)
{
	char *end;
	unsigned long n = strtoul(v, &end, 10);

	*ret = (uint32_t)n;
	return end != v && !*end && n <= UINT32_MAX / 2;
}

static bool add_addr(struct hold *h, const struct ipaddr *a)
{
	if (a->family == 4) {
		if (h->n4 == HOLD_ADDRS_MAX)
			return false;
		memcpy(h->a4[h->n4++], a->b, 4);
		return true;
	}
	if (h->n6 == HOLD_ADDRS_MAX)
		return false;
	memcpy(h->a6[h->n6++], a->b, 16);
	return true;
}

static bool parse_addrs(const char *v, struct hold *h)
{
	_cleanup_(strv_done) struct strv items = { 0 };

	if (strv_split(&items, v, ",") < 0)
		return false;
	for (size_t i = 0; i < items.n; i++) {
		struct ipaddr a;

		if (ipaddr_parse(items.v[i], 0, &a, NULL) < 0 || a.has_prefix || a.zone[0] || !add_addr(h, &a))
			return false;
	}
	return true;
}

static bool parse_word(char *word, struct hold *h)
{
	char *v = strchr(word, '=');

	if (!v)
		return false;
	*v++ = '\0';
	if (streq(word, "ip4"))
		return parse_mode(v, &h->ip4);
	if (streq(word, "ip6"))
		return parse_mode(v, &h->ip6);
	if (streq(word, "saddrsel4"))
		return parse_flag(v, &h->saddrsel4);
	if (streq(word, "saddrsel6"))
		return parse_flag(v, &h->saddrsel6);
	if (streq(word, "raw"))
		return parse_flag(v, &h->raw_sockets);
	if (streq(word, "reserved"))
		return parse_flag(v, &h->reserved_ports);
	if (streq(word, "sockets"))
		return parse_count(v, &h->sockets);
	return streq(word, "a") && parse_addrs(v, h);
}

int hold_parse(const char *text, struct hold *ret, struct err *e)
{
	_cleanup_(strv_done) struct strv words = { 0 };
	/* what is not said is not allowed */
	struct hold h = { .ip4 = IP_DISABLE, .ip6 = IP_DISABLE, .sockets = HOLD_SOCKETS };

	if (strv_split(&words, text, " ") < 0)
		return err_oom(e);
	for (size_t i = 0; i < words.n; i++)
		if (!parse_word(words.v[i], &h))
			return err_set(e, EINVAL, "hold: '%.100s' is not understood", words.v[i]);
	*ret = h;
	return 0;
}

static void add_list(struct hold *h, const struct jaddr *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (list[i].mode == JADDR_STATIC)
			(void)add_addr(h, &list[i].addr);
}

void hold_from_jail(const struct jail *j, struct hold *ret)
{
	*ret = (struct hold){
		.ip4 = j->ip4,
		.ip6 = j->ip6,
		.saddrsel4 = j->ip4_saddrsel,
		.saddrsel6 = j->ip6_saddrsel,
		.raw_sockets = (j->allow & ALLOW_RAW_SOCKETS) != 0,
		/* as on FreeBSD: the jail's root may have port 80 of its own address */
		.reserved_ports = true,
		.sockets = j->sockets_max,
	};
	if (j->ip4 == IP_NEW)
		add_list(ret, j->a4, j->n4);
	if (j->ip6 == IP_NEW)
		add_list(ret, j->a6, j->n6);
}
