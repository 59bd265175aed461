/* life.c - what starting and stopping share: the lock, the model, the journal's replay, and what dead jails left. */
#include "cli/life.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "core/limit.h"

#define LOCK_WAIT 60 /* seconds; another start or stop of the same jail has to end first */

void session_init(struct session *s, struct cli *c, const char *jail, const struct run_opts *o)
{
	*s = (struct session){ .c = c, .jail = jail, .o = *o, .lock = -1, .uplinks = -1, .share = -1 };
}

void session_done(struct session *s)
{
	if (s->os)
		os_close(s->os);
	if (s->have_model)
		jail_done(&s->model);
	if (s->have_cfg)
		config_done(&s->cfg);
	root_paths_done(&s->root.paths);
	free(s->root.init);
	free(s->root.resolv);
	free(s->root.host_root);
	free(s->console_log);
	sbuf_done(&s->limits);
	store_unlock(&s->share);
	uplink_release(s);
	closep(&s->lock);
}

void session_say(const struct session *s, const char *fmt, ...)
{
	va_list ap;

	if (s->o.quiet)
		return;
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	(void)fflush(stdout);
}

int session_lock(struct session *s, struct err *e)
{
	return store_lock_jail(&s->c->st, s->jail, false, LOCK_WAIT, &s->lock, e);
}

static unsigned console_kb(const struct conf *c)
{
	uint64_t v;

	return str_to_uint(conf_get(c, PROP_console_log_size), 1, 4194304, &v) ? (unsigned)v : 0;
}

int session_config(struct session *s, struct err *e)
{
	int r;

	if (!s->have_cfg) {
		r = config_load(&s->c->st, s->jail, &s->cfg, e);
		if (r < 0)
			return r;
		s->have_cfg = true;
	}
	s->oj.console_kb = console_kb(&s->cfg.conf);
	r = jail_build(&s->cfg.conf, s->jail, &s->model, e);
	if (r == 0)
		s->have_model = true;
	return r;
}

unsigned session_allow(const struct session *s)
{
	return s->model.allow | (os_apparmor_on(s->st.pid) ? ALLOW_APPARMOR : 0);
}

int session_apparmor(struct session *s, struct err *e)
{
	const char *want = conf_get(&s->cfg.conf, PROP_apparmor);
	bool again = false, must = streq(want, "iocage-default");
	struct err why = ERR_INIT;
	int r;

	if (streq(want, "unconfined"))
		return 0;
	r = os_apparmor(s->c->st.run, &again, &why);
	if (r > 0)
		s->model.allow |= ALLOW_APPARMOR;
	if (r == 0 && must)
		r = err_set(&why, ENOENT, "this host has no AppArmor");
	if (r < 0 && must) {
		(void)err_set(e, why.code, "Refusing to start %s: %s", s->jail, why.msg);
		return err_hint(e, "Its property apparmor says that it is not to run without; auto would.");
	}
	if (r < 0 && !again)
		warning("%s: %s\nJails run without it; whatever else holds them does. This is said once.", s->jail,
		        why.msg);
	return 0;
}

int resolver_text(const char *value, char **ret)
{
	*ret = NULL;
	if (streq(value, "/dev/null"))
		return 0;
	if (streq(value, "/etc/resolv.conf") || streq(value, "none")) {
		*ret = os_host_resolver();
		return 0;
	}
	*ret = strf("%s\n", value);
	if (!*ret)
		return -ENOMEM;
	for (char *p = *ret; *p; p++)
		if (*p == ';')
			*p = '\n';
	return 0;
}

static bool default_without_file(const struct session *s, enum prop_id id, const char *script)
{
	return streq(conf_get(&s->cfg.conf, id), prop_table[id].def) && !os_root_has(&s->root.src, script);
}

int session_root(struct session *s, struct err *e)
{
	struct root_info *ri = &s->root;
	const char *init = conf_get(&s->cfg.conf, PROP_exec_init);
	int r = store_root_paths(&s->c->st, &s->cfg, &ri->paths, e);

	if (r < 0)
		return r;
	ri->src = (struct root_source){ .lower = ri->paths.lower,
		                        .layers = ri->paths.layers,
		                        .dir = ri->paths.dir,
		                        .fstab = ri->paths.fstab_text };
	if (streq(init, "auto")) {
		ri->init = os_find_init(&ri->src);
	} else if (!streq(init, "builtin")) {
		ri->init = strdup(init);
		if (!ri->init)
			return err_oom(e);
	}
	ri->src.init = ri->init;
	ri->src.host_root = ri->host_root = strf("%s/jails/%s/root", s->c->st.root, s->jail);
	if (!ri->host_root)
		return err_oom(e);
	/* the defaults name FreeBSD's scripts: a root without them has no services to start that way */
	ri->src.no_rc = default_without_file(s, PROP_exec_start, "/etc/rc");
	ri->no_rc_stop = default_without_file(s, PROP_exec_stop, "/etc/rc.shutdown");
	if (resolver_text(conf_get(&s->cfg.conf, PROP_resolver), &ri->resolv) < 0)
		return err_oom(e);
	ri->src.resolv = ri->resolv;
	return 0;
}

