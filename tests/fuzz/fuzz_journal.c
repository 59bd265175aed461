/* fuzz_journal.c - a whole journal: written back it says the same, and cut anywhere it is a beginning of itself. */
#include "fuzz.h"
#include "store/internal.h"

/* The first n bytes alone: no line is made up, none changes, only the last may be missing. */
static void check_cut(const uint8_t *data, size_t n, const struct journal *whole)
{
	char *text = fuzz_text(data, n);
	struct err e = ERR_INIT;
	struct journal j = { 0 };
	unsigned line;

	must(journal_parse(text, &j, &line, &e) == 0);
	must(j.n <= whole->n);
	for (size_t i = 0; i < j.n; i++)
		must(op_equal(&j.undo[i], &whole->undo[i]));
	journal_done(&j);
	free(text);
}

static void check_written(const struct journal *j)
{
	struct sbuf b = { 0 };
	struct err e = ERR_INIT;
	struct journal back = { 0 };
	unsigned line;

	for (size_t i = 0; i < j->n; i++) {
		op_format(&j->undo[i], &b);
		sbuf_addc(&b, '\n');
	}
	must(!b.failed);
	if (!b.p)
		return;
	must(journal_parse(b.p, &back, &line, &e) == 0);
	must(back.n == j->n);
	for (size_t i = 0; i < j->n; i++)
		must(op_equal(&j->undo[i], &back.undo[i]));
	journal_done(&back);
	sbuf_done(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size);
	struct err e = ERR_INIT;
	struct journal j = { 0 };
	unsigned line;

	if (journal_parse(text, &j, &line, &e) == 0) {
		size_t step = size / 64 + 1;

		check_written(&j);
		for (size_t n = 0; n < size; n += step)
			check_cut(data, n, &j);
	} else {
		must(e.code > 0 && e.msg[0] && line > 0);
		must(j.n == 0);
	}
	journal_done(&j);
	free(text);
	return 0;
}
