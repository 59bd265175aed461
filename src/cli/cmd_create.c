/* cmd_create.c - create and destroy. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cli/life.h"

#define COUNT_MAX 1000

/* --- names --- */

static int random_uuid(char out[static 37], struct err *e)
{
	uint8_t b[16];

	if (getentropy(b, sizeof(b)) < 0)
		return err_sys(e, "cannot get random bytes");
	b[6] = (uint8_t)((b[6] & 0x0f) | 0x40);
	b[8] = (uint8_t)((b[8] & 0x3f) | 0x80);
	(void)snprintf(out, 37, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1],
	               b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]);
	return 0;
}

/* 32 hexadecimal digits, with dashes or without. *ret: with dashes, small letters. */
static int parse_uuid(const char *s, char out[static 37], struct err *e)
{
	size_t n = 0;

	for (; *s; s++) {
		if (*s == '-')
			continue;
		if (!strchr("0123456789abcdefABCDEF", *s) || n >= 36)
			return err_set(e, EINVAL, "Please provide a valid UUID");
		if (n == 8 || n == 13 || n == 18 || n == 23)
			out[n++] = '-';
		out[n++] = *s >= 'A' && *s <= 'F' ? (char)(*s + 32) : *s;
	}
	out[n] = '\0';
	return n == 36 ? 0 : err_set(e, EINVAL, "Please provide a valid UUID");
}

static int make_names(const struct args *a, unsigned count, struct strv *ret, struct err *e)
{
	const char *name = a->val[OPT_NAME], *given = a->val[OPT_UUID];
	char uuid[37];

	for (unsigned i = 1; i <= count; i++) {
		int r = 0;

		if (name) {
			r = count > 1 ? strv_adopt(ret, strf("%s_%u", name, i)) : strv_add(ret, name);
			if (r < 0)
				return err_oom(e);
			continue;
		}
		r = given ? parse_uuid(given, uuid, e) : random_uuid(uuid, e);
		if (r < 0)
			return r;
		if (args_has(a, OPT_SHORT))
			uuid[8] = '\0';
		if (strv_add(ret, uuid) < 0)
			return err_oom(e);
	}
	return 0;
}

/* A dot and an underscore are the same here: both would want the same files elsewhere. */
static bool same_name(const char *a, const char *b)
{
	for (; *a && *b; a++, b++)
		if (*a != *b && !((*a == '.' || *a == '_') && (*b == '.' || *b == '_')))
			return false;
	return *a == *b;
}

static int check_names(struct cli *c, const struct strv *names, struct err *e)
{
	_cleanup_(strv_done) struct strv have = { 0 };
	int r = store_jails(&c->st, &have, e);

	for (size_t i = 0; r == 0 && i < names->n; i++) {
		r = jail_name_check(names->v[i], e);
		for (size_t k = 0; r == 0 && k < have.n; k++)
			if (same_name(names->v[i], have.v[k]))
				r = err_set(e, EEXIST, "Jail: %s already exists!", have.v[k]);
	}
	return r;
}

/* --- create -c N: each jail its own addresses --- */

/* All bits of the host part set: with IPv4 that is nobody's address. */
static bool is_broadcast(const struct ipaddr *a, const struct ipaddr *net)
{
	bool all = a->family == 4 && net->prefix < 31;

	for (unsigned bit = net->prefix; all && bit < 32; bit++)
		all = a->b[bit / 8] & (0x80 >> bit % 8);
	return all;
}

/* Add to the host part; leaving the prefix (or the family) is an error. */
static int count_up(struct ipaddr *a, unsigned add, struct err *e)
{
	struct ipaddr net = *a;
	char text[IPADDR_TEXT];
	unsigned carry = add;

	for (int i = a->family == 4 ? 3 : 15; i >= 0 && carry; i--) {
		carry += a->b[i];
		a->b[i] = (uint8_t)carry;
		carry >>= 8;
	}
	/* a single-host prefix says nothing about the network: then only the last octets may change */
	if (!net.has_prefix || net.prefix == ipaddr_max_prefix(&net)) {
		net.has_prefix = true;
		net.prefix = net.family == 4 ? 24 : 112;
	}
	if (carry || !ipaddr_in_prefix(a, &net) || is_broadcast(a, &net))
		return err_set(e, ERANGE, "no address left after %s for %u more jails", ipaddr_format(&net, text), add);
	return 0;
}

