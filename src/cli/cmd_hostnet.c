/* cmd_hostnet.c - hostnet: the host's own network from rc.conf and sysctl.conf lines: apply, check, show, undo. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "cli/cli.h"
#include "cli/host_run.h"
#include "os/os.h"

#define RC_CONF     "/etc/iocage/rc.conf"
#define SYSCTL_CONF "/etc/iocage/sysctl.conf"
#define CONF_MAX    (1024 * 1024)

struct work {
	struct cli *c;
	struct os_jail oj;
	struct os *os;
	struct rcvars vars;
	struct hostnet h;
	struct hn_facts facts;
	struct plan plan;
	struct strv left; /* what somebody else manages */
	int lock;
};

static void work_done(struct work *w)
{
	plan_done(&w->plan);
	hn_facts_done(&w->facts);
	hostnet_done(&w->h);
	rcvars_done(&w->vars);
	strv_done(&w->left);
	if (w->os)
		os_close(w->os);
	closep(&w->lock);
}

/* --- the files --- */

static int read_file(struct work *w, const char *path, struct err *e)
{
	_cleanup_free_ char *text = NULL;
	const char *base = strrchr(path, '/');
	size_t len;
	int r = fs_read(AT_FDCWD, path, CONF_MAX, &text, &len, e);

	if (r < 0)
		return r;
	if (strlen(text) != len)
		return err_set(e, EINVAL, "%s: a NUL byte: not a text file", path);
	if (strstr(base ? base : path, "sysctl"))
		return sysctlconf_parse(text, path, &w->vars, e);
	return rcconf_parse(text, path, &w->vars, e);
}

/* Those named, else those of the two usual ones that are there. */
static int read_files(struct work *w, const struct args *a, struct err *e)
{
	static const char *const usual[] = { RC_CONF, SYSCTL_CONF };
	size_t found = 0;
	int r = 0;

	for (size_t i = 0; r == 0 && i < a->nvals; i++)
		if (a->val_ids[i] == OPT_FILE)
			r = read_file(w, a->vals[i], e);
	for (size_t i = 0; r == 0 && !args_has(a, OPT_FILE) && i < 2; i++) {
		if (access(usual[i], F_OK) < 0)
			continue;
		found++;
		r = read_file(w, usual[i], e);
	}
	if (r == 0 && !args_has(a, OPT_FILE) && !found)
		warning("neither %s nor %s is there: nothing is asked for", RC_CONF, SYSCTL_CONF);
	return r < 0 ? r : hostnet_build(&w->vars, &w->h, e);
}

static int make_plan(struct work *w, struct err *e)
{
	int r = os_hostnet_facts(w->os, &w->h, &w->facts, e);

	return r < 0 ? r : plan_hostnet(&w->h, &w->facts, &w->plan, &w->left, e);
}

static int open_work(struct work *w, struct err *e)
{
	w->oj = (struct os_jail){ .jail = "hostnet", .run = w->c->st.run };
	return os_open(&w->oj, &w->os, e);
}

static void tell_left(const struct work *w)
{
	for (size_t i = 0; i < w->left.n; i++)
		warning("%s", w->left.v[i]);
}

static void tell_notes(const struct work *w)
{
	for (size_t i = 0; i < w->h.notes.n; i++)
		warning("%s", w->h.notes.v[i]);
	for (size_t i = 0; i < w->h.n; i++)
		if (w->h.ifs[i].dhcp)
			warning("%s:%u: %s: no DHCP client is started by iocage: run one of the host's own on %s",
			        w->h.ifs[i].var->file, w->h.ifs[i].var->line, w->h.ifs[i].var->key, w->h.ifs[i].name);
}

/* The steps in words, indented by what stands before them. */
static void tell_steps(const struct plan *p, const char *before)
{
	for (size_t i = 0; i < p->n; i++) {
		char what[256];

		if (p->steps[i].redo.kind == OP_NONE)
			continue;
		op_describe(&p->steps[i].redo, what, sizeof(what));
		info("%s%s", before, what);
	}
}

