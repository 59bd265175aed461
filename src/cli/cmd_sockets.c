/* cmd_sockets.c - sockets: what the jails' sockets are bound to and connected with, and who else uses their ports. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/cli.h"
#include "cli/table.h"
#include "os/os.h"

enum col { COL_JAIL, COL_PROTO, COL_LOCAL, COL_PEER, COL_STATE, COL_PID, COL_COMMAND, COL_ALSO, COL__COUNT };

static const char *const heads[COL__COUNT] = { "JAIL", "PROTO", "LOCAL", "PEER", "STATE", "PID", "COMMAND", "ALSO" };

struct shown {
	struct strv names; /* of all running jails; their order is that of the owners */
	struct os_sockets all;
	struct os_socket **v; /* those to be shown, borrowed from all; owned list */
	size_t n;
};

static void shown_done(struct shown *s)
{
	free(s->v);
	os_sockets_done(&s->all);
	strv_done(&s->names);
}

/* --- which jails --- */

static int collect(struct cli *c, struct shown *s, struct err *e)
{
	_cleanup_(strv_done) struct strv names = { 0 };
	_cleanup_free_ struct os_jail *jails = NULL;
	struct state st;
	size_t n = 0;
	int r = state_names(&c->st, &names, e);

	if (r < 0)
		return r;
	jails = calloc(names.n + 1, sizeof(*jails));
	if (!jails)
		return err_oom(e);
	for (size_t i = 0; i < names.n; i++) {
		if (jail_shown(c, names.v[i], &st) <= 0)
			continue;
		if (strv_add(&s->names, names.v[i]) < 0)
			return err_oom(e);
		jails[n] = (struct os_jail){ .jail = s->names.v[n], .run = c->st.run, .pid = st.pid, .vnet = st.vnet };
		if (str_copy(jails[n++].cgroup, sizeof(jails[0].cgroup), st.cgroup) < 0)
			return err_set(e, EINVAL, "%s: bad state", names.v[i]);
	}
	return os_sockets(jails, n, &s->all, e);
}

/* --- order --- */

static const struct shown *sorting;

static int by_place(const void *a, const void *b)
{
	const struct os_socket *x = *(struct os_socket *const *)a, *y = *(struct os_socket *const *)b;
	int r = x->owner == y->owner ? 0 : str_natcmp(sorting->names.v[x->owner], sorting->names.v[y->owner]);

	if (!r)
		r = (int)y->listens - (int)x->listens;
	if (!r)
		r = strcmp(x->proto, y->proto);
	if (!r)
		r = (int)x->lport - (int)y->lport;
	if (!r)
		r = memcmp(x->local.b, y->local.b, sizeof(x->local.b));
	if (!r)
		r = memcmp(x->peer.b, y->peer.b, sizeof(x->peer.b));
	return r ? r : (int)x->pport - (int)y->pport;
}

static int choose(struct shown *s, const char *jail, bool listening, struct err *e)
{
	s->v = calloc(s->all.n + 1, sizeof(struct os_socket *));
	if (!s->v)
		return err_oom(e);
	for (size_t i = 0; i < s->all.n; i++) {
		struct os_socket *k = &s->all.v[i];

		if (k->owner == OS_SOCKET_HOST || (listening && !k->listens) ||
		    (jail && !streq(s->names.v[k->owner], jail)))
			continue;
		s->v[s->n++] = k;
	}
	sorting = s;
	qsort(s->v, s->n, sizeof(struct os_socket *), by_place);
	return 0;
}

/* --- cells --- */

static bool is_wild(const struct ipaddr *a)
{
	static const uint8_t zero[16] = { 0 };

	return memcmp(a->b, zero, sizeof(zero)) == 0;
}

static const char *host_text(const struct ipaddr *a, char buf[static IPADDR_TEXT])
{
	if (is_wild(a))
		return "*";
	return ipaddr_format_host(a, buf);
}

/* "192.0.2.10:80", "[2001:db8::10]:80", "*:80", "*:*" */
static char *end_text(const struct ipaddr *a, uint16_t port)
{
	char host[IPADDR_TEXT];
	bool six = a->family == 6 && !is_wild(a);

	return port ? strf("%s%s%s:%u", six ? "[" : "", host_text(a, host), six ? "]" : "", port)
	            : strf("%s%s%s:*", six ? "[" : "", host_text(a, host), six ? "]" : "");
}

static char *pid_text(const struct os_socket *s)
{
	struct sbuf b = { 0 };

	for (size_t i = 0; i < s->npids; i++)
		sbuf_addf(&b, "%s%d", i ? "," : "", (int)s->pids[i]);
	if (!s->npids)
		sbuf_add(&b, "-");
	return sbuf_take(&b);
}

/* The same protocol of the same stack on the same port, somebody else's. */
static bool meets(const struct os_socket *a, const struct os_socket *b)
{
	return a->owner != b->owner && a->shared && b->shared && a->listens && b->listens && a->lport == b->lport &&
	       strncmp(a->proto, b->proto, 3) == 0 && strncmp(a->proto, "raw", 3) != 0;
}

