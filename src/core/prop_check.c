/* prop_check.c - is a value typed by a user fit for its property, and its stored form: the simple kinds. */
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "core/addr.h"
#include "core/conf.h"
#include "core/prop_impl.h"

#define VALUE_MAX        65536
/* what sethostname(2) takes on every system we know */
#define HOSTNAME_LEN_MAX 64

int prop_bad(const struct prop_value *v, struct err *e, const char *fmt, ...)
{
	char why[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	return err_set(e, EINVAL, "%.200s is not a valid value for %s.\n%s", *v->value ? v->value : "''", v->name, why);
}

bool prop_truth(const char *value)
{
	return streq(value, "1") || strcasecmp(value, "on") == 0 || strcasecmp(value, "yes") == 0 ||
	       strcasecmp(value, "true") == 0;
}

static bool is_false(const char *value)
{
	return streq(value, "0") || strcasecmp(value, "off") == 0 || strcasecmp(value, "no") == 0 ||
	       strcasecmp(value, "false") == 0;
}

/* Length of the UTF-8 sequence at s; 0 when it is none (overlong, surrogate, past U+10FFFF, cut off). */
static size_t utf8_len(const unsigned char *s)
{
	size_t n = s[0] < 0x80                   ? 1
	           : s[0] >= 0xc2 && s[0] < 0xe0 ? 2
	           : (s[0] & 0xf0) == 0xe0       ? 3
	           : s[0] >= 0xf0 && s[0] < 0xf5 ? 4
	                                         : 0;

	for (size_t i = 1; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] >= 0xa0) || (s[0] == 0xf0 && s[1] < 0x90) ||
	    (s[0] == 0xf4 && s[1] >= 0x90))
		return 0;
	return n;
}

/* What holds for every value: it must survive config.json, a table and a line of the journal. */
static int check_text(const char *name, const char *value, struct err *e)
{
	bool free_text = streq(name, "notes") || streq(name, "comment");
	size_t n, len = strlen(value);

	if (len > VALUE_MAX)
		return err_set(e, EINVAL, "the value for %s is too long: %zu bytes, at most %d", name, len, VALUE_MAX);
	for (const unsigned char *s = (const unsigned char *)value; *s; s += n) {
		n = utf8_len(s);
		if (n == 0)
			return err_set(e, EINVAL, "the value for %s is not text: byte 0x%02x is not UTF-8", name, *s);
		if (iscntrl(*s) && *s != '\t' && !(free_text && *s == '\n'))
			return err_set(e, EINVAL, "the value for %s contains a control character (0x%02x)", name, *s);
	}
	return 0;
}

static int check_bool(const struct prop_value *v, struct sbuf *out, struct err *e)
{
	if (prop_truth(v->value))
		sbuf_addc(out, '1');
	else if (is_false(v->value))
		sbuf_addc(out, '0');
	else
		return prop_bad(v, e, "Value must be 0 or 1 or off or on or no or yes or false or true");
	return 0;
}

static int check_int(const struct prop_value *v, struct sbuf *out, struct err *e)
{
	bool neg = v->value[0] == '-';
	uint64_t n;
	long num;

	if (!str_to_uint(v->value + neg, 0, 1000000000, &n))
		goto bad;
	num = neg ? -(long)n : (long)n;
	if (num < v->p->min || num > v->p->max)
		goto bad;
	sbuf_addf(out, "%ld", num);
	return 0;
bad:
	if (v->id == PROP_devfs_ruleset || v->id == PROP_min_dyn_devfs_ruleset)
		return err_set(e, EINVAL, "Invalid %s value: %.100s", v->name, v->value);
	return prop_bad(v, e, "Value must be a whole number from %ld to %ld", v->p->min, v->p->max);
}

static int check_enum(const struct prop_value *v, struct sbuf *out, struct err *e)
{
	_cleanup_(strv_done) struct strv choices = { 0 };
	_cleanup_(sbuf_done) struct sbuf list = { 0 };

	if ((v->id == PROP_ip4 || v->id == PROP_ip6) && streq(v->value, "none")) {
		sbuf_add(out, "disable"); /* its name in old configurations */
		return 0;
	}
	if (strv_split(&choices, v->p->choices, "|") < 0)
		return err_oom(e);
	if (strv_has(&choices, v->value))
		return 0;
	for (size_t i = 0; i < choices.n; i++)
		sbuf_addf(&list, "%s%s", i ? " or " : "", choices.v[i]);
	return prop_bad(v, e, "Value must be %s", list.p ? list.p : v->p->choices);
}

