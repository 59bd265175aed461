/* hostnet_routes.c - rc.conf's static_routes and the route_NAME lines they name, into the model of the host's network. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "core/hostnet_impl.h"

/* The list holds NAME or NAME:IF (rc.conf(5)); the interface says on whose start FreeBSD adds it. */
static bool lists(const struct rcvar *list, const char *name)
{
	_cleanup_(strv_done) struct strv names = { 0 };

	if (!list || strv_split(&names, list->value, " \t\n") < 0)
		return false;
	for (size_t i = 0; i < names.n; i++) {
		size_t n = strcspn(names.v[i], ":");

		if (strlen(name) == n && strncmp(names.v[i], name, n) == 0)
			return true;
	}
	return false;
}

bool hostnet_route_named(const struct hostnet *h, const struct rcvar *v)
{
	bool six = str_starts(v->key, "ipv6_route_");

	return lists(rcvars_get(&h->vars, six ? "ipv6_static_routes" : "static_routes"),
	             v->key + strlen(six ? "ipv6_route_" : "route_"));
}

/* "10.1.0.0", "10.1.0.0/16", "default" */
static int destination(struct words *w, const char *s, int family, struct ipaddr *ret)
{
	if (streq(s, "default")) {
		*ret = (struct ipaddr){ .family = (uint8_t)family, .has_prefix = true };
		return 0;
	}
	return ipaddr_parse(s, family, ret, w->e) < 0 ? err_wrap(w->e, "%s:%u: %s", at_args(w->v)) : 0;
}

struct route_words {
	bool host, to_link, have_dst, have_way;
	struct hn_static *r;
};

static int way(struct words *w, const char *s, int family, struct route_words *x)
{
	x->have_way = true;
	if (x->to_link) {
		if (!ifname_valid(s) || str_copy(x->r->link, sizeof(x->r->link), s) < 0)
			return err_set(w->e, EINVAL, at_fmt "%.40s is not the name of an interface", at_args(w->v), s);
		return 0;
	}
	if (ipaddr_parse(s, family, &x->r->gw, w->e) < 0)
		return err_wrap(w->e, "%s:%u: %s", at_args(w->v));
	return x->r->gw.has_prefix ? err_set(w->e, EINVAL, at_fmt "a router has no prefix: %.60s", at_args(w->v), s)
	                           : 0;
}

static int option(struct words *w, const char *s, struct route_words *x)
{
	unsigned bits;
	int r;

	if (streq(s, "-net") || streq(s, "-inet") || streq(s, "-inet6") || streq(s, "-4") || streq(s, "-6"))
		return 0;
	if (streq(s, "-host")) {
		x->host = true;
		return 0;
	}
	if (streq(s, "-iface") || streq(s, "-interface")) {
		x->to_link = true;
		return 0;
	}
	if (x->have_dst && streq(s, "-netmask"))
		return words_netmask(w, &x->r->dst);
	if (x->have_dst && streq(s, "-prefixlen")) {
		r = words_number(w, s, 0, ipaddr_max_prefix(&x->r->dst), &bits);
		if (r == 0) {
			x->r->dst.prefix = (uint8_t)bits;
			x->r->dst.has_prefix = true;
		}
		return r;
	}
	return err_set(w->e, EINVAL, at_fmt "%.40s is not understood here", at_args(w->v), s);
}

static int check_route(struct words *w, struct route_words *x)
{
	struct ipaddr *dst = &x->r->dst;

	if (!x->have_dst || !x->have_way)
		return err_set(w->e, EINVAL,
		               at_fmt "a destination and a router are wanted, as in \"-net 10.1.0.0/16 192.0.2.254\"",
		               at_args(w->v));
	if (x->host && !dst->has_prefix) {
		dst->prefix = (uint8_t)ipaddr_max_prefix(dst);
		dst->has_prefix = true;
	}
	if (!dst->has_prefix)
		return err_set(w->e, EINVAL, at_fmt "the destination needs a prefix, or -host", at_args(w->v));
	bits_clear(dst->b, dst->prefix, ipaddr_max_prefix(dst)); /* as route(8) does */
	return 0;
}

/* route(8)'s words: [-net|-host] DESTINATION [-netmask MASK|-prefixlen BITS] ROUTER, or -iface IF. */
static int one_route(struct words *w, int family, struct hn_static *ret)
{
	struct route_words x = { .r = ret };
	const char *s;
	int r = 0;

	while (r == 0 && (s = words_next(w))) {
		if (*s == '-') {
			r = option(w, s, &x);
		} else if (!x.have_dst) {
			x.have_dst = true;
			r = destination(w, s, family, &ret->dst);
		} else if (!x.have_way) {
			r = way(w, s, family, &x);
		} else {
			r = err_set(w->e, EINVAL, at_fmt "%.40s is one word too many", at_args(w->v), s);
		}
	}
	return r < 0 ? r : check_route(w, &x);
}

static int add_route(struct hostnet *h, const struct hn_static *route, struct err *e)
{
	struct hn_static *grown;

	for (size_t i = 0; i < h->nroutes; i++)
		if (ipaddr_same_host(&h->routes[i].dst, &route->dst) && h->routes[i].dst.prefix == route->dst.prefix)
			return err_set(e, EINVAL, at_fmt "this destination has a route already (line %u)",
			               at_args(route->var), h->routes[i].var->line);
	grown = realloc(h->routes, (h->nroutes + 1) * sizeof(*grown));
	if (!grown)
		return err_oom(e);
	h->routes = grown;
	h->routes[h->nroutes++] = *route;
	return 0;
}

static int named_route(struct hostnet *h, const struct rcvar *list, const char *name, int family, struct err *e)
{
	_cleanup_free_ char *key = strf("%sroute_%.*s", family == 6 ? "ipv6_" : "", (int)strcspn(name, ":"), name);
	struct hn_static route = { 0 };
	struct words w = { .e = e };
	int r;

	if (!key)
		return err_oom(e);
	w.v = route.var = rcvars_get(&h->vars, key);
	if (!w.v)
		return err_set(e, EINVAL, at_fmt "there is no %s", at_args(list), key);
	r = strv_split(&w.w, w.v->value, " \t\n") < 0 ? err_oom(e) : one_route(&w, family, &route);
	strv_done(&w.w);
	return r < 0 ? r : add_route(h, &route, e);
}

int hostnet_static_routes(struct hostnet *h, const struct rcvar *v, int family, struct err *e)
{
	_cleanup_(strv_done) struct strv names = { 0 };
	int r = strv_split(&names, v->value, " \t\n") < 0 ? err_oom(e) : 0;

	for (size_t i = 0; r == 0 && i < names.n; i++)
		r = named_route(h, v, names.v[i], family, e);
	return r;
}
