/* op.c - operations as text and back: the form they have in the journal and in --dry-run. */
#include "core/op.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *name;
	bool batched;
} kinds[OP__COUNT] = {
#define X(id, name, batch) [OP_##id] = { name, batch },
	OP_KINDS(X)
#undef X
};

enum field_type { F_STR, F_U32, F_HEX, F_ADDR, F_MAC };

/* Every field an operation can carry, in the order it prints. A field that is NULL or 0 does not print. */
static const struct field {
	const char *name;
	enum field_type type;
	size_t off;
} fields[] = {
#define FIELD(name, type)                              \
	{                                              \
#name, type, offsetof(struct op, name) \
	}
	FIELD(name, F_STR),   FIELD(link, F_STR),    FIELD(peer, F_STR),   FIELD(bridge, F_STR), FIELD(parent, F_STR),
	FIELD(source, F_STR), FIELD(path, F_STR),    FIELD(fstype, F_STR), FIELD(opts, F_STR),   FIELD(addr, F_ADDR),
	FIELD(dst, F_ADDR),   FIELD(gw, F_ADDR),     FIELD(id, F_U32),     FIELD(index, F_U32),  FIELD(mac, F_MAC),
	FIELD(mac2, F_MAC),   FIELD(mtu, F_U32),     FIELD(metric, F_U32), FIELD(flags, F_HEX),  FIELD(host, F_STR),
	FIELD(domain, F_STR), FIELD(timeout, F_U32), FIELD(alias, F_STR),  FIELD(text, F_STR),
#undef FIELD
};

#define NFIELDS (sizeof(fields) / sizeof(fields[0]))

static const void *at(const struct op *op, const struct field *f)
{
	return (const char *)op + f->off;
}

static void *at_mut(struct op *op, const struct field *f)
{
	return (char *)op + f->off;
}

const char *op_kind_name(enum op_kind k)
{
	return (unsigned)k < OP__COUNT ? kinds[k].name : "unknown";
}

bool op_is_batched(enum op_kind k)
{
	return (unsigned)k < OP__COUNT && kinds[k].batched;
}

/* Printed as it is; anything else makes the value quoted. '|' is not here: it separates a step from its inverse. */
static bool is_bare(const char *s)
{
	static const char ok[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./:,=+@%-";

	return *s && strspn(s, ok) == strlen(s);
}

static void add_value(struct sbuf *out, const char *s)
{
	if (is_bare(s)) {
		sbuf_add(out, s);
		return;
	}
	sbuf_addc(out, '"');
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if (c == '"' || c == '\\')
			sbuf_addf(out, "\\%c", c);
		else if (c == '\n')
			sbuf_add(out, "\\n");
		else if (c == '\t')
			sbuf_add(out, "\\t");
		else if (c < 0x20 || c >= 0x7f)
			sbuf_addf(out, "\\x%02x", c);
		else
			sbuf_addc(out, (char)c);
	}
	sbuf_addc(out, '"');
}

static void format_field(const struct op *op, const struct field *f, struct sbuf *out)
{
	const void *p = at(op, f);
	char buf[IPADDR_TEXT];

	switch (f->type) {
	case F_STR: {
		const char *s = *(const char *const *)p;

		if (s) {
			sbuf_addf(out, " %s=", f->name);
			add_value(out, s);
		}
		break;
	}
	case F_U32:
	case F_HEX: {
		uint32_t v = *(const uint32_t *)p;

		if (v)
			sbuf_addf(out, f->type == F_HEX ? " %s=0x%x" : " %s=%u", f->name, v);
		break;
	}
	case F_ADDR:
		if (((const struct ipaddr *)p)->family) {
			sbuf_addf(out, " %s=", f->name);
			add_value(out, ipaddr_format(p, buf));
		}
		break;
	case F_MAC:
		if (((const struct macaddr *)p)->set)
			sbuf_addf(out, " %s=%s", f->name, mac_format(p, buf));
		break;
	}
}

void op_format(const struct op *op, struct sbuf *out)
{
	sbuf_add(out, op_kind_name(op->kind));
	if (op->where == AT_JAIL)
		sbuf_add(out, " at=jail");
	for (size_t i = 0; i < NFIELDS; i++)
		format_field(op, &fields[i], out);
}

static int hexdigit(char c)
{
	const char *d = "0123456789abcdef", *p = c ? strchr(d, c) : NULL;

	return p ? (int)(p - d) : -1;
}

/* One character after a backslash, at *s; moves *s past it. -1: not an escape of ours. */
static int unescape(char **s)
{
	char c = *(*s)++;
	int hi, lo;

	switch (c) {
	case '"':
	case '\\':
		return c;
	case 'n':
		return '\n';
	case 't':
		return '\t';
	case 'x':
		hi = hexdigit((*s)[0]);
		lo = hi < 0 ? -1 : hexdigit((*s)[1]);
		if (lo < 0 || (hi == 0 && lo == 0))
			return -1;
		*s += 2;
		return hi << 4 | lo;
	default:
		return -1;
	}
}

