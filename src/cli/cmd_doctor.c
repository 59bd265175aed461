/* cmd_doctor.c - doctor: looks at the network of the jails and of the host under them, and says what is wrong. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/doctor_filter.h"
#include "cli/life.h"
#include "cli/table.h"
#include "core/doctor.h"

/* Everything one examination looks at. */
struct visit {
	struct cli *c;
	struct strv names;
	struct config *cfgs;
	struct jail *models;
	struct survey host, *inside;
	char **resolv;
	struct kept_list *kept;
	char ***kept_by;
	struct doctor_jail *jails;
	size_t n; /* of names that have a model */
	char drop[160], leftover[256];
	struct strv marked; /* rules of ours that are there, as op_format writes what removes them */
	struct findings found;
};

static void visit_done(struct visit *v)
{
	findings_done(&v->found);
	for (size_t i = 0; i < v->n; i++) {
		jail_done(&v->models[i]);
		config_done(&v->cfgs[i]);
		survey_done(&v->inside[i]);
		free(v->resolv[i]);
		for (size_t k = 0; v->kept_by[i] && k < v->kept[i].n; k++)
			free(v->kept_by[i][k]);
		free(v->kept_by[i]);
		kept_done(&v->kept[i]);
	}
	survey_done(&v->host);
	strv_done(&v->names);
	strv_done(&v->marked);
	free(v->cfgs);
	free(v->models);
	free(v->inside);
	free(v->resolv);
	free(v->kept);
	free(v->kept_by);
	free(v->jails);
}

static int see_rule(void *ctx, const struct op *undo)
{
	struct visit *v = ctx;
	_cleanup_(sbuf_done) struct sbuf b = { 0 };

	if (undo->kind != OP_SPOOF_DEL && undo->kind != OP_NAT_DEL)
		return 0;
	op_format(undo, &b);
	return b.failed || strv_add(&v->marked, b.p) < 0 ? -ENOMEM : 0;
}

static bool is_marked(const struct visit *v, const struct op *undo)
{
	for (size_t i = 0; i < v->marked.n; i++) {
		_cleanup_free_ char *mem = NULL;
		struct op m;

		if (op_parse(v->marked.v[i], &m, &mem, NULL) == 0 && m.kind == undo->kind &&
		    (undo->kind == OP_SPOOF_DEL ? streq(m.link, undo->link) : streq(m.name, undo->name)))
			return true;
	}
	return false;
}

/* What its journal would remove has to be there. */
static bool rules_gone(const struct visit *v, const char *jail)
{
	_cleanup_(journal_done) struct journal j = { 0 };
	bool gone = false;

	if (journal_load(&v->c->st, jail, &j, NULL) < 0)
		return false;
	for (size_t i = 0; i < j.n; i++)
		gone = gone ||
		       ((j.undo[i].kind == OP_SPOOF_DEL || j.undo[i].kind == OP_NAT_DEL) && !is_marked(v, &j.undo[i]));
	return gone;
}

/* What other programs took from it, and who they may be. */
static void meet_kept(struct visit *v, const char *name, struct doctor_jail *d)
{
	struct kept_list *l = &v->kept[v->n];
	char **by, who[256];

	if (kept_load(&v->c->st, name, l, NULL) < 0 || !l->n)
		return;
	by = v->kept_by[v->n] = calloc(l->n, sizeof(*by));
	for (size_t i = 0; by && i < l->n; i++) {
		os_who_manages(l->v[i].link, who, sizeof(who));
		by[i] = strdup(who);
		if (!by[i])
			return;
	}
	if (by) {
		d->kept = l;
		d->kept_by = (const char **)by;
	}
}

/* A jail whose configuration is broken is list's matter: here it is passed over. So is one that may run or not, which is said. */
static int meet_jail(struct visit *v, const char *name)
{
	struct doctor_jail *d = &v->jails[v->n];
	struct err ignored = ERR_INIT;
	struct restarts rs;
	struct state st;
	int up = jail_shown(v->c, name, &st);

	if (up < 0 || config_load(&v->c->st, name, &v->cfgs[v->n], &ignored) < 0)
		return 0;
	if (jail_build(&v->cfgs[v->n].conf, name, &v->models[v->n], &ignored) < 0) {
		config_done(&v->cfgs[v->n]);
		return 0;
	}
	restarts_load(&v->c->st, name, &rs);
	*d = (struct doctor_jail){ .jail = &v->models[v->n], .running = up > 0, .gave_up = !up && rs.gave_up };
	if (d->running) {
		d->jid = st.jid;
		/* with vnet changed since it runs, what it is configured to have says nothing about what it has */
		d->running = st.vnet == d->jail->vnet;
	}
	if (d->running) {
		d->rules_gone = rules_gone(v, name);
		meet_kept(v, name, d);
		d->resolv = v->resolv[v->n] = os_jail_resolver(st.pid);
		if (st.vnet && os_survey(st.pid, &v->inside[v->n], &ignored) == 0 &&
		    os_survey_ways(&v->inside[v->n], &v->host, &ignored) == 0)
			d->inside = &v->inside[v->n];
	}
	v->n++;
	return 0;
}

