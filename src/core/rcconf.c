/* rcconf.c - reading rc.conf and sysctl.conf: the assignments a shell would make, nothing of what else it could do. */
#include "core/rcconf.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/str.h"

struct reader {
	const char *s; /* what is still to be read */
	const char *file;
	unsigned line;
	struct rcvars *ret;
	struct err *e;
};

static int bad(const struct reader *r, unsigned line, const char *what)
{
	return err_set(r->e, EINVAL, "%s:%u: %s", r->file, line, what);
}

static struct rcvar *slot(struct rcvars *vars, const char *key)
{
	struct rcvar *grown;

	for (size_t i = 0; i < vars->n; i++)
		if (streq(vars->v[i].key, key))
			return &vars->v[i];
	if (vars->n == vars->cap) {
		size_t cap = vars->cap ? vars->cap * 2 : 16;

		grown = realloc(vars->v, cap * sizeof(*grown));
		if (!grown)
			return NULL;
		vars->v = grown;
		vars->cap = cap;
	}
	vars->v[vars->n] = (struct rcvar){ .key = strdup(key) };
	return vars->v[vars->n].key ? &vars->v[vars->n++] : NULL;
}

static int assign(const struct reader *r, const char *key, const char *value, unsigned line)
{
	struct rcvar *v = slot(r->ret, key);
	char *text = strdup(value), *file = strdup(r->file);

	if (!v || !text || !file) {
		free(text);
		free(file);
		return err_oom(r->e);
	}
	free(v->value);
	free(v->file);
	v->value = text;
	v->file = file;
	v->line = line;
	return 0;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static void skip_blanks(struct reader *r)
{
	while (is_blank(*r->s))
		r->s++;
}

/* Blanks and a comment may end a line, nothing else. */
static int end_of_line(struct reader *r)
{
	bool apart = is_blank(*r->s);

	skip_blanks(r);
	if (*r->s == '#' && apart)
		r->s += strcspn(r->s, "\n");
	if (*r->s && *r->s != '\n')
		return bad(r, r->line,
		           "one assignment on a line, NAME=\"VALUE\"; this file is read, not run by a shell");
	if (*r->s) {
		r->s++;
		r->line++;
	}
	return 0;
}

/* A character of a value; what a shell would replace or act on is refused. */
static int take_char(struct reader *r, struct sbuf *out, bool quoted)
{
	char c = *r->s;

	if (c == '$' || c == '`')
		return bad(r, r->line, "$ and ` are not understood here: write the value itself");
	if (!quoted && strchr(";&|<>()", c))
		return bad(r, r->line, "shell commands are not understood here: put the value in quotes");
	if (!quoted && c == '~' && (!out->len || out->p[out->len - 1] == ':'))
		return bad(r, r->line, "~ is not understood here");
	if (iscntrl((unsigned char)c) && c != '\t' && c != '\n')
		return bad(r, r->line,
		           c == '\r' ? "a carriage return: the file has line ends of another system"
		                     : "a control character");
	if (c == '\n')
		r->line++;
	sbuf_addc(out, c);
	r->s++;
	return 0;
}

static int single_quoted(struct reader *r, struct sbuf *out)
{
	unsigned line = r->line;

	for (r->s++; *r->s != '\''; r->s++) {
		if (!*r->s)
			return bad(r, line, "a quote that is not closed");
		if (iscntrl((unsigned char)*r->s) && *r->s != '\t' && *r->s != '\n')
			return bad(r, r->line, "a control character");
		if (*r->s == '\n')
			r->line++;
		sbuf_addc(out, *r->s);
	}
	r->s++;
	return 0;
}

/* In double quotes a backslash takes only what would be special there; else it stands for itself. */
static int escaped(struct reader *r, struct sbuf *out, bool quoted)
{
	char c = r->s[1];

	if (!c)
		return bad(r, r->line, "a backslash at the end of the file");
	if (c == '\n') {
		r->line++;
	} else if (iscntrl((unsigned char)c) && c != '\t') {
		return bad(r, r->line, "a control character");
	} else {
		if (quoted && !strchr("\"\\$`", c))
			sbuf_addc(out, '\\');
		sbuf_addc(out, c);
	}
	r->s += 2;
	return 0;
}

static int double_quoted(struct reader *r, struct sbuf *out)
{
	unsigned line = r->line;
	int k = 0;

	for (r->s++; k == 0 && *r->s != '"';) {
		if (!*r->s)
			return bad(r, line, "a quote that is not closed");
		k = *r->s == '\\' ? escaped(r, out, true) : take_char(r, out, true);
	}
	if (k == 0)
		r->s++;
	return k;
}

static int take_value(struct reader *r, struct sbuf *out)
{
	int k = 0;

	while (k == 0 && *r->s && *r->s != '\n' && !is_blank(*r->s)) {
		if (*r->s == '\'')
			k = single_quoted(r, out);
		else if (*r->s == '"')
			k = double_quoted(r, out);
		else if (*r->s == '\\')
			k = escaped(r, out, false);
		else
			k = take_char(r, out, false);
	}
	return k;
}

static size_t name_len(const char *s, const char *more)
{
	size_t n = 0;

	if (!isalpha((unsigned char)*s) && *s != '_')
		return 0;
	while (isalnum((unsigned char)s[n]) || s[n] == '_' || (s[n] && strchr(more, s[n])))
		n++;
	return n;
}

static int rc_line(struct reader *r)
{
	_cleanup_(sbuf_done) struct sbuf key = { 0 }, value = { 0 };
	size_t n = name_len(r->s, "");
	unsigned line = r->line;
	int k;

	if (n && r->s[n] == '+' && r->s[n + 1] == '=')
		return bad(r, line, "+= is not understood here: write the whole value");
	if (!n || r->s[n] != '=')
		return bad(r, line, "not an assignment, NAME=\"VALUE\"");
	sbuf_addn(&key, r->s, n);
	r->s += n + 1;
	k = take_value(r, &value);
	if (k == 0)
		k = end_of_line(r);
	if (k < 0)
		return k;
	if (key.failed || value.failed)
		return err_oom(r->e);
	return assign(r, key.p, value.p ? value.p : "", line);
}

/* Each line that says something to fn, which moves on to the next. */
static int lines(struct reader *r, int (*fn)(struct reader *r))
{
	int k = 0;

	while (k == 0 && *r->s) {
		skip_blanks(r);
		if (*r->s == '#')
			r->s += strcspn(r->s, "\n");
		if (*r->s == '\n') {
			r->s++;
			r->line++;
		} else if (*r->s) {
			k = fn(r);
		}
	}
	return k;
}

int rcconf_parse(const char *text, const char *file, struct rcvars *ret, struct err *e)
{
	struct reader r = { text, file, 1, ret, e };

	return lines(&r, rc_line);
}

/* The value: up to a comment, without blanks around it, without the quotes some put there. */
static int sysctl_line(struct reader *r)
{
	_cleanup_(sbuf_done) struct sbuf key = { 0 }, value = { 0 };
	size_t n = name_len(r->s, ".-%");
	const char *v = r->s + n, *end;

	while (is_blank(*v))
		v++;
	if (!n || *v != '=')
		return bad(r, r->line, "not a line of sysctl.conf, name=value");
	sbuf_addn(&key, r->s, n);
	for (v++; is_blank(*v); v++)
		;
	end = v + strcspn(v, "#\n");
	r->s = end + strcspn(end, "\n");
	while (end > v && is_blank(end[-1]))
		end--;
	if (end - v >= 2 && *v == '"' && end[-1] == '"') {
		v++;
		end--;
	}
	for (const char *p = v; p < end; p++)
		if (iscntrl((unsigned char)*p) || *p == '"')
			return bad(r, r->line, "not a value");
	sbuf_addn(&value, v, (size_t)(end - v));
	if (key.failed || value.failed)
		return err_oom(r->e);
	return assign(r, key.p, value.p ? value.p : "", r->line);
}

int sysctlconf_parse(const char *text, const char *file, struct rcvars *ret, struct err *e)
{
	struct reader r = { text, file, 1, ret, e };

	return lines(&r, sysctl_line);
}

const struct rcvar *rcvars_get(const struct rcvars *vars, const char *key)
{
	for (size_t i = 0; i < vars->n; i++)
		if (streq(vars->v[i].key, key))
			return &vars->v[i];
	return NULL;
}

void rcvars_done(struct rcvars *vars)
{
	for (size_t i = 0; i < vars->n; i++) {
		free(vars->v[i].key);
		free(vars->v[i].value);
		free(vars->v[i].file);
	}
	free(vars->v);
	*vars = (struct rcvars){ 0 };
}
