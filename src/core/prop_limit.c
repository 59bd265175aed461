/* prop_limit.c - checking values of limits: CPU sets, resource rules, sizes. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "core/prop_impl.h"

#define CPU_MAX 4096

static int cpuset_bad(const struct prop_value *v, struct err *e)
{
	return prop_bad(v, e, "Value must be off, all, a list of CPUs (0,2,5) or a range (0-3), no CPU twice");
}

int prop_check_cpuset(const struct prop_value *v, struct sbuf *out, struct err *e)
{
	_cleanup_(strv_done) struct strv items = { 0 };
	_cleanup_free_ bool *seen = calloc(CPU_MAX, sizeof(*seen));

	if (streq(v->value, "off") || streq(v->value, "all"))
		return 0;
	if (!seen || strv_split(&items, v->value, ",") < 0)
		return err_oom(e);
	if (items.n == 0 || strstr(v->value, ",,") || v->value[0] == ',' || str_ends(v->value, ","))
		return cpuset_bad(v, e);
	for (size_t i = 0; i < items.n; i++) {
		char *dash = strchr(items.v[i], '-');
		uint64_t a, b;

		sbuf_addf(out, "%s%s", i ? "," : "", items.v[i]);
		if (dash)
			*dash++ = '\0';
		if (!str_to_uint(items.v[i], 0, CPU_MAX - 1, &a) ||
		    !str_to_uint(dash ? dash : items.v[i], a, CPU_MAX - 1, &b))
			return cpuset_bad(v, e);
		for (; a <= b; a++) {
			if (seen[a])
				return cpuset_bad(v, e);
			seen[a] = true;
		}
	}
	return 0;
}

/* sigterm, sigkill, ...: which of them exist is the kernel's business */
static bool is_signal(const char *s)
{
	size_t n = strlen(s);

	return str_starts(s, "sig") && n > 3 && n < 10 && strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789") == n;
}

/* Digits and, where bytes is set, one letter of bkmgtp. */
static bool is_amount(const char *s, bool bytes)
{
	size_t n = strspn(s, "0123456789");

	if (n == 0 || n > 18)
		return false;
	if (s[n] && bytes && strchr("bkmgtpBKMGTP", s[n]))
		n++;
	return s[n] == '\0';
}

int prop_check_rctl(const struct prop_value *v, struct sbuf *out, struct err *e)
{
	_cleanup_(strv_done) struct strv actions = { 0 };
	_cleanup_free_ char *action = NULL;
	const char *eq = strchr(v->value, '=');
	bool bytes = v->p->min != 0;

	if (streq(v->value, "off"))
		return 0;
	action = strndup(v->value, eq ? (size_t)(eq - v->value) : 0);
	if (!action || strv_split(&actions, v->p->choices, "|") < 0)
		return err_oom(e);
	if (!eq || !(is_signal(action) || (strv_has(&actions, action) && !strchr(action, '*'))) ||
	    !is_amount(eq + 1, bytes))
		return prop_bad(v, e, "Value must be off or ACTION=AMOUNT; ACTION is one of %s; AMOUNT is a number%s",
		                v->p->choices, bytes ? ", which may end in b, k, m, g, t or p" : "");
	for (const char *s = v->value; *s; s++)
		sbuf_addc(out, (char)tolower((unsigned char)*s));
	return 0;
}

int prop_check_tmpfs(const struct prop_value *v, struct sbuf *out, struct err *e)
{
	size_t n = strspn(v->value, "0123456789");
	const char *unit = v->value + n;
	bool percent = streq(unit, "%") && n <= 2;

	(void)out;
	if (streq(v->value, "off"))
		return 0;
	if (n == 0 || n > 12 || strspn(v->value, "0") == n ||
	    (!percent && (!*unit || !strchr("kmgtKMGT", *unit) || unit[1])))
		return prop_bad(
			v, e,
			"Value must be off, a number ending in K, M, G or T, as in 64M, or percent of the host's "
			"memory, as in 10%%");
	return 0;
}

int prop_check_size(const struct prop_value *v, struct sbuf *out, struct err *e)
{
	size_t n = strspn(v->value, "0123456789");

	(void)out;
	if (streq(v->value, "none"))
		return 0;
	if (n == 0 || n > 12 || strspn(v->value, "0") == n || !strchr("KMGT", v->value[n]) || !v->value[n] ||
	    v->value[n + 1])
		return prop_bad(v, e, "Value must be none or a number ending in K, M, G or T, as in 10G");
	return 0;
}