static int shift_list(struct config *cfg, enum prop_id id, int family, unsigned add, struct err *e)
{
	const char *key = prop_table[id].name;
	_cleanup_free_ struct jaddr *v = NULL;
	_cleanup_(sbuf_done) struct sbuf out = { 0 };
	size_t n = 0;
	int r = jaddr_list_parse(conf_get(&cfg->conf, id), family, &v, &n, e);

	for (size_t i = 0; r == 0 && i < n; i++) {
		char text[IPADDR_TEXT];

		if (v[i].mode != JADDR_STATIC)
			return 0; /* the router or the DHCP server tells them apart */
		r = count_up(&v[i].addr, add, e);
		sbuf_addf(&out, "%s%s%s%s", i ? "," : "", v[i].ifname, *v[i].ifname ? "|" : "",
		          ipaddr_format(&v[i].addr, text));
	}
	if (r < 0 || !n)
		return r;
	return out.failed || conf_layer_set(&cfg->conf.own, key, out.p) < 0 ? err_oom(e) : 0;
}

/* --- create --- */

struct request {
	const struct args *a;
	struct assigns props;
	const char *release; /* NULL: empty */
	bool thick;
};

static int own(struct config *cfg, const char *key, const char *value, struct err *e)
{
	return conf_layer_set(&cfg->conf.own, key, value) < 0 ? err_oom(e) : 0;
}

static int fill(struct cli *c, const struct request *rq, struct config *cfg, unsigned index, struct strv *warnings,
                struct err *e)
{
	char hostname[256];
	int r;

	jail_default_hostname(cfg->name, hostname, sizeof(hostname));
	r = own(cfg, "host_hostname", hostname, e);
	if (r == 0)
		r = own(cfg, "host_hostuuid", cfg->name, e);
	if (r == 0)
		r = own(cfg, "release", rq->release ? rq->release : "EMPTY", e);
	if (r == 0 && rq->release && !rq->thick)
		r = own(cfg, "cloned_release", rq->release, e);
	for (size_t i = 0; r == 0 && i < rq->props.n; i++)
		r = own(cfg, rq->props.v[i].key, rq->props.v[i].value, e);
	if (r == 0 && index)
		r = shift_list(cfg, PROP_ip4_addr, 4, index, e);
	if (r == 0 && index)
		r = shift_list(cfg, PROP_ip6_addr, 6, index, e);
	if (r == 0)
		r = conf_enable_required(&cfg->conf, warnings, e);
	if (r == 0)
		r = assign_macs(c, cfg, e);
	return r;
}

/* Would it be made: all jails of --count are tried before the first exists. */
static int try_one(struct cli *c, const struct request *rq, const char *name, unsigned index, struct err *e)
{
	_cleanup_(strv_done) struct strv warnings = { 0 };
	struct config cfg = { 0 };
	int r = config_new(&c->st, name, &cfg, e);

	if (r == 0) {
		r = fill(c, rq, &cfg, index, &warnings, e);
		config_done(&cfg);
	}
	return r;
}

static int create_one(struct cli *c, const struct request *rq, const char *name, unsigned index, struct err *e)
{
	_cleanup_(strv_done) struct strv warnings = { 0 };
	struct config cfg = { 0 };
	struct run_opts o = { 0 };
	bool boot;
	int r = config_new(&c->st, name, &cfg, e);

	if (r < 0)
		return r;
	r = fill(c, rq, &cfg, index, &warnings, e);
	if (r == 0)
		r = store_create_jail(&c->st, &cfg, rq->release, rq->thick, e);
	if (r == -EEXIST)
		r = err_set(e, EEXIST, "Jail: %s already exists!", name);
	boot = conf_true(&cfg.conf, PROP_boot);
	config_done(&cfg);
	if (r < 0)
		return r;
	for (size_t i = 0; i < warnings.n; i++)
		warning("%s", warnings.v[i]);
	info("%s successfully created!", name);
	(void)fflush(stdout);
	return boot ? life_start(c, name, &o, e) : 0;
}

