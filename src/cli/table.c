/* table.c - draws text tables: head centred, cells left, a rule under each row. */
#include "cli/table.h"

#include <stdlib.h>
#include <string.h>

void add_json(struct sbuf *out, const char *s)
{
	sbuf_addc(out, '"');
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			sbuf_addf(out, "\\%c", *s);
		else if ((unsigned char)*s < 0x20)
			sbuf_addf(out, "\\u%04x", (unsigned)*s);
		else
			sbuf_addc(out, *s);
	}
	sbuf_addc(out, '"');
}

void table_init(struct table *t, const char *const *head, size_t cols)
{
	*t = (struct table){ .head = head, .cols = cols };
}

void table_done(struct table *t)
{
	for (size_t i = 0; i < t->rows * t->cols; i++)
		free(t->cell[i]);
	free(t->cell);
	*t = (struct table){ 0 };
}

static char *clean_copy(const char *s)
{
	char *p = strdup(s);

	for (char *c = p; c && *c; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			*c = '?';
	return p;
}

void table_row(struct table *t, const char *const *cells)
{
	size_t at = t->rows * t->cols;

	if (t->failed)
		return;
	if (t->rows == t->cap) {
		size_t cap = t->cap ? t->cap * 2 : 32;
		char **p = reallocarray(t->cell, cap * t->cols, sizeof(*p));

		if (!p) {
			t->failed = true;
			return;
		}
		t->cell = p;
		t->cap = cap;
	}
	for (size_t i = 0; i < t->cols; i++) {
		t->cell[at + i] = clean_copy(cells[i]);
		if (!t->cell[at + i])
			t->failed = true;
	}
	t->rows++;
}

/* Characters, not bytes: UTF-8 continuation bytes take no room. */
static size_t width(const char *s)
{
	size_t n = 0;

	for (; *s; s++)
		if (((unsigned char)*s & 0xc0) != 0x80)
			n++;
	return n;
}

static void repeat(struct sbuf *out, char c, size_t n)
{
	while (n--)
		sbuf_addc(out, c);
}

static void rule(const size_t *w, size_t cols, char c, struct sbuf *out)
{
	for (size_t i = 0; i < cols; i++) {
		sbuf_addc(out, '+');
		repeat(out, c, w[i] + 2);
	}
	sbuf_add(out, "+\n");
}

static void line(const size_t *w, size_t cols, const char *const *cells, bool centre, struct sbuf *out)
{
	for (size_t i = 0; i < cols; i++) {
		size_t fill = w[i] - width(cells[i]), left = centre ? fill / 2 : 0;

		sbuf_add(out, "| ");
		repeat(out, ' ', left);
		sbuf_add(out, cells[i]);
		repeat(out, ' ', fill - left + 1);
	}
	sbuf_add(out, "|\n");
}

static void print_script(const struct table *t, struct sbuf *out)
{
	for (size_t i = 0; i < t->rows * t->cols; i++) {
		sbuf_add(out, t->cell[i]);
		sbuf_addc(out, (i + 1) % t->cols ? '\t' : '\n');
	}
}

bool table_print(const struct table *t, bool script, struct sbuf *out)
{
	size_t w[TABLE_COLS_MAX] = { 0 };

	if (t->failed || t->cols > TABLE_COLS_MAX)
		return false;
	if (script) {
		print_script(t, out);
		return !out->failed;
	}
	for (size_t i = 0; i < t->cols; i++)
		w[i] = width(t->head[i]);
	for (size_t i = 0; i < t->rows * t->cols; i++) {
		size_t n = width(t->cell[i]);

		if (n > w[i % t->cols])
			w[i % t->cols] = n;
	}
	rule(w, t->cols, '-', out);
	line(w, t->cols, t->head, true, out);
	rule(w, t->cols, '=', out);
	for (size_t r = 0; r < t->rows; r++) {
		line(w, t->cols, (const char *const *)t->cell + r * t->cols, false, out);
		rule(w, t->cols, '-', out);
	}
	return !out->failed;
}
