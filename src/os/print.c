/* print.c - the backend that only prints: --dry-run and golden tests. */
#include "os/os.h"

static int apply(void *ctx, const struct op *const *ops, size_t n, size_t *ret_failed, struct err *e)
{
	struct sbuf *out = ctx;

	for (size_t i = 0; i < n; i++) {
		op_format(ops[i], out);
		sbuf_addc(out, '\n');
	}
	*ret_failed = 0;
	return out->failed ? err_oom(e) : 0;
}

struct backend print_backend(struct sbuf *out)
{
	return (struct backend){ .ctx = out, .apply = apply };
}
