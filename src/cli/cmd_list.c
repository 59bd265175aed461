/* cmd_list.c - list: jails and releases as tables, tab-separated lines or JSON. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cli/cli.h"
#include "cli/table.h"
#include "core/jail.h"

enum col {
	COL_JID,
	COL_NAME,
	COL_BOOT,
	COL_STATE,
	COL_TYPE,
	COL_RELEASE,
	COL_IP4,
	COL_IP6,
	COL_TEMPLATE,
	COL_BASEJAIL,
	COL__COUNT
};

static const struct {
	const char *head, *key; /* key: for --sort and JSON */
	bool brief; /* shown without -l */
	bool sorts;
} cols[COL__COUNT] = {
	[COL_JID] = { "JID", "jid", true, true },
	[COL_NAME] = { "NAME", "name", true, true },
	[COL_BOOT] = { "BOOT", "boot", false, true },
	[COL_STATE] = { "STATE", "state", true, true },
	[COL_TYPE] = { "TYPE", "type", false, true },
	[COL_RELEASE] = { "RELEASE", "release", true, true },
	[COL_IP4] = { "IP4", "ip4", true, true },
	[COL_IP6] = { "IP6", "ip6", false, true },
	[COL_TEMPLATE] = { "TEMPLATE", "template", false, true },
	[COL_BASEJAIL] = { "BASEJAIL", "basejail", false, false },
};

struct row {
	char *name; /* in full; owned */
	char *cell[COL__COUNT]; /* owned */
	unsigned jid; /* 0: none */
};

struct rows {
	struct row *v;
	size_t n;
};

static void rows_done(struct rows *r)
{
	for (size_t i = 0; i < r->n; i++) {
		free(r->v[i].name);
		for (int k = 0; k < COL__COUNT; k++)
			free(r->v[i].cell[k]);
	}
	free(r->v);
}

/* --- cells --- */

/* "em0|10.0.0.5/24,em0|10.0.0.6/24" as "10.0.0.5,10.0.0.6"; an item without an interface: the whole as it is. */
static char *short_addrs(const char *list)
{
	_cleanup_(strv_done) struct strv items = { 0 };
	struct sbuf out = { 0 };

	if (strv_split(&items, list, ",") < 0)
		return NULL;
	for (size_t i = 0; i < items.n; i++) {
		const char *bar = strchr(items.v[i], '|');

		if (!bar) {
			sbuf_done(&out);
			return strdup(list);
		}
		sbuf_addf(&out, "%s%.*s", i ? "," : "", (int)strcspn(bar + 1, "/"), bar + 1);
	}
	return sbuf_take(&out);
}

static bool is_none(const char *v)
{
	return !*v || streq(v, "none");
}

/* pid 0: it does not run. */
static char *ip4_cell(const struct conf *c, pid_t pid, const char *nat, bool brief)
{
	_cleanup_free_ char *got = !pid ? NULL : nat ? strdup(nat) : learned_addrs(c, pid, 4);
	const char *v = got ? got : conf_get(c, PROP_ip4_addr);

	if (!got && conf_true(c, PROP_dhcp)) {
		if (brief || (pid && geteuid() == 0))
			return strdup("DHCP");
		return strdup(pid ? "DHCP (running -- address requires root)" : "DHCP (not running)");
	}
	if (is_none(v))
		return strdup("-");
	return brief ? short_addrs(v) : strdup(v);
}

static char *ip6_cell(const struct conf *c, pid_t pid)
{
	_cleanup_free_ char *got = pid ? learned_addrs(c, pid, 6) : NULL;
	const char *v = got ? got : conf_get(c, PROP_ip6_addr);

	return strdup(is_none(v) ? "-" : v);
}

/* Without the patch level: the first two parts. */
static char *release_cell(const char *v, bool brief)
{
	const char *dash = strchr(v, '-');

	dash = dash ? strchr(dash + 1, '-') : NULL;
	return brief && dash ? strndup(v, (size_t)(dash - v)) : strdup(v);
}

