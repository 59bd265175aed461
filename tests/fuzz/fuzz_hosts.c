/* fuzz_hosts.c - a new jail's /etc/hosts from its release's: no line is lost, and none but its own comes. */
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
	sbuf_done(&out);
	conf_done(&c);
	free(text);
	return 0;
}