int session_os_jail(struct session *s, struct err *e)
{
	s->console_log = strf("%s/log/%s-console.log", s->c->st.root, s->jail);
	sbuf_done(&s->limits);
	if (s->have_cfg)
		limits_process(&s->cfg.conf, &s->limits);
	if (!s->console_log || s->limits.failed)
		return err_oom(e);
	if (*s->c->self) {
		s->on_death[0] = s->c->self;
		s->on_death[1] = (char *)(uintptr_t) "reap";
		s->on_death[2] = (char *)(uintptr_t)s->jail;
		s->on_death[3] = (char *)(uintptr_t) "0";
	}
	s->oj = (struct os_jail){
		.jail = s->jail,
		.run = s->c->st.run,
		.console_log = s->console_log,
		.console_kb = s->have_cfg ? console_kb(&s->cfg.conf) : 0,
		.limits = s->limits.p,
		.jid = s->st.jid,
		.pid = s->st.pid,
		.pid_start = s->st.pid_start,
		.monitor = s->st.monitor,
		.monitor_start = s->st.monitor_start,
		.vnet = s->st.vnet,
		.on_death = *s->c->self ? s->on_death : NULL,
	};
	return str_copy(s->oj.cgroup, sizeof(s->oj.cgroup), s->st.cgroup) < 0
	               ? err_set(e, EINVAL, "%s: bad state", s->jail)
	               : 0;
}

int session_os(struct session *s, struct err *e)
{
	return os_open(&s->oj, &s->os, e);
}

static bool journal_has(const struct journal *j, enum op_kind kind)
{
	for (size_t i = 0; i < j->n; i++)
		if (j->undo[i].kind == kind)
			return true;
	return false;
}

/*
 * The journal, and the locks that replaying it needs. Another jail that stops may append the removal of an address that both
 * use, with share_lock() held: so the journal of a jail that can have aliases is read with that lock held, and replayed.
 */
static int lock_and_load(struct session *s, struct journal *ret, int *ret_share, int *ret_bridges, struct err *e)
{
	_cleanup_(journal_done) struct journal before = { 0 };
	int r = journal_load(&s->c->st, s->jail, &before, e);

	if (r == 0 && journal_has(&before, OP_UPLINK_DEL))
		r = uplink_lock(s, e);
	if (r == 0 && (!s->st.vnet || journal_has(&before, OP_ADDR_DEL)))
		r = share_lock(s, ret_share, e);
	if (r == 0 && journal_has(&before, OP_BRIDGE_DEL))
		r = share_bridges_alone(s, ret_bridges, e);
	return r < 0 ? r : journal_load(&s->c->st, s->jail, ret, e);
}

/* Half removed is not up, and uses no address any more, whoever looks and however this ends. */
static void say_stopping(struct session *s)
{
	struct err ignored = ERR_INIT;

	if (!s->st.jid || s->st.lifecycle == LIFE_STOPPING)
		return;
	s->st.lifecycle = LIFE_STOPPING;
	(void)!state_save(&s->c->st, s->jail, &s->st, &ignored);
}

int session_undo(struct session *s, const struct backend *b, struct err *e)
{
	_cleanup_(journal_done) struct journal j = { 0 };
	_cleanup_free_ bool *stuck = NULL;
	_cleanup_close_ int lock = -1, bridges = -1;
	struct err why = ERR_INIT;
	struct uplink_backend u;
	struct share_backend sh;
	struct backend with_uplinks = uplink_backend(&u, s, b), with_aliases;
	int r = lock_and_load(s, &j, &lock, &bridges, e), k;

	if (r < 0)
		return r;
	say_stopping(s);
	stuck = calloc(j.n + 1, sizeof(*stuck));
	if (!stuck)
		return err_oom(e);
	with_aliases = share_backend(&sh, s, NULL, &with_uplinks, true);
	r = plan_undo(j.undo, j.n, &with_aliases, stuck, e);
	plan_keep_bridges(j.undo, j.n, stuck);
	k = journal_keep(&s->c->st, s->jail, &j, stuck, r < 0 ? &why : e);
	uplink_release(s);
	if (s->oj.note[0])
		warning("%s: %s", s->jail, s->oj.note);
	s->oj.note[0] = '\0';
	if (r < 0) {
		err_hint(e, "%s: what could not be removed is tried again at the next start or stop", s->jail);
		return r;
	}
	if (k < 0)
		return k;
	return s->st.jid ? jid_put(&s->c->st, s->st.jid, e) : 0;
}

