/* fuzz_lease.c - a DHCP lease: whatever a server says, what is taken prints and parses back to the same. */
#include "base/str.h"
#include "core/lease.h"
#include "fuzz.h"

static void check(const struct lease *l)
{
	const struct lease *all[] = { l, l };
	struct sbuf out = { 0 }, again = { 0 }, resolv = { 0 };
	struct err e = ERR_INIT;
	struct lease back;

	must(l->seconds && l->addr.has_prefix && l->addr.prefix && l->ndns <= LEASE_DNS && l->nsearch <= LEASE_SEARCH);
	lease_format(l, &out);
	must(!out.failed && out.len < LEASE_TEXT_MAX);
	must(lease_parse(out.p, &back, &e) == 0);
	lease_format(&back, &again);
	must(!again.failed && strcmp(out.p, again.p) == 0);
	lease_resolv(all, 2, &resolv);
	/* nothing in it but what resolv.conf(5) has */
	must(!resolv.len ||
	     strspn(resolv.p, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._- \n") == resolv.len);
	sbuf_done(&out);
	sbuf_done(&again);
	sbuf_done(&resolv);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size);
	struct err e = ERR_INIT;
	struct lease l;

	if (lease_parse(text, &l, &e) == 0)
		check(&l);
	else
		must(e.code > 0 && e.msg[0]);
	free(text);
	return 0;
}
