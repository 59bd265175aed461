/* plan.c - a plan as a list of steps: its memory, and how it prints. */
#include "core/plan.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Keep s (may be NULL: out of memory) until plan_done. */
static const char *keep(struct plan *p, char *s)
{
	if (s && p->nmem == p->capmem) {
		size_t cap = p->capmem ? p->capmem * 2 : 32;
		char **mem = realloc(p->mem, cap * sizeof(*mem));

		if (mem) {
			p->mem = mem;
			p->capmem = cap;
		} else {
			free(s);
			s = NULL;
		}
	}
	if (!s) {
		p->failed = true;
		return NULL;
	}
	p->mem[p->nmem++] = s;
	return s;
}

const char *plan_str(struct plan *p, const char *s)
{
	return s ? keep(p, strdup(s)) : NULL;
}

const char *plan_strf(struct plan *p, const char *fmt, ...)
{
	va_list ap;
	char *s = NULL;

	va_start(ap, fmt);
	if (vasprintf(&s, fmt, ap) < 0)
		s = NULL;
	va_end(ap);
	return keep(p, s);
}

void plan_add(struct plan *p, enum phase ph, const struct op *redo, const struct op *undo)
{
	if (p->n == p->cap) {
		size_t cap = p->cap ? p->cap * 2 : 32;
		struct step *steps = realloc(p->steps, cap * sizeof(*steps));

		if (!steps) {
			p->failed = true;
			return;
		}
		p->steps = steps;
		p->cap = cap;
	}
	p->steps[p->n++] = (struct step){
		.redo = *redo,
		.undo = undo ? *undo : (struct op){ .kind = OP_NONE },
		.phase = ph,
	};
}

int plan_check(const struct plan *p, struct err *e)
{
	return p->failed ? err_oom(e) : 0;
}

void plan_done(struct plan *p)
{
	for (size_t i = 0; i < p->nmem; i++)
		free(p->mem[i]);
	free(p->mem);
	free(p->steps);
	*p = (struct plan){ 0 };
}

void plan_format(const struct plan *p, struct sbuf *out)
{
	for (size_t i = 0; i < p->n; i++) {
		op_format(&p->steps[i].redo, out);
		if (p->steps[i].undo.kind != OP_NONE) {
			sbuf_add(out, " | ");
			op_format(&p->steps[i].undo, out);
		}
		sbuf_addc(out, '\n');
	}
}
