/* table.h - rows of text as a boxed table, or tab-separated for scripts; strings of JSON. */
#ifndef IOCAGE_CLI_TABLE_H
#define IOCAGE_CLI_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

#define TABLE_COLS_MAX 12

struct table {
	size_t cols;
	const char *const *head; /* cols titles, borrowed */
	char **cell; /* rows * cols, owned */
	size_t rows, cap;
	bool failed; /* out of memory: table_print says so */
};

void table_init(struct table *t, const char *const *head, size_t cols);
/* Append a row; the cells are copied, control characters in them become '?' (a terminal obeys them). */
void table_row(struct table *t, const char *const *cells);
/* The box (script false), or `a<TAB>b` lines without a head, appended to out. false: out of memory. */
bool table_print(const struct table *t, bool script, struct sbuf *out);
void table_done(struct table *t);

/* s as a JSON string, quotes and all. */
void add_json(struct sbuf *out, const char *s);

#endif
