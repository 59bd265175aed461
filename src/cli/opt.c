/* opt.c - the option parser: long, short, grouped and multi-letter options between positionals. */
#include "cli/opt.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct parser {
	const struct opt *opts;
	int argc, i;
	char **argv;
	struct args *ret;
	struct err *e;
};

static bool in_names(const char *names, const char *s, size_t n)
{
	while (*names) {
		size_t len = strcspn(names, "|");

		if (len == n && strncmp(names, s, n) == 0)
			return true;
		names += len;
		if (*names)
			names++;
	}
	return false;
}

static const struct opt *find_long(const struct parser *p, const char *s, size_t n)
{
	for (size_t i = 0; p->opts[i].longs; i++)
		if (n && in_names(p->opts[i].longs, s, n))
			return &p->opts[i];
	return NULL;
}

static const struct opt *find_short(const struct parser *p, char c)
{
	for (size_t i = 0; p->opts[i].longs; i++)
		if (strchr(p->opts[i].shorts, c))
			return &p->opts[i];
	return NULL;
}

static const struct opt *find_word(const struct parser *p, const char *s)
{
	for (size_t i = 0; p->opts[i].longs; i++)
		if (p->opts[i].word && strcmp(p->opts[i].word, s) == 0)
			return &p->opts[i];
	return NULL;
}

size_t opt_long_first(const struct opt *o, const char **ret)
{
	*ret = o->longs;
	return strcspn(o->longs, "|");
}

static void record(struct args *a, const struct opt *o, const char *val)
{
	a->count[o->id]++;
	a->val[o->id] = val;
	if (val) {
		a->val_ids[a->nvals] = o->id;
		a->vals[a->nvals++] = val;
	}
}

static int no_such(struct parser *p, const char *token, int len)
{
	return err_class(p->e, ERR_USAGE, EINVAL, "No such option: %.*s", len, token);
}

/* The value of an option that was not attached to it: the next word. */
static int next_value(struct parser *p, const char *name, int len, const char **ret)
{
	if (p->i + 1 >= p->argc)
		return err_class(p->e, ERR_USAGE, EINVAL, "Option '%.*s' requires an argument.", len, name);
	*ret = p->argv[++p->i];
	return 0;
}

static int parse_long(struct parser *p, const char *token)
{
	size_t n = strcspn(token + 2, "=");
	const struct opt *o = find_long(p, token + 2, n);
	const char *val = NULL;
	int shown = (int)n + 2, r;

	if (!o)
		return no_such(p, token, shown);
	if (token[2 + n] == '=') {
		if (!o->arg)
			return err_class(p->e, ERR_USAGE, EINVAL, "Option '%.*s' does not take a value.", shown, token);
		val = token + 2 + n + 1;
	} else if (o->arg) {
		r = next_value(p, token, shown, &val);
		if (r < 0)
			return r;
	}
	record(p->ret, o, val);
	return 0;
}

static int parse_short(struct parser *p, const char *token)
{
	const struct opt *o = find_word(p, token + 1);
	const char *val;

	if (o) {
		record(p->ret, o, NULL);
		return 0;
	}
	for (const char *s = token + 1; *s; s++) {
		char name[3] = { '-', *s, '\0' };
		int r;

		o = find_short(p, *s);
		if (!o)
			return no_such(p, name, 2);
		if (!o->arg) {
			record(p->ret, o, NULL);
			continue;
		}
		val = s + 1;
		if (!*val) {
			r = next_value(p, name, 2, &val);
			if (r < 0)
				return r;
		}
		record(p->ret, o, val);
		return 0;
	}
	return 0;
}

static bool is_known(const struct parser *p, const char *token)
{
	if (token[1] == '-')
		return find_long(p, token + 2, strcspn(token + 2, "=")) != NULL;
	return find_word(p, token + 1) || find_short(p, token[1]);
}

static void rest_is_positional(struct parser *p)
{
	for (; p->i < p->argc; p->i++)
		p->ret->pos[p->ret->npos++] = p->argv[p->i];
}

int opt_parse(const struct opt *opts, enum opt_mode mode, int argc, char **argv, struct args *ret, struct err *e)
{
	struct parser p = { opts, argc, 0, argv, ret, e };
	int r = 0;

	*ret = (struct args){ 0 };
	ret->pos = calloc((size_t)argc + 1, sizeof(*ret->pos));
	ret->vals = calloc((size_t)argc + 1, sizeof(*ret->vals));
	ret->val_ids = calloc((size_t)argc + 1, sizeof(*ret->val_ids));
	if (!ret->pos || !ret->vals || !ret->val_ids)
		return err_oom(e);
	for (; p.i < argc; p.i++) {
		const char *t = argv[p.i];

		if ((mode == OPT_PASS && ret->npos >= 2) || (mode == OPT_FIRST && ret->npos >= 1)) {
			rest_is_positional(&p);
			break;
		}
		if (t[0] != '-' || !t[1]) {
			ret->pos[ret->npos++] = argv[p.i];
			continue;
		}
		if (strcmp(t, "--") == 0) {
			p.i++;
			rest_is_positional(&p);
			break;
		}
		if (mode == OPT_PASS && ret->npos == 1 && strcmp(t, "--help") != 0 && !is_known(&p, t)) {
			rest_is_positional(&p);
			break;
		}
		if (strcmp(t, "--help") == 0) {
			ret->help = true;
			return 0;
		}
		r = t[1] == '-' ? parse_long(&p, t) : parse_short(&p, t);
		if (r < 0)
			return r;
	}
	return 0;
}

void args_done(struct args *a)
{
	free(a->pos);
	free(a->vals);
	free(a->val_ids);
	*a = (struct args){ 0 };
}