static int check_str(const struct prop_value *v, struct sbuf *out, struct err *e)
{
	const char *s = v->value;

	(void)out;
	if (v->id == PROP_host_hostname || v->id == PROP_host_domainname) {
		if (strlen(s) > HOSTNAME_LEN_MAX)
			return prop_bad(v, e, "Value must be at most %d characters long", HOSTNAME_LEN_MAX);
		if (strpbrk(s, " \t/"))
			return prop_bad(v, e, "Value must be a host name: no blank and no '/'");
	}
	if (v->id == PROP_exec_init && !streq(s, "auto") && !streq(s, "builtin") &&
	    (s[0] != '/' || !s[1] || strstr(s, "/../") || str_ends(s, "/..")))
		return prop_bad(v, e, "Value must be auto, builtin or an absolute path inside the jail");
	return 0;
}

static int check_cmd(const struct prop_value *v, struct sbuf *out, struct err *e)
{
	(void)out;
	if (v->value[strspn(v->value, " \t")] == '\0')
		return prop_bad(v, e, "Value must be a command; /usr/bin/true does nothing");
	return 0;
}

static int check_names(const struct prop_value *v, struct sbuf *out, struct err *e)
{
	_cleanup_(strv_done) struct strv names = { 0 };
	struct err why = ERR_INIT;

	if (streq(v->value, "none"))
		return 0;
	if (strv_split(&names, v->value, " \t") < 0)
		return err_oom(e);
	if (names.n == 0)
		return prop_bad(v, e, "Value must be none or names separated by blanks");
	for (size_t i = 0; i < names.n; i++) {
		if (v->id == PROP_vnet_interfaces && !ifname_valid(names.v[i]))
			return prop_bad(v, e, "%.100s is not an interface name", names.v[i]);
		if (v->id != PROP_vnet_interfaces && jail_name_check(names.v[i], &why) < 0)
			return prop_bad(v, e, "%s", why.msg);
		for (size_t k = 0; k < i; k++)
			if (streq(names.v[k], names.v[i]))
				return prop_bad(v, e, "%s is there twice", names.v[i]);
		sbuf_addf(out, "%s%s", i ? " " : "", names.v[i]);
	}
	return 0;
}

typedef int (*checker)(const struct prop_value *v, struct sbuf *out, struct err *e);

static const checker checkers[] = {
	[PT_BOOL] = check_bool,
	[PT_INT] = check_int,
	[PT_STR] = check_str,
	[PT_ENUM] = check_enum,
	[PT_IP4] = prop_check_addrs,
	[PT_IP6] = prop_check_addrs,
	[PT_INTERFACES] = prop_check_nics,
	[PT_MACPAIR] = prop_check_macpair,
	[PT_MACPREFIX] = prop_check_macprefix,
	[PT_MTU] = prop_check_mtu,
	[PT_VLANS] = prop_check_vlans,
	[PT_IFNAME] = prop_check_ifname,
	[PT_ROUTER4] = prop_check_router,
	[PT_ROUTER6] = prop_check_router,
	[PT_RESOLVER] = prop_check_resolver,
	[PT_CPUSET] = prop_check_cpuset,
	[PT_RCTL] = prop_check_rctl,
	[PT_SIZE] = prop_check_size,
	[PT_TMPFS] = prop_check_tmpfs,
	[PT_NATFORWARDS] = prop_check_natforwards,
	[PT_NATPREFIX] = prop_check_natprefix,
	[PT_LOCALHOST] = prop_check_localhost,
	[PT_NAMES] = check_names,
	[PT_CMD] = check_cmd,
};

int prop_check(const char *name, const char *value, char **ret, struct err *e)
{
	_cleanup_(sbuf_done) struct sbuf out = { 0 };
	struct prop_value v = { .name = name, .value = value };
	char *s;
	int r;

	if (str_starts(name, "CONFIG_"))
		return err_set(e, EPERM, "%.100s cannot be changed by the user.", name);
	v.id = prop_find(name, NULL);
	if (v.id == PROP__NONE)
		return err_class(e, ERR_MISSING, ENOENT, "%.100s is not a valid property!", name);
	v.p = &prop_table[v.id];
	r = check_text(name, value, e);
	if (r == 0)
		r = checkers[v.p->type](&v, &out, e);
	if (r < 0)
		return r;
	s = out.len || out.failed ? sbuf_take(&out) : strdup(value);
	if (!s)
		return err_oom(e);
	*ret = s;
	return 0;
}
