/* fuzz_sysctl.c - sysctl.conf: names and values come out whole, without blanks around them, or the line is refused. */
#include "core/hostnet.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size);
	struct rcvars vars = { 0 };
	struct hostnet h;
	struct err e = ERR_INIT;

	if (sysctlconf_parse(text, "sysctl.conf", &vars, &e) < 0) {
		must(e.code > 0 && strstr(e.msg, "sysctl.conf:"));
		rcvars_done(&vars);
		free(text);
		return 0;
	}
	for (size_t i = 0; i < vars.n; i++) {
		must(vars.v[i].key[0] && vars.v[i].line > 0);
		must(!strpbrk(vars.v[i].key, " \t\n=#") && !strpbrk(vars.v[i].value, "\n#\""));
		must(rcvars_get(&vars, vars.v[i].key) == &vars.v[i]);
	}
	if (hostnet_build(&vars, &h, &e) < 0)
		must(e.code > 0 && e.msg[0]);
	hostnet_done(&h);
	rcvars_done(&vars);
	free(text);
	return 0;
}
