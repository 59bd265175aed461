/* fuzz_op.c - a line of a journal: what parses prints as a line that parses to an equal operation. */
#include "core/op.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *line = fuzz_text(data, size), *mem = NULL, *mem2 = NULL, text[256];
	struct op op, again;
	struct err e = ERR_INIT;
	struct sbuf out = { 0 };

	if (op_parse(line, &op, &mem, &e) == 0) {
		must(op.kind < OP__COUNT);
		op_describe(&op, text, sizeof(text));
		must(strlen(text) < sizeof(text));
		op_format(&op, &out);
		must(!out.failed && out.p);
		must(!strchr(out.p, '\n'));
		must(op_parse(out.p, &again, &mem2, &e) == 0);
		must(op_equal(&op, &again));
	} else {
		must(e.code > 0 && e.msg[0]);
	}
	free(mem);
	free(mem2);
	sbuf_done(&out);
	free(line);
	return 0;
}