static int look(struct visit *v, const char *only, struct err *e)
{
	size_t n;
	int r = store_jails(&v->c->st, &v->names, e);

	if (r < 0)
		return r;
	n = v->names.n + 1;
	v->cfgs = calloc(n, sizeof(*v->cfgs));
	v->models = calloc(n, sizeof(*v->models));
	v->inside = calloc(n, sizeof(*v->inside));
	v->resolv = calloc(n, sizeof(*v->resolv));
	v->jails = calloc(n, sizeof(*v->jails));
	v->kept = calloc(n, sizeof(*v->kept));
	v->kept_by = calloc(n, sizeof(*v->kept_by));
	if (!v->kept || !v->kept_by || !v->cfgs || !v->models || !v->inside || !v->resolv || !v->jails)
		return err_oom(e);
	r = os_survey(0, &v->host, e);
	if (r == 0)
		r = os_marked(v->c->st.run, see_rule, v, e);
	for (size_t i = 0; r == 0 && i < v->names.n; i++)
		r = meet_jail(v, v->names.v[i]);
	if (r == 0) {
		doctor_ask_filter(&(struct filter_ask){ v->models, v->n, v->drop, sizeof(v->drop) }, &v->host);
		if (!only)
			v->host.leftovers = gc_count(v->c, v->leftover, sizeof(v->leftover));
		v->host.leftover = v->leftover;
		r = doctor_examine(v->jails, v->n, &v->host, only, &v->found, e);
	}
	return r;
}

/* --- mending: only what is ours, under the locks of those who made it --- */

static int mend_rules(struct session *s, struct err *e)
{
	_cleanup_(facts_done) struct facts f = { 0 };
	struct ipaddr nat;
	int r = session_config(s, e);

	if (r == 0 && s->model.nat) {
		r = nat_addr_load(&s->c->st, s->jail, &nat, e);
		if (r == 0)
			r = jail_nat_set(&s->model, &nat, e);
	}
	if (r == 0)
		r = os_facts(s->os, &s->model, &f, e);
	f.jid = s->st.jid;
	return r < 0 ? r : os_rules_restore(s->os, &s->model, &f, e);
}

static int mend(struct visit *v, const struct finding *f, struct err *e)
{
	_cleanup_(session_done) struct session s;
	struct run_opts o = { .quiet = true };
	struct op op = { .link = f->link, .addr = f->addr };
	const struct op *ops[] = { &op };
	size_t failed = 0;
	struct backend b;
	int r;

	session_init(&s, v->c, f->jail, &o);
	op.kind = f->mend == MEND_ALIAS ? OP_ADDR_ADD : OP_LINK_UP;
	r = session_lock(&s, e);
	if (r == 0 && *f->jail)
		r = state_load(&v->c->st, f->jail, &s.st, e);
	if (r == 0)
		r = session_os_jail(&s, e);
	if (r == 0)
		r = session_os(&s, e);
	if (r < 0)
		return r;
	if (f->mend == MEND_RULES)
		return mend_rules(&s, e);
	b = os_backend(s.os);
	return b.apply(b.ctx, ops, 1, &failed, e);
}

/* 0: nothing is left to be done. */
static int mend_all(struct visit *v)
{
	int status = 0;

	for (size_t i = 0; i < v->found.n; i++) {
		struct finding *f = &v->found.v[i];
		struct err why = ERR_INIT;

		if (f->mend == MEND_NOTHING) {
			status = 1;
		} else if (mend(v, f, &why) < 0) {
			report(&why);
			status = 1;
		} else {
			info("%s%s%s: mended: %s", f->jail, *f->jail ? ": " : "", f->id, f->fix);
			f->id = NULL;
		}
	}
	return status;
}

/* --- telling --- */

static int tell_text(const struct visit *v)
{
	size_t n = 0, notes = 0;

	for (size_t i = 0; i < v->found.n; i++) {
		const struct finding *f = &v->found.v[i];

		if (!f->id)
			continue;
		*(f->note ? &notes : &n) += 1;
		info("%s%s%s: %s%s\n    mend it: %s", f->jail, *f->jail ? ": " : "", f->id, f->note ? "a note: " : "",
		     f->what, f->fix);
	}
	if (!n && !notes)
		info("Nothing wrong was found.");
	return n ? 1 : 0;
}

static int tell_json(const struct visit *v, struct err *e)
{
	_cleanup_(sbuf_done) struct sbuf b = { 0 };
	size_t n = 0, problems = 0;
	int r;

	sbuf_add(&b, "[");
	for (size_t i = 0; i < v->found.n; i++) {
		const struct finding *f = &v->found.v[i];
		const char *const keys[] = { "check", "level", "jail", "problem", "fix" };
		const char *const values[] = { f->id, f->note ? "note" : "problem", f->jail, f->what, f->fix };

		if (!f->id)
			continue;
		problems += !f->note;
		sbuf_add(&b, n++ ? ",\n  {" : "\n  {");
		for (size_t k = 0; k < sizeof(keys) / sizeof(*keys); k++) {
			sbuf_addf(&b, "%s\"%s\": ", k ? ", " : "", keys[k]);
			add_json(&b, values[k]);
		}
		sbuf_add(&b, "}");
	}
	sbuf_add(&b, n ? "\n]\n" : "]\n");
	r = b.failed ? err_oom(e) : print_sbuf(&b, e);
	return r < 0 ? r : problems ? 1 : 0;
}

int cmd_doctor(struct cli *c, struct args *a, struct err *e)
{
	_cleanup_(visit_done) struct visit v = { .c = c };
	_cleanup_free_ char *only = NULL;
	int r = cli_open(c, true, e);

	if (r == 0 && a->npos)
		r = resolve_jail(c, a->pos[0], false, &only, e);
	if (r == 0)
		r = look(&v, only, e);
	if (r < 0)
		return r;
	if (args_has(a, OPT_FIX))
		(void)mend_all(&v);
	return args_has(a, OPT_JSON) ? tell_json(&v, e) : tell_text(&v);
}