/* Cut the value that starts at *s out of the line, decoded in place. NULL: malformed. *s then stands at the next word. */
static char *take_value(char **s)
{
	char *from = *s, *to = *s, *start = *s;

	if (*from != '"') {
		from += strcspn(from, " ");
		if (*from)
			*from++ = '\0';
		*s = from;
		return is_bare(start) ? start : NULL;
	}
	for (from++; *from != '"';) {
		int c = (unsigned char)*from++;

		if (c == '\0')
			return NULL;
		if (c == '\\')
			c = unescape(&from);
		if (c < 0)
			return NULL;
		*to++ = (char)c;
	}
	from++;
	if (*from == ' ')
		from++;
	else if (*from != '\0')
		return NULL;
	*to = '\0';
	*s = from;
	return start;
}

static bool parse_u32(const char *v, bool hex, uint32_t *ret)
{
	uint64_t n = 0;

	if (hex && str_starts(v, "0x")) {
		v += 2;
		if (!*v || strlen(v) > 8)
			return false;
		for (; *v; v++) {
			if (hexdigit(*v) < 0)
				return false;
			n = n << 4 | (unsigned)hexdigit(*v);
		}
	} else if (!str_to_uint(v, 0, UINT32_MAX, &n)) {
		return false;
	}
	*ret = (uint32_t)n;
	return true;
}

static bool parse_field(struct op *op, const struct field *f, char *v)
{
	void *p = at_mut(op, f);

	switch (f->type) {
	case F_STR:
		*(const char **)p = v;
		return true;
	case F_U32:
		return parse_u32(v, false, p);
	case F_HEX:
		return parse_u32(v, true, p);
	case F_ADDR:
		return ipaddr_parse(v, 0, p, NULL) == 0;
	case F_MAC:
		return mac_parse(v, p, NULL) == 0;
	}
	return false;
}

/* key=value at *s into op. seen: bit per field, so that none comes twice. */
static bool parse_pair(char **s, struct op *op, uint32_t *seen)
{
	char *key = *s, *eq = strchr(key, '='), *v;

	if (!eq)
		return false;
	*eq = '\0';
	*s = eq + 1;
	v = take_value(s);
	if (!v)
		return false;
	if (streq(key, "at")) {
		op->where = AT_JAIL;
		return streq(v, "jail");
	}
	for (size_t i = 0; i < NFIELDS; i++) {
		if (!streq(key, fields[i].name))
			continue;
		if (*seen & 1U << i)
			return false;
		*seen |= 1U << i;
		return parse_field(op, &fields[i], v);
	}
	return false;
}

int op_parse(const char *line, struct op *ret, char **ret_mem, struct err *e)
{
	size_t n = strlen(line), k;
	struct op op = { 0 };
	uint32_t seen = 0;
	char *mem, *s;

	while (n && (line[n - 1] == '\n' || line[n - 1] == '\r' || line[n - 1] == ' '))
		n--;
	mem = strndup(line, n);
	if (!mem)
		return err_oom(e);
	s = mem + strcspn(mem, " ");
	if (*s)
		*s++ = '\0';
	for (k = 0; k < OP__COUNT && !streq(kinds[k].name, mem); k++)
		;
	op.kind = (enum op_kind)k;
	if (k == OP__COUNT)
		goto bad;
	while (*s)
		if (!parse_pair(&s, &op, &seen))
			goto bad;
	*ret = op;
	*ret_mem = mem;
	return 0;
bad:
	free(mem);
	return err_set(e, EINVAL, "not an operation: %.200s", line);
}

static bool field_equal(const struct op *a, const struct op *b, const struct field *f)
{
	const void *p = at(a, f), *q = at(b, f);

	switch (f->type) {
	case F_STR: {
		const char *s = *(const char *const *)p, *t = *(const char *const *)q;

		return s && t ? streq(s, t) : s == t;
	}
	case F_U32:
	case F_HEX:
		return *(const uint32_t *)p == *(const uint32_t *)q;
	case F_ADDR: {
		const struct ipaddr *x = p, *y = q;

		return ipaddr_same_host(x, y) && x->has_prefix == y->has_prefix &&
		       (!x->has_prefix || x->prefix == y->prefix);
	}
	case F_MAC: {
		const struct macaddr *x = p, *y = q;

		return x->set == y->set && (!x->set || memcmp(x->b, y->b, sizeof(x->b)) == 0);
	}
	}
	return false;
}

bool op_equal(const struct op *a, const struct op *b)
{
	if (a->kind != b->kind || a->where != b->where)
		return false;
	for (size_t i = 0; i < NFIELDS; i++)
		if (!field_equal(a, b, &fields[i]))
			return false;
	return true;
}

static bool same_text(const char *a, const char *b)
{
	return a && b ? streq(a, b) : a == b;
}

bool op_same_thing(const struct op *a, const struct op *b)
{
	if (a->kind != b->kind || !same_text(a->name, b->name))
		return false;
	if (a->alias && b->alias && streq(a->alias, b->alias))
		return true;
	return same_text(a->link, b->link) && a->addr.family == b->addr.family &&
	       (!a->addr.family || ipaddr_same_host(&a->addr, &b->addr));
}