/* What F has and this version does not: one clear line. */
static int check_available(const struct args *a, struct err *e)
{
	static const struct {
		enum opt_id id;
		const char *what;
	} later[] = {
		{ OPT_TEMPLATE, "templates (-t)" },
		{ OPT_BASEJAIL, "basejails (-b)" },
		{ OPT_CLONE_BASEJAIL, "cloned basejails (-B)" },
		{ OPT_THICKCONFIG, "thick configurations (-C)" },
		{ OPT_PKGLIST, "package lists (-p)" },
		{ OPT_PROXY, "package proxies (-S)" },
	};

	for (size_t i = 0; i < sizeof(later) / sizeof(*later); i++)
		if (args_has(a, later[i].id))
			return err_set(e, ENOTSUP, "%s are not available in this version of iocage", later[i].what);
	return 0;
}

static int check_options(const struct args *a, unsigned *ret_count, struct err *e)
{
	uint64_t count = 1;

	if (args_has(a, OPT_COUNT) && !str_to_uint(a->val[OPT_COUNT], 1, COUNT_MAX, &count))
		return usage_err(e, "Invalid value for '--count' / '-c': '%s' is not a number from 1 to %d.",
		                 a->val[OPT_COUNT], COUNT_MAX);
	if (args_has(a, OPT_UUID) && count > 1)
		return usage_err(e, "--uuid (-u) names one jail: it cannot be used with --count (-c).");
	if (args_has(a, OPT_UUID) && args_has(a, OPT_NAME))
		return usage_err(e, "Only one of --name (-n) and --uuid (-u) can be given.");
	if (args_has(a, OPT_EMPTY) && args_has(a, OPT_RELEASE))
		return usage_err(e, "Only one of --empty (-e) and --release (-r) can be given.");
	if (!args_has(a, OPT_EMPTY) && !args_has(a, OPT_RELEASE) && !args_has(a, OPT_TEMPLATE))
		return err_set(e, EINVAL, "Must supply either --template (-t) or --release (-r)!");
	for (size_t i = 0; i < a->npos; i++)
		if (!strchr(a->pos[i], '=') && !args_has(a, OPT_NAME))
			return err_set(e, EINVAL, "%s is missing a value! (A jail's name is given with --name (-n).)",
			               a->pos[i]);
	*ret_count = (unsigned)count;
	return check_available(a, e);
}

static int need_release(struct cli *c, struct request *rq, struct err *e)
{
	struct fetch_req req = { 0 };
	int r;

	if (!rq->release)
		return 0;
	if (!strcasecmp(rq->release, "latest"))
		rq->release = host_release();
	if (store_has_release(&c->st, rq->release))
		return 0;
	if (!release_is_known(rq->release))
		return err_class(e, ERR_MISSING, ENOENT,
		                 "RELEASE %s was not found!\n'iocage list -R' shows what can be fetched by name, "
		                 "'iocage fetch -F FILE' "
		                 "makes one from an archive.",
		                 rq->release);
	req.release = rq->release;
	r = fetch_release(c, &req, e);
	/* another create was faster */
	return r == -EEXIST ? 0 : r;
}

int cmd_create(struct cli *c, struct args *a, struct err *e)
{
	_cleanup_(strv_done) struct strv names = { 0 };
	struct request rq = { .a = a, .thick = args_has(a, OPT_THICK) };
	unsigned count = 1;
	int r = check_options(a, &count, e);

	if (r == 0)
		r = make_names(a, count, &names, e);
	if (r == 0)
		r = assigns_parse(a->pos, a->npos, false, &rq.props, e);
	if (r == 0)
		r = cli_open(c, true, e);
	if (r == 0)
		r = check_names(c, &names, e);
	rq.release = a->val[OPT_RELEASE];
	for (unsigned i = 0; r == 0 && i < names.n && names.n > 1; i++)
		r = try_one(c, &rq, names.v[i], i, e);
	if (r == 0)
		r = need_release(c, &rq, e);
	for (unsigned i = 0; r == 0 && i < names.n; i++)
		r = create_one(c, &rq, names.v[i], i, e);
	assigns_done(&rq.props);
	return r;
}

/* --- destroy --- */

static int ask(const char *text, bool force, bool *ret_yes, struct err *e)
{
	*ret_yes = true;
	if (force)
		return 0;
	puts(text);
	return confirm("\nAre you sure?", ret_yes, e);
}