/* --- apply --- */

static int run_plan(struct work *w, struct err *e)
{
	struct backend b = os_backend(w->os);
	size_t stuck = 0;
	int r = host_plan_run(&w->c->st, JOURNAL_HOST, &w->plan, &b, &stuck, e);

	if (r == 0)
		return 0;
	err_hint(e, stuck ? "What could not be taken back is tried again by 'iocage hostnet undo'"
	                  : "Everything is as it was before");
	return r;
}

static int print_plan(const struct plan *p, struct err *e)
{
	_cleanup_(sbuf_done) struct sbuf out = { 0 };

	plan_format(p, &out);
	return print_sbuf(&out, e);
}

static int apply(struct work *w, bool dry, struct err *e)
{
	int r = make_plan(w, e);

	if (r < 0)
		return r;
	tell_notes(w);
	tell_left(w);
	if (dry)
		return print_plan(&w->plan, e);
	if (!w->plan.n) {
		if (!w->left.n)
			info("Nothing to do: the host's network is as the files say");
		return w->left.n ? 1 : 0;
	}
	r = run_plan(w, e);
	if (r < 0)
		return r;
	tell_steps(&w->plan, "  + ");
	return w->left.n ? 1 : 0;
}

/* --- check, show, undo --- */

static int check(struct work *w, struct err *e)
{
	int r = make_plan(w, e);

	if (r < 0)
		return r;
	tell_left(w);
	tell_steps(&w->plan, "to do: ");
	if (w->plan.n || w->left.n)
		return 1;
	info("The host's network is as the files say");
	return 0;
}

static int show(struct work *w, struct err *e)
{
	_cleanup_(sbuf_done) struct sbuf out = { 0 };
	int r;

	hostnet_describe(&w->h, &out);
	r = print_sbuf(&out, e);
	if (r == 0)
		r = make_plan(w, e);
	if (r < 0)
		return r;
	tell_notes(w);
	tell_left(w);
	tell_steps(&w->plan, "to do: ");
	return 0;
}

static int undo(struct work *w, bool dry, struct err *e)
{
	_cleanup_(journal_done) struct journal j = { 0 };
	struct backend b = os_backend(w->os);
	int r = journal_load(&w->c->st, JOURNAL_HOST, &j, e);

	if (r < 0)
		return r;
	if (!j.n)
		info("Nothing to undo");
	for (size_t i = j.n; i-- > 0;) {
		_cleanup_(sbuf_done) struct sbuf line = { 0 };
		char what[256];

		op_describe(&j.undo[i], what, sizeof(what));
		op_format(&j.undo[i], &line);
		if (dry && line.p)
			info("%s", line.p);
		else if (!dry)
			info("  - %s", what);
	}
	return dry ? 0 : host_plan_undo(&w->c->st, JOURNAL_HOST, &j, &b, e);
}

int cmd_hostnet(struct cli *c, struct args *a, struct err *e)
{
	_cleanup_(work_done) struct work w = { .c = c, .lock = -1 };
	const char *word = a->pos[0];
	bool dry = args_has(a, OPT_DRY_RUN), writes = streq(word, "apply") || streq(word, "undo");
	int r;

	if (!writes && !streq(word, "check") && !streq(word, "show"))
		return usage_err(e, "hostnet apply, check, show or undo; not '%s'.", word);
	if (dry && !writes)
		return usage_err(e, "--dry-run is for apply and undo.");
	r = cli_open(c, writes && !dry, e);
	if (r == 0 && writes && !dry)
		r = store_lock_global(&c->st, "hostnet", &w.lock, e);
	if (r == 0 && !streq(word, "undo"))
		r = read_files(&w, a, e);
	if (r == 0)
		r = open_work(&w, e);
	if (r < 0)
		return r;
	if (streq(word, "apply"))
		return apply(&w, dry, e);
	if (streq(word, "undo"))
		return undo(&w, dry, e);
	return streq(word, "check") ? check(&w, e) : show(&w, e);
}
