/* cmd_prop.c - get and set. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "cli/life.h"
#include "cli/table.h"

/* --- set --- */

/* Which of the words is the jail: the only one without '='. Words are moved so that the others are together. */
static int split_words(struct args *a, char **ret_jail, struct err *e)
{
	size_t n = 0;

	*ret_jail = NULL;
	for (size_t i = a->npos; i-- > 0;)
		if (!*ret_jail && !strchr(a->pos[i], '='))
			*ret_jail = a->pos[i];
	if (!*ret_jail)
		return usage_err(e, "Missing argument 'JAIL'.");
	for (size_t i = 0; i < a->npos; i++)
		if (a->pos[i] != *ret_jail)
			a->pos[n++] = a->pos[i];
	a->npos = n;
	return n ? 0 : usage_err(e, "Missing argument 'PROP=VALUE'.");
}

static int check_stopped(const struct assigns *props, const char *jail, struct err *e)
{
	for (size_t i = 0; i < props->n; i++)
		if (prop_table[props->v[i].id].flags & PF_STOPPED)
			return err_class(e, ERR_BUSY, EBUSY, "%s is running.\nPlease stop it first!", jail);
	return 0;
}

/* What the change was, a line each; for defaults F's other sentence. */
struct change {
	char *old;
	bool differs;
};

static void changes_done(struct change **v)
{
	free(*v);
}

static int apply(struct config *cfg, const struct assigns *props, struct change *ch, struct err *e)
{
	for (size_t i = 0; i < props->n; i++) {
		const char *old = conf_get_key(&cfg->conf, props->v[i].key);

		ch[i].old = strdup(old ? old : "none");
		if (!ch[i].old || conf_layer_set(&cfg->conf.own, props->v[i].key, props->v[i].value) < 0)
			return err_oom(e);
		ch[i].differs = !streq(ch[i].old, props->v[i].value);
	}
	return 0;
}

static void tell(const struct assigns *props, const struct change *ch, bool defaults, bool running, bool live)
{
	for (size_t i = 0; i < props->n; i++) {
		const struct assign *p = &props->v[i];

		if (defaults)
			info("Default Property: %s has been updated to %s", p->key, p->value);
		else
			info("%s: %s -> %s", p->key, ch[i].old, p->value);
		if (live && (prop_table[p->id].flags & PF_LIVE))
			continue;
		if (running && ch[i].differs && (prop_table[p->id].flags & PF_RESTART))
			info("%s changes require a jail restart", p->key);
	}
}

static int load_for_set(struct cli *c, const char *given, bool defaults, struct config *cfg, int *lock, struct err *e)
{
	_cleanup_free_ char *jail = NULL;
	int r;

	if (defaults) {
		r = store_lock_global(&c->st, "default", lock, e);
		return r < 0 ? r : config_load_defaults(&c->st, cfg, e);
	}
	r = resolve_jail(c, given, false, &jail, e);
	if (r == 0)
		r = store_lock_jail(&c->st, jail, false, 60, lock, e);
	return r < 0 ? r : config_load(&c->st, jail, cfg, e);
}

static int set_all(struct cli *c, struct config *cfg, const struct assigns *props, bool defaults, struct err *e)
{
	_cleanup_(changes_done) struct change *ch = calloc(props->n + 1, sizeof(*ch));
	bool running, live = false;
	int r;

	if (!ch)
		return err_oom(e);
	r = defaults ? 0 : jail_running(c, cfg->name, NULL, e);
	if (r < 0)
		return r;
	running = r > 0;
	if (!defaults && !running)
		r = life_end_unheld_locked(c, cfg->name, e);
	if (r < 0)
		return r;
	r = running ? check_stopped(props, cfg->name, e) : 0;
	if (r == 0)
		r = apply(cfg, props, ch, e);
	if (r == 0 && !defaults)
		r = assign_macs(c, cfg, e);
	if (r == 0)
		r = running ? life_set(c, cfg, props, &live, e) : config_save(&c->st, cfg, e);
	if (r == 0)
		tell(props, ch, defaults, running, live);
	for (size_t i = 0; i < props->n; i++)
		free(ch[i].old);
	return r;
}

