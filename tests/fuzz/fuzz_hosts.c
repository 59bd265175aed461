/* fuzz_hosts.c - a new jail's /etc/hosts from its release's, and one whose localhost changes: no line is lost, none but its own comes. */
#include "base/str.h"
#include "core/hosts.h"
#include "fuzz.h"

static size_t lines(const char *s)
{
	size_t n = 0;

	for (; *s; s += strcspn(s, "\n"), s += *s == '\n')
		n++;
	return n;
}

/* What localhost is, changed: as many lines, and a second time changes nothing. */
static void change_localhost(const char *text)
{
	struct ipaddr own;
	struct sbuf out = { 0 }, again = { 0 };
	struct err e = ERR_INIT;
	int r;

	must(ipaddr_parse("127.0.0.2", 4, &own, &e) == 0);
	r = hosts_localhost(text, &own, &out, &e);
	must(r == 0 || r == 1);
	must(lines(out.p ? out.p : "") == lines(text));
	must(hosts_localhost(out.p ? out.p : "", &own, &again, &e) == 0);
	must(r == 1 || streq(out.p ? out.p : "", text));
	sbuf_done(&out);
	sbuf_done(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size);
	struct conf c = { 0 };
	struct sbuf out = { 0 };
	struct err e = ERR_INIT;

	must(conf_layer_set(&c.own, "host_hostname", "www-1.example.org") == 0);
	must(conf_layer_set(&c.own, "ip4_addr", "em0|10.1.1.10/24") == 0);
	must(hosts_text(&c, text, &out, &e) == 0);
	must(lines(out.p) == lines(text) + 1);
	must(str_ends(out.p, "10.1.1.10\twww-1.example.org www-1\n"));
	change_localhost(text);
	sbuf_done(&out);
	conf_done(&c);
	free(text);
	return 0;
}
