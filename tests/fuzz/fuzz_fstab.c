/* fuzz_fstab.c - a jail's fstab, through the plan it becomes: every step prints and parses back, none leaves the root. */
#include "core/plan.h"
#include "fuzz.h"

static bool climbs(const char *path)
{
	for (const char *p = path; (p = strstr(p, "..")); p += 2)
		if ((p == path || p[-1] == '/') && (p[2] == '/' || !p[2]))
			return true;
	return false;
}

static void check_op(const struct op *op)
{
	struct sbuf out = { 0 };
	struct err e = ERR_INIT;
	struct op again;
	char *mem = NULL;

	op_format(op, &out);
	must(!out.failed);
	must(op_parse(out.p, &again, &mem, &e) == 0);
	must(op_equal(op, &again));
	if (op->kind == OP_MOUNT)
		must(op->path && !climbs(op->path));
	free(mem);
	sbuf_done(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size);
	struct conf c = { 0 };
	struct jail j;
	struct facts f = { .host_id = "0123456789abcdef", .jid = 1 };
	struct root_source root = { .dir = "/jails/j/root", .fstab = text };
	struct plan p = { 0 };
	struct err e = ERR_INIT;

	must(jail_build(&c, "j", &j, &e) == 0);
	if (plan_start(&j, &f, &root, &p, &e) == 0) {
		for (size_t i = 0; i < p.n; i++) {
			check_op(&p.steps[i].redo);
			check_op(&p.steps[i].undo);
		}
	} else {
		must(e.code > 0 && e.msg[0]);
	}
	plan_done(&p);
	jail_done(&j);
	conf_done(&c);
	free(text);
	return 0;
}