int session_clean_leftovers(struct session *s, bool quiet, struct err *e)
{
	bool unheld = state_unheld(&s->st, NULL) > 0;
	pid_t monitor = s->st.monitor;
	struct backend b;
	int r = session_os_jail(s, e);

	if (r == 0)
		r = session_os(s, e);
	if (r < 0)
		return r;
	b = os_backend(s->os);
	r = session_undo(s, &b, e);
	os_close(s->os);
	s->os = NULL;
	if (r < 0)
		return err_wrap(e, "%s: cannot remove what was left over from its last run", s->jail);
	if (unheld)
		warning("%s: its monitor (process %d) was killed: ended the jail and removed what it had added",
		        s->jail, (int)monitor);
	else if (!quiet)
		warning("%s: removed what was left over from its last run", s->jail);
	free(take_ptr(s->console_log));
	s->st = (struct state){ 0 };
	return 0;
}

const char *session_init_path(const struct session *s)
{
	if (streq(s->st.init, "builtin"))
		return NULL;
	return *s->st.init ? s->st.init : s->root.init;
}

static int monitor_answers(struct cli *c, const char *jail, const struct state *st, struct err *e)
{
	struct os_jail j = { .jail = jail,
		             .run = c->st.run,
		             .pid = st->pid,
		             .monitor = st->monitor,
		             .monitor_start = st->monitor_start };
	int r = os_monitor_answers(&j, e);

	if (r == 0)
		warning("%s: its monitor (process %d) does not answer: ended it", jail, (int)st->monitor);
	return r < 0 ? err_wrap(e, "%s", jail) : r;
}

int session_held(struct session *s, struct err *e)
{
	int r = monitor_answers(s->c, s->jail, &s->st, e);

	return r ? r : session_clean_leftovers(s, false, e);
}

int life_held(struct cli *c, const char *jail, const struct state *st, struct err *e)
{
	int r = monitor_answers(c, jail, st, e);

	return r ? r : life_end_unheld(c, jail, e);
}

int life_reap(struct cli *c, const char *jail, struct err *e)
{
	_cleanup_(session_done) struct session s;
	struct run_opts o = { .quiet = true };
	int r;

	session_init(&s, c, jail, &o);
	r = session_lock(&s, e);
	if (r < 0)
		return r;
	r = state_load(&c->st, jail, &s.st, e);
	if (r == -ENOENT)
		return 0;
	/* not up although nobody holds the lock: a start or a stop that was interrupted */
	if (r == 0)
		r = state_up(&s.st, e);
	if (r)
		return r < 0 ? hint_untold(jail, e) : 0;
	/* the monitor becomes us: it must not be ended like any other */
	if (s.st.monitor == getpid())
		s.st.monitor = 0;
	return session_clean_leftovers(&s, true, e);
}

static int end_unheld(struct cli *c, const char *jail, bool locked, struct err *e)
{
	_cleanup_(session_done) struct session s;
	struct run_opts o = { 0 };
	int r;

	session_init(&s, c, jail, &o);
	r = locked ? 0 : session_lock(&s, e);
	if (r == 0)
		r = state_load(&c->st, jail, &s.st, e);
	if (r == -ENOENT)
		return 0;
	if (r == 0)
		r = state_unheld(&s.st, e);
	if (r < 0)
		return hint_untold(jail, e);
	return r ? session_clean_leftovers(&s, false, e) : 0;
}

int life_end_unheld(struct cli *c, const char *jail, struct err *e)
{
	return end_unheld(c, jail, false, e);
}

int life_end_unheld_locked(struct cli *c, const char *jail, struct err *e)
{
	return end_unheld(c, jail, true, e);
}

int session_sweep(struct session *s, struct err *e)
{
	_cleanup_(journal_done) struct journal j = { 0 };
	int r = journal_load(&s->c->st, s->jail, &j, e);

	return r < 0 || j.n ? r : journal_keep(&s->c->st, s->jail, &j, NULL, e);
}
