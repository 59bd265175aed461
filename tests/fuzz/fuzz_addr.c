/* fuzz_addr.c - addresses and MACs: what parses prints as something that parses to the same value. */
#include "core/addr.h"
#include "fuzz.h"

static void check_ip(const char *text, int family)
{
	struct ipaddr a, b;
	struct err e = ERR_INIT;
	char buf[IPADDR_TEXT];

	if (ipaddr_parse(text, family, &a, &e) < 0) {
		must(e.code > 0 && e.msg[0]);
		return;
	}
	must(a.family == 4 || a.family == 6);
	must(!family || a.family == family);
	must(!a.has_prefix || a.prefix <= ipaddr_max_prefix(&a));
	must(ipaddr_parse(ipaddr_format(&a, buf), a.family, &b, &e) == 0);
	must(ipaddr_same_host(&a, &b) && a.has_prefix == b.has_prefix && (!a.has_prefix || a.prefix == b.prefix));
	must(ipaddr_in_prefix(&a, &b) || strcmp(a.zone, b.zone) != 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size), buf[18];
	struct macaddr m, again;
	struct err e = ERR_INIT;

	check_ip(text, 0);
	check_ip(text, 4);
	check_ip(text, 6);
	if (mac_parse(text, &m, &e) == 0) {
		must(m.set);
		must(mac_parse(mac_format(&m, buf), &again, &e) == 0);
		must(memcmp(m.b, again.b, sizeof(m.b)) == 0);
	}
	if (ifname_valid(text))
		must(strlen(text) < IFNAME_CAP && !strchr(text, '/'));
	free(text);
	return 0;
}