/* Down, and with nothing left over; with force a running one is stopped. The lock is held on return. */
static int bring_down(struct cli *c, const char *jail, bool force, int *ret_lock, struct err *e)
{
	struct run_opts o = { .quiet = true };
	int r = jail_running(c, jail, NULL, e);

	if (r < 0)
		return r;
	if (r) {
		if (!force)
			return err_class(e, ERR_BUSY, EBUSY,
			                 "Jail %s is still running, please stop the jail first or destroy it with -f",
			                 jail);
		info("Stopping %s", jail);
		(void)fflush(stdout);
		o.force = false;
		r = life_stop(c, jail, &o, e);
		if (r < 0 && r != -ESRCH)
			return r;
	}
	r = life_reap(c, jail, e);
	if (r == 0)
		r = store_lock_jail(&c->st, jail, false, 60, ret_lock, e);
	if (r == 0)
		r = jail_running(c, jail, NULL, e);
	if (r > 0)
		r = err_class(e, ERR_BUSY, EBUSY, "Jail %s was started in the meantime: nothing destroyed", jail);
	return r;
}

/* With the lock, and the jail down: whoever is about to start it again does not. */
static int forget_restarts(struct cli *c, const char *jail, struct err *e)
{
	_cleanup_(session_done) struct session s;
	struct run_opts o = { .quiet = true };

	session_init(&s, c, jail, &o);
	return session_sweep(&s, e);
}

static int destroy_jail(struct cli *c, const char *jail, bool force, struct err *e)
{
	_cleanup_free_ char *text = strf("\nThis will destroy jail %s", jail);
	_cleanup_close_ int lock = -1;
	bool yes;
	int r;

	if (!text)
		return err_oom(e);
	r = force ? 0 : jail_running(c, jail, NULL, e);
	if (r)
		return r < 0 ? r : bring_down(c, jail, false, &lock, e);
	r = ask(text, force, &yes, e);
	if (r < 0 || !yes)
		return r;
	r = bring_down(c, jail, force, &lock, e);
	if (r < 0)
		return r;
	info("Destroying %s", jail);
	r = forget_restarts(c, jail, e);
	return r < 0 ? r : store_destroy_jail(&c->st, jail, e);
}

static int destroy_release(struct cli *c, const char *release, bool force, struct err *e)
{
	_cleanup_free_ char *text = strf("\nThis will destroy RELEASE: %s", release);
	_cleanup_(strv_done) struct strv users = { 0 };
	_cleanup_(sbuf_done) struct sbuf b = { 0 };
	bool yes;
	int r;

	if (!text)
		return err_oom(e);
	if (!store_has_release(&c->st, release))
		return err_class(e, ERR_MISSING, ENOENT, "RELEASE %s was not found!", release);
	r = release_users(&c->st, release, &users, e);
	if (r < 0)
		return r;
	for (size_t i = 0; i < users.n && b.len < 700; i++)
		sbuf_addf(&b, "%s%s", i ? ", " : "", users.v[i]);
	if (users.n)
		return err_class(e, ERR_BUSY, EBUSY, "RELEASE %s is used by %zu jail%s, destroy %s first: %s", release,
		                 users.n, users.n > 1 ? "s" : "", users.n > 1 ? "them" : "it", b.p ? b.p : "");
	r = ask(text, force, &yes, e);
	if (r < 0 || !yes)
		return r;
	info("Destroying RELEASE dataset: %s", release);
	return release_destroy(&c->st, release, e);
}

/* Exact names, all of them looked up before the first is touched. */
static int check_targets(struct cli *c, const struct args *a, bool release, struct err *e)
{
	for (size_t i = 0; i < a->npos; i++) {
		_cleanup_free_ char *name = NULL;
		int r = 0;

		if (!release)
			r = resolve_jail(c, a->pos[i], true, &name, e);
		else if (!store_has_release(&c->st, a->pos[i]))
			r = err_class(e, ERR_MISSING, ENOENT, "RELEASE %s was not found!", a->pos[i]);
		if (r < 0)
			return r;
	}
	return 0;
}

int cmd_destroy(struct cli *c, struct args *a, struct err *e)
{
	bool release = args_has(a, OPT_RELEASE), force = args_has(a, OPT_FORCE);
	int r = cli_open(c, true, e);

	if (r < 0)
		return r;
	if (args_has(a, OPT_DOWNLOAD) && !release)
		return err_set(e, EINVAL, "--release (-r) must be specified as well!");
	r = check_targets(c, a, release, e);
	for (size_t i = 0; r == 0 && i < a->npos; i++)
		r = release ? destroy_release(c, a->pos[i], force, e) : destroy_jail(c, a->pos[i], force, e);
	return r;
}
