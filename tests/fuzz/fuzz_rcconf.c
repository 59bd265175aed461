/* fuzz_rcconf.c - rc.conf, through the model and the plan it becomes: every step prints and parses back. */
#include "core/hostnet.h"
#include "fuzz.h"

static void check_op(const struct op *op)
{
	struct sbuf out = { 0 };
	struct err e = ERR_INIT;
	struct op again;
	char *mem = NULL;

	op_format(op, &out);
	must(!out.failed);
	must(!strchr(out.p, '\n'));
	must(op_parse(out.p, &again, &mem, &e) == 0);
	must(op_equal(op, &again));
	free(mem);
	sbuf_done(&out);
}

static struct ipaddr ip(const char *s)
{
	struct ipaddr a = { 0 };

	must(ipaddr_parse(s, 0, &a, NULL) == 0);
	return a;
}

static void plan_it(struct rcvars *vars)
{
	struct hn_link links[] = {
		{ .name = "em0", .index = 2, .mtu = 1500, .up = true, .mac = { { 2, 0, 0, 0, 0, 1 }, true } },
		{ .name = "em1", .index = 3, .mtu = 1500, .mac = { { 2, 0, 0, 0, 0, 2 }, true } },
		{ .name = "bridge1", .index = 4, .mtu = 1500, .is_bridge = true, .alias = "iocage: bridge for jails" },
		{ .name = "em2", .index = 5, .manager = "somebody" },
	};
	struct hn_ip ips[] = { { .index = 2, .addr = ip("192.0.2.1/24") }, { .index = 5, .addr = ip("10.5.0.1/24") } };
	struct hn_route routes[] = { { .index = 2, .table = 254, .dst = ip("0.0.0.0/0"), .gw = ip("192.0.2.254") } };
	struct hn_facts f = { links, 4, ips, 2, routes, 1, { { true, "0" }, { false, "" }, { true, "1" } } };
	struct hostnet h;
	struct plan p = { 0 };
	struct strv left = { 0 };
	struct sbuf out = { 0 };
	struct err e = ERR_INIT;
	int r = hostnet_build(vars, &h, &e);

	if (r == 0) {
		hostnet_describe(&h, &out);
		r = plan_hostnet(&h, &f, &p, &left, &e);
	}
	hostnet_done(&h);
	must(r == 0 || (e.code > 0 && e.msg[0]));
	for (size_t i = 0; i < p.n; i++) {
		check_op(&p.steps[i].redo);
		check_op(&p.steps[i].undo);
	}
	sbuf_done(&out);
	plan_done(&p);
	strv_done(&left);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size);
	struct rcvars vars = { 0 };
	struct err e = ERR_INIT;

	if (rcconf_parse(text, "rc.conf", &vars, &e) == 0)
		plan_it(&vars);
	else
		must(e.code > 0 && strstr(e.msg, "rc.conf:"));
	rcvars_done(&vars);
	free(text);
	return 0;
}