/* Who else, each as WHO@ADDRESS: "host@*", "www@192.0.2.10". */
static int also(const struct shown *s, const struct os_socket *k, struct strv *ret)
{
	for (size_t i = 0; k->listens && i < s->all.n; i++) {
		const struct os_socket *o = &s->all.v[i];
		char host[IPADDR_TEXT];
		_cleanup_free_ char *text = NULL;

		if (!meets(k, o))
			continue;
		text = strf("%s@%s", o->owner == OS_SOCKET_HOST ? "host" : s->names.v[o->owner],
		            host_text(&o->local, host));
		if (!text || (!strv_has(ret, text) && strv_add(ret, text) < 0))
			return -ENOMEM;
	}
	return 0;
}

static char *also_text(const struct shown *s, const struct os_socket *k)
{
	_cleanup_(strv_done) struct strv who = { 0 };
	struct sbuf b = { 0 };

	if (also(s, k, &who) < 0)
		return NULL;
	for (size_t i = 0; i < who.n; i++)
		sbuf_addf(&b, "%s%s", i ? "," : "", who.v[i]);
	if (!who.n)
		sbuf_add(&b, "-");
	return sbuf_take(&b);
}

/* --- printing --- */

static int print_table(const struct shown *s, bool with_jail, bool script, struct err *e)
{
	_cleanup_(sbuf_done) struct sbuf out = { 0 };
	_cleanup_(table_done) struct table t;
	size_t first = with_jail ? COL_JAIL : COL_PROTO;

	table_init(&t, heads + first, COL__COUNT - first);
	for (size_t i = 0; i < s->n; i++) {
		const struct os_socket *k = s->v[i];
		static const struct ipaddr none;
		_cleanup_free_ char *local = end_text(&k->local, k->lport), *pids = pid_text(k),
				    *peer = end_text(k->peer.family ? &k->peer : &none, k->pport),
				    *who = also_text(s, k);
		const char *cells[COL__COUNT] = { [COL_JAIL] = s->names.v[k->owner],
			                          [COL_PROTO] = k->proto,
			                          [COL_LOCAL] = local,
			                          [COL_PEER] = peer,
			                          [COL_STATE] = k->state,
			                          [COL_PID] = pids,
			                          [COL_COMMAND] = *k->command ? k->command : "-",
			                          [COL_ALSO] = who };

		if (!local || !pids || !peer || !who)
			return err_oom(e);
		table_row(&t, cells + first);
	}
	return table_print(&t, script, &out) ? print_sbuf(&out, e) : err_oom(e);
}

static void json_end(struct sbuf *out, const char *name, const struct ipaddr *a, uint16_t port)
{
	char host[IPADDR_TEXT];

	if (!a->family) {
		sbuf_addf(out, ", \"%s\": null, \"%s_port\": null", name, name);
		return;
	}
	sbuf_addf(out, ", \"%s\": \"%s\", \"%s_port\": ", name, ipaddr_format_host(a, host), name);
	if (port)
		sbuf_addf(out, "%u", port);
	else
		sbuf_add(out, "null");
}

static int json_socket(struct sbuf *out, const struct shown *s, const struct os_socket *k)
{
	_cleanup_(strv_done) struct strv who = { 0 };
	_cleanup_free_ char *pids = pid_text(k);

	if (!pids || also(s, k, &who) < 0)
		return -ENOMEM;
	sbuf_add(out, "{\"jail\": ");
	add_json(out, s->names.v[k->owner]);
	sbuf_addf(out, ", \"proto\": \"%s\"", k->proto);
	json_end(out, "local", &k->local, k->lport);
	json_end(out, "peer", &k->peer, k->pport);
	sbuf_addf(out, ", \"state\": \"%s\", \"listens\": %s, \"pids\": [%s], \"command\": ", k->state,
	          k->listens ? "true" : "false", k->npids ? pids : "");
	add_json(out, k->command);
	sbuf_add(out, ", \"also\": [");
	for (size_t i = 0; i < who.n; i++) {
		sbuf_add(out, i ? ", " : "");
		add_json(out, who.v[i]);
	}
	sbuf_add(out, "]}");
	return 0;
}

static int print_json(const struct shown *s, struct err *e)
{
	_cleanup_(sbuf_done) struct sbuf out = { 0 };

	sbuf_addc(&out, '[');
	for (size_t i = 0; i < s->n; i++) {
		sbuf_add(&out, i ? ",\n  " : "\n  ");
		if (json_socket(&out, s, s->v[i]) < 0)
			return err_oom(e);
	}
	sbuf_add(&out, s->n ? "\n]\n" : "]\n");
	return print_sbuf(&out, e);
}

int cmd_sockets(struct cli *c, struct args *a, struct err *e)
{
	_cleanup_(shown_done) struct shown s = { .n = 0 };
	_cleanup_free_ char *jail = NULL;
	int r = cli_open(c, false, e);

	if (r == 0 && a->npos)
		r = resolve_jail(c, a->pos[0], false, &jail, e);
	if (r == 0 && jail) {
		r = jail_running(c, jail, NULL, e);
		if (r >= 0)
			r = r ? 0 : err_class(e, ERR_BUSY, ESRCH, "%s is not running!", jail);
	}
	/* all of them, because one may share a port with another */
	if (r == 0)
		r = collect(c, &s, e);
	if (r == 0)
		r = choose(&s, jail, args_has(a, OPT_LISTEN), e);
	if (r < 0)
		return r;
	if (args_has(a, OPT_JSON))
		return print_json(&s, e);
	return print_table(&s, !jail, args_has(a, OPT_HEADER), e);
}