int cmd_set(struct cli *c, struct args *a, struct err *e)
{
	_cleanup_(assigns_done) struct assigns props = { 0 };
	_cleanup_close_ int lock = -1;
	struct config cfg = { 0 };
	char *given;
	bool defaults;
	int r = split_words(a, &given, e);

	if (r < 0)
		return r;
	defaults = streq(given, "default");
	r = cli_open(c, true, e);
	if (r == 0)
		r = assigns_parse(a->pos, a->npos, defaults, &props, e);
	if (r == 0)
		r = load_for_set(c, given, defaults, &cfg, &lock, e);
	if (r < 0)
		return r;
	r = set_all(c, &cfg, &props, defaults, e);
	config_done(&cfg);
	return r;
}

/* --- get --- */

static char *started_text(const struct config *cfg, const struct state *st, bool up)
{
	time_t t = up ? (time_t)st->started : 0;
	char buf[32];
	struct tm tm;

	if (t && gmtime_r(&t, &tm) && strftime(buf, sizeof(buf), "%Y-%m-%d %H:%M:%S", &tm))
		return strdup(buf);
	return strdup(streq(conf_get(&cfg->conf, PROP_last_started), "none") ? "never"
	                                                                     : conf_get(&cfg->conf, PROP_last_started));
}

/* The value as shown; NULL: no such property (or out of memory). */
static char *value_of(struct cli *c, const struct config *cfg, const char *key)
{
	bool defaults = streq(cfg->name, "default");
	struct state st = { 0 };
	int up;

	/* what it learned or was given, for as long as it has it */
	if (!defaults && (streq(key, "ip4_addr") || streq(key, "ip6_addr"))) {
		int family = key[2] == '4' ? 4 : 6;
		bool behind = family == 4 && conf_true(&cfg->conf, PROP_nat);
		char *got = NULL;

		if ((behind || learns_any(&cfg->conf, family)) && jail_shown(c, cfg->name, &st) > 0)
			got = behind ? nat_shown(&c->st, &cfg->conf, cfg->name)
			             : learned_addrs(&cfg->conf, st.pid, family);
		return got ? got : config_value(cfg, key);
	}
	if (defaults || !(streq(key, "state") || streq(key, "jid") || streq(key, "last_started")))
		return config_value(cfg, key);
	up = jail_shown(c, cfg->name, &st);
	warn_unheld(cfg->name, &st);
	warn_restarts(c, cfg->name);
	if (streq(key, "state"))
		return strdup(state_word(up));
	if (streq(key, "last_started"))
		return started_text(cfg, &st, up > 0);
	return up > 0 ? strf("%u", st.jid) : strdup("-");
}