/* A real UUID is shown by its first 8 characters. */
static char *name_cell(const char *v)
{
	static const char form[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
	bool uuid = strlen(v) == sizeof(form) - 1;

	for (size_t i = 0; uuid && form[i]; i++)
		uuid = form[i] == '-' ? v[i] == '-' : strchr("0123456789abcdefABCDEF", v[i]) != NULL;
	return uuid ? strndup(v, 8) : strdup(v);
}

static char *template_cell(const struct conf *c)
{
	const char *v = conf_get(c, PROP_source_template);

	return strdup(is_none(v) ? "-" : v);
}

/* running: as jail_shown() says; pid: of one that does, else 0. */
static bool fill_cells(struct row *row, const struct conf *c, int running, pid_t pid, const char *nat, bool brief)
{
	bool up = running > 0;

	row->cell[COL_JID] = up ? strf("%u", row->jid) : strdup("-");
	row->cell[COL_NAME] = name_cell(row->name);
	row->cell[COL_BOOT] = strdup(conf_true(c, PROP_boot) ? "on" : "off");
	row->cell[COL_STATE] = strdup(state_word(running));
	row->cell[COL_TYPE] = strdup(conf_get(c, PROP_type));
	row->cell[COL_RELEASE] = release_cell(conf_get(c, PROP_release), brief);
	row->cell[COL_IP4] = ip4_cell(c, pid, nat, brief);
	row->cell[COL_IP6] = brief ? strdup("-") : ip6_cell(c, pid);
	row->cell[COL_TEMPLATE] = template_cell(c);
	row->cell[COL_BASEJAIL] = strdup(conf_true(c, PROP_basejail) ? "yes" : "no");
	for (int i = 0; i < COL__COUNT; i++)
		if (!row->cell[i])
			return false;
	return true;
}

/* state: why there is nothing to show. */
static bool fill_unread(struct row *row, const char *state)
{
	for (int i = 0; i < COL__COUNT; i++) {
		row->cell[i] = strdup(i == COL_JID ? "-" : i == COL_NAME ? row->name : i == COL_STATE ? state : "N/A");
		if (!row->cell[i])
			return false;
	}
	return true;
}

/* --- reading --- */

enum which { WHICH_JAILS, WHICH_TEMPLATES, WHICH_BASEJAILS };

static bool wanted(const struct conf *c, enum which which)
{
	bool template = streq(conf_get(c, PROP_type), "template");

	if (which == WHICH_TEMPLATES)
		return template;
	return !template && (which == WHICH_JAILS || conf_true(c, PROP_basejail));
}

static int read_row(struct cli *c, const char *name, bool has_state, enum which which, bool brief, struct rows *rows,
                    struct err *e)
{
	struct row row = { .name = strdup(name) };
	struct config cfg = { 0 };
	struct err why = ERR_INIT;
	_cleanup_free_ char *nat = NULL;
	struct state st;
	bool ok = row.name != NULL;
	int up = 0;
	int r = config_load(&c->st, name, &cfg, &why);

	if (r == 0 && wanted(&cfg.conf, which)) {
		up = has_state ? jail_shown(c, name, &st) : 0;
		if (has_state && !up) {
			warn_unheld(name, &st);
			warn_restarts(c, name);
		}
		row.jid = up > 0 ? st.jid : 0;
		nat = up > 0 ? nat_shown(&c->st, &cfg.conf, name) : NULL;
		ok = ok && fill_cells(&row, &cfg.conf, up, up > 0 ? st.pid : 0, nat, brief);
		rows->v[rows->n++] = row;
	} else if (r < 0 && r != -ENOMEM && which == WHICH_JAILS) {
		ok = ok && fill_unread(&row, r == -EACCES ? "N/A" : "CORRUPT");
		rows->v[rows->n++] = row;
	} else {
		free(row.name);
		ok = ok && r != -ENOMEM;
	}
	if (r == 0)
		config_done(&cfg);
	return ok ? 0 : err_oom(e);
}

/* Both lists are sorted in the same way, so that finding who runs is one walk. */
static int read_rows(struct cli *c, enum which which, bool brief, bool states, struct rows *rows, struct err *e)
{
	_cleanup_(strv_done) struct strv names = { 0 }, running = { 0 };
	size_t at = 0;
	int r = store_jails(&c->st, &names, e);

	if (r == 0 && states)
		r = state_names(&c->st, &running, e);
	if (r < 0)
		return r;
	rows->v = calloc(names.n + 1, sizeof(*rows->v));
	if (!rows->v)
		return err_oom(e);
	for (size_t i = 0; r == 0 && i < names.n; i++) {
		bool has = at < running.n && streq(running.v[at], names.v[i]);

		if (has)
			at++;
		else if (running.n)
			has = strv_has(&running, names.v[i]);
		r = read_row(c, names.v[i], has, which, brief, rows, e);
	}
	return r;
}

/* --- sorting --- */

static enum col sort_col;

/* Addresses by number, anything else after them. */
static int cmp_addr(const char *a, const char *b, int family)
{
	struct jaddr *x = NULL, *y = NULL;
	size_t nx = 0, ny = 0;
	bool ax = jaddr_list_parse(a, family, &x, &nx, NULL) == 0 && nx && x[0].mode == JADDR_STATIC;
	bool ay = jaddr_list_parse(b, family, &y, &ny, NULL) == 0 && ny && y[0].mode == JADDR_STATIC;
	int r = ax && ay ? memcmp(x[0].addr.b, y[0].addr.b, sizeof(x[0].addr.b)) : (int)ay - (int)ax;

	free(x);
	free(y);
	return r;
}

static int cmp_col(const struct row *a, const struct row *b)
{
	const char *x = a->cell[sort_col], *y = b->cell[sort_col];

	switch (sort_col) {
	case COL_JID: /* numbers first */
		if (!a->jid || !b->jid)
			return (int)(b->jid != 0) - (int)(a->jid != 0);
		return a->jid < b->jid ? -1 : a->jid > b->jid;
	case COL_BOOT:
	case COL_STATE:
		return strcmp(y, x); /* up, down, CORRUPT; on, off */
	case COL_IP4:
		return cmp_addr(x, y, 4);
	case COL_IP6:
		return cmp_addr(x, y, 6);
	case COL_NAME:
		return 0;
	default:
		return str_natcmp(x, y);
	}
}

static int by_col(const void *a, const void *b)
{
	const struct row *x = a, *y = b;
	int r = cmp_col(x, y);

	return r ? r : str_natcmp(x->name, y->name);
}

static int find_sort(const char *key, bool brief, struct err *e)
{
	_cleanup_(sbuf_done) struct sbuf b = { 0 };

	for (int i = 0; i < COL__COUNT; i++)
		if (cols[i].sorts && (cols[i].brief || !brief) && streq(cols[i].key, key))
			return i;
	sbuf_add(&b, "Invalid sort type specified, use one of:");
	for (int i = 0; i < COL__COUNT; i++)
		if (cols[i].sorts && (cols[i].brief || !brief))
			sbuf_addf(&b, "\n  %s", cols[i].key);
	return b.failed ? err_oom(e) : err_set(e, EINVAL, "%s", b.p);
}

/* --- printing --- */

static int print_rows(const struct rows *rows, const enum col *shown, size_t n, bool script, struct err *e)
{
	_cleanup_(sbuf_done) struct sbuf out = { 0 };
	_cleanup_(table_done) struct table t;
	const char *head[COL__COUNT] = { 0 }, *cells[COL__COUNT];

	for (size_t i = 0; i < n; i++)
		head[i] = cols[shown[i]].head;
	table_init(&t, head, n);
	for (size_t k = 0; k < rows->n; k++) {
		for (size_t i = 0; i < n; i++)
			cells[i] = rows->v[k].cell[shown[i]];
		table_row(&t, cells);
	}
	return table_print(&t, script, &out) ? print_sbuf(&out, e) : err_oom(e);
}

/* A jid is a number or null, the name is whole, everything else is text as in the long list. */
static int print_json(const struct rows *rows, struct err *e)
{
	_cleanup_(sbuf_done) struct sbuf out = { 0 };

	sbuf_addc(&out, '[');
	for (size_t k = 0; k < rows->n; k++) {
		const struct row *row = &rows->v[k];

		sbuf_add(&out, k ? ",\n  {" : "\n  {");
		for (int i = 0; i < COL__COUNT; i++) {
			sbuf_addf(&out, "%s\"%s\": ", i ? ", " : "", cols[i].key);
			if (i == COL_JID && !row->jid)
				sbuf_add(&out, "null");
			else if (i == COL_JID)
				sbuf_addf(&out, "%u", row->jid);
			else
				add_json(&out, i == COL_NAME ? row->name : row->cell[i]);
		}
		sbuf_addc(&out, '}');
	}
	sbuf_add(&out, rows->n ? "\n]\n" : "]\n");
	return print_sbuf(&out, e);
}

static int list_jails(struct cli *c, const struct args *a, struct err *e)
{
	static const enum col quick[] = { COL_NAME, COL_IP4 };
	_cleanup_(rows_done) struct rows rows = { 0 };
	bool brief = !args_has(a, OPT_LONG) && !args_has(a, OPT_JSON), is_quick = args_has(a, OPT_QUICK);
	enum which which = args_has(a, OPT_TEMPLATE)    ? WHICH_TEMPLATES
	                   : args_has(a, OPT_BASEJAILS) ? WHICH_BASEJAILS
	                                                : WHICH_JAILS;
	enum col shown[COL__COUNT] = { 0 };
	size_t n = 0;
	int r = find_sort(args_has(a, OPT_SORT) ? a->val[OPT_SORT] : "name", brief, e);

	if (r < 0)
		return r;
	sort_col = (enum col)r;
	/* quick shows the raw property */
	r = read_rows(c, which, brief && !is_quick, !is_quick || args_has(a, OPT_JSON), &rows, e);
	if (r < 0)
		return r;
	if (rows.n)
		qsort(rows.v, rows.n, sizeof(*rows.v), by_col);
	if (args_has(a, OPT_JSON))
		return print_json(&rows, e);
	if (is_quick)
		return print_rows(&rows, quick, 2, args_has(a, OPT_HEADER), e);
	for (int i = 0; i < COL__COUNT; i++)
		if (!brief || cols[i].brief)
			shown[n++] = (enum col)i;
	return print_rows(&rows, shown, n, args_has(a, OPT_HEADER), e);
}

static int print_names(const struct strv *names, const char *title, bool script, bool json, struct err *e)
{
	_cleanup_(sbuf_done) struct sbuf out = { 0 };
	_cleanup_(table_done) struct table t;
	const char *head[1] = { title };

	table_init(&t, head, 1);
	for (size_t i = 0; i < names->n; i++) {
		const char *cells[1] = { names->v[i] };

		table_row(&t, cells);
		if (json) {
			sbuf_add(&out, i ? ", " : "[");
			add_json(&out, names->v[i]);
		}
	}
	if (json) {
		sbuf_add(&out, names->n ? "]\n" : "[]\n");
		return print_sbuf(&out, e);
	}
	return table_print(&t, script, &out) ? print_sbuf(&out, e) : err_oom(e);
}

int cmd_list(struct cli *c, struct args *a, struct err *e)
{
	_cleanup_(strv_done) struct strv names = { 0 };
	int r;

	if (args_has(a, OPT_REMOTE)) {
		if (known_releases(&names) < 0)
			return err_oom(e);
		return print_names(&names, "", true, args_has(a, OPT_JSON), e);
	}
	r = cli_open(c, false, e);
	if (r < 0)
		return r;
	if (!args_has(a, OPT_RELEASE))
		return list_jails(c, a, e);
	r = store_releases(&c->st, &names, e);
	return r < 0 ? r : print_names(&names, "Bases fetched", args_has(a, OPT_HEADER), args_has(a, OPT_JSON), e);
}