static int load(struct cli *c, const char *given, struct config *cfg, struct err *e)
{
	_cleanup_free_ char *jail = NULL;
	int r;

	if (streq(given, "default"))
		return config_load_defaults(&c->st, cfg, e);
	r = resolve_jail(c, given, false, &jail, e);
	return r < 0 ? r : config_load(&c->st, jail, cfg, e);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int all_keys(const struct config *cfg, struct strv *keys)
{
	const struct conf_layer *layers[] = { &cfg->conf.own, &cfg->conf.base };
	int r = 0;

	for (size_t i = 0; r == 0 && i < PROP__COUNT; i++)
		r = strv_add(keys, prop_table[i].name);
	for (size_t l = 0; l < 2; l++)
		for (size_t i = 0; r == 0 && i < layers[l]->nextra; i++)
			if (!strv_has(keys, layers[l]->extra[i].key))
				r = strv_add(keys, layers[l]->extra[i].key);
	if (r == 0 && !streq(cfg->name, "default"))
		r = strv_add(keys, "state");
	return r;
}

static int print_all(struct cli *c, const struct config *cfg, struct err *e)
{
	_cleanup_(strv_done) struct strv keys = { 0 };
	_cleanup_(sbuf_done) struct sbuf out = { 0 };

	if (all_keys(cfg, &keys) < 0)
		return err_oom(e);
	qsort(keys.v, keys.n, sizeof(*keys.v), by_text);
	for (size_t i = 0; i < keys.n; i++) {
		_cleanup_free_ char *v = value_of(c, cfg, keys.v[i]);

		if (v)
			sbuf_addf(&out, "%s:%s\n", keys.v[i], v);
	}
	return print_sbuf(&out, e);
}

static int print_one(struct cli *c, const struct config *cfg, const char *key, struct err *e)
{
	_cleanup_free_ char *v = value_of(c, cfg, key);

	if (!v)
		return err_set(e, EINVAL, "%s is not a valid property!", key);
	info("%s", v);
	return 0;
}

/* get -r: one property of every jail. */
static int print_recursive(struct cli *c, const char *key, bool script, struct err *e)
{
	_cleanup_(strv_done) struct strv names = { 0 };
	_cleanup_(sbuf_done) struct sbuf out = { 0 };
	_cleanup_(table_done) struct table t;
	_cleanup_free_ char *title = strf("PROP - %s", key);
	const char *head[2] = { "NAME", title };
	bool dynamic;
	int r;

	table_init(&t, head, 2);
	if (!title)
		return err_oom(e);
	if (prop_find(key, &dynamic) == PROP__NONE && !streq(key, "state") && !streq(key, "jid"))
		return err_set(e, EINVAL, "%s is not a valid property!", key);
	r = store_jails(&c->st, &names, e);
	if (r < 0)
		return r;
	for (size_t i = 0; i < names.n; i++) {
		struct config cfg = { 0 };
		struct err why = ERR_INIT;
		_cleanup_free_ char *v = NULL;
		const char *cells[2] = { names.v[i], "CORRUPT" };

		if (config_load(&c->st, names.v[i], &cfg, &why) == 0) {
			v = value_of(c, &cfg, key);
			cells[1] = v ? v : "-";
			config_done(&cfg);
		}
		table_row(&t, cells);
	}
	return table_print(&t, script, &out) ? print_sbuf(&out, e) : err_oom(e);
}

/* What was asked for as options and words, as one key ("all": every one) and the jail's name. */
static int read_request(const struct args *a, const char **ret_key, const char **ret_jail, struct err *e)
{
	static const struct {
		enum opt_id id;
		const char *key;
	} asks[] = { { OPT_ALL, "all" }, { OPT_STATE, "state" }, { OPT_JID, "jid" } };
	size_t at = 0;

	*ret_key = *ret_jail = NULL;
	for (size_t i = 0; i < sizeof(asks) / sizeof(*asks); i++) {
		if (!args_has(a, asks[i].id))
			continue;
		if (*ret_key)
			return usage_err(e, "Only one of --all, --state and --jid can be given.");
		*ret_key = asks[i].key;
	}
	if (!*ret_key && args_has(a, OPT_USE) && a->npos == 1)
		*ret_key = "all";
	if (!*ret_key && a->npos)
		*ret_key = a->pos[at++];
	if (!*ret_key)
		return usage_err(e, "Missing argument 'PROP'.");
	if (args_has(a, OPT_RECURSIVE)) {
		if (at < a->npos || streq(*ret_key, "all") || args_has(a, OPT_USE))
			return usage_err(e, "--recursive shows one property of every jail: no --all, no --use and no "
			                    "JAIL with it.");
		return 0;
	}
	if (at >= a->npos)
		return err_set(e, EINVAL, "You must specify a jail!");
	*ret_jail = a->pos[at++];
	if (at < a->npos)
		return usage_err(e, "Got unexpected extra argument (%s)", a->pos[at]);
	return 0;
}

int cmd_get(struct cli *c, struct args *a, struct err *e)
{
	const char *key, *jail;
	struct config cfg = { 0 };
	int r = cli_open(c, false, e);

	if (r < 0)
		return r;
	if (args_has(a, OPT_POOL)) {
		info("%s", c->st.root);
		return 0;
	}
	r = read_request(a, &key, &jail, e);
	if (r == 0 && args_has(a, OPT_RECURSIVE))
		return print_recursive(c, key, args_has(a, OPT_HEADER), e);
	if (r == 0)
		r = load(c, jail, &cfg, e);
	if (r < 0)
		return r;
	if (args_has(a, OPT_USE))
		r = print_usage(c, &cfg, key, args_has(a, OPT_HEADER), e);
	else
		r = streq(key, "all") ? print_all(c, &cfg, e) : print_one(c, &cfg, key, e);
	config_done(&cfg);
	return r;
}
