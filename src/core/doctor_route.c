/* doctor_route.c - the checks of `doctor` for routers: a jail's way out, and the way back to it. */
#include "core/doctor_impl.h"

#include "base/str.h"

const struct sv_route *doctor_default_route(const struct survey *s, int family)
{
	for (size_t i = 0; i < s->nroutes; i++)
		if (s->routes[i].family == family)
			return &s->routes[i];
	return NULL;
}

static bool on_link(const struct survey *s, const struct sv_route *r)
{
	if (!r->via.family || (r->via.family == 6 && r->via.b[0] == 0xfe && (r->via.b[1] & 0xc0) == 0x80))
		return true;
	for (size_t i = 0; i < s->naddrs; i++)
		if (s->addrs[i].link == r->link && s->addrs[i].addr.family == r->via.family &&
		    ipaddr_in_prefix(&r->via, &s->addrs[i].addr))
			return true;
	return false;
}

static void check_router(struct ward *w, const struct doctor_jail *d, const struct router *want, int family,
                         const char *prop)
{
	const struct sv_route *r = doctor_default_route(d->inside, family);
	char a[IPADDR_TEXT];

	if (want->mode == ROUTER_ADDR && !r) {
		(void)doctor_find(w, "no-route", d->jail->name,
		                  strf("no default IPv%d route inside, though %s is %s", family, prop,
		                       ipaddr_format_host(&want->addr, a)),
		                  strf("iocage restart %s", d->jail->name));
		return;
	}
	if (r && !on_link(d->inside, r))
		(void)doctor_find(
			w, "gateway-off-link", d->jail->name,
			strf("the default IPv%d route inside goes to %s, which is in no prefix of its interface",
		             family, ipaddr_format_host(&r->via, a)),
			strf("iocage set %s=ADDRESS %s", prop, d->jail->name));
}

/* --- the way out --- */

/* Do packets of the bridge (or of a pair without one) come in by this interface: itself, or a VLAN of it. */
static bool faces(const struct sv_link *side, const struct sv_link *l)
{
	return l && (l == side || l->parent == side->index);
}

/* Where the host hears a NIC: its bridge or, without one, the pair's end. NULL: down, not as configured, or in a VRF. */
static const struct sv_link *host_side(const struct ward *w, const struct doctor_jail *d, const struct jnic *nic)
{
	const struct sv_link *end = doctor_host_end(w, d, nic), *side;

	side = end && end->master ? survey_index(w->host, end->master) : end;
	if (!side || !side->up || side->master || (side != end) != !!nic->bridge[0] ||
	    (side != end && !streq(side->name, nic->bridge)))
		return NULL;
	return side;
}

/* An address of the host's that is the router. IPv4 is answered for on every interface, IPv6 on its own. */
static bool host_is(const struct ward *w, const struct sv_link *side, const struct ipaddr *router)
{
	for (size_t i = 0; i < w->host->naddrs; i++) {
		const struct sv_addr *a = &w->host->addrs[i];

		if (ipaddr_same_host(&a->addr, router) &&
		    (router->family == 4 || faces(side, survey_index(w->host, a->link))))
			return true;
	}
	return false;
}

/* Is somebody beside this NIC who may be the router: what we cannot look into may be anything. */
static bool may_be_there(const struct ward *w, const struct sv_link *side, const struct sv_end *self,
                         const struct ipaddr *router)
{
	for (size_t i = 0; i < w->host->nlinks; i++) {
		const struct sv_link *l = &w->host->links[i], *in;
		const struct sv_end *o = &w->ends[i];

		if (faces(side, l) && l->proxy)
			return true;
		if (l->master != side->index || (o->d == self->d && o->nic == self->nic))
			continue;
		in = o->d ? doctor_jail_end(o->d, o->nic) : NULL;
		if (!in || in->master || in->proxy || survey_addr(o->d->inside, router))
			return true;
	}
	return false;
}

/* An interface of the host's, elsewhere, whose network the router is in. */
static const struct sv_link *link_towards(const struct ward *w, const struct sv_link *side, const struct ipaddr *router)
{
	for (size_t i = 0; i < w->host->naddrs; i++) {
		const struct sv_addr *a = &w->host->addrs[i];
		const struct sv_link *l = survey_index(w->host, a->link);

		if (l && !faces(side, l) && !l->loopback && !a->local_scope && a->addr.family == router->family &&
		    a->addr.prefix < ipaddr_max_prefix(router) && ipaddr_in_prefix(router, &a->addr))
			return l->master ? survey_index(w->host, l->master) : l;
	}
	return NULL;
}

static char *join_them(const struct ward *w, const struct sv_link *side, const struct sv_end *self,
                       const struct ipaddr *router, const struct ipaddr *own)
{
	const struct sv_link *up = link_towards(w, side, router);
	const char *jail = self->d->jail->name;
	struct ipaddr with = *router;
	char text[IPADDR_TEXT];

	if (up && streq(up->kind, "bridge"))
		return strf("iocage set interfaces=%s:%s %s; iocage restart %s", self->nic->name, up->name, jail, jail);
	if (up && streq(side->kind, "bridge"))
		return strf("iocage set vnet_default_interface=%s %s; iocage restart %s", up->name, jail, jail);
	with.prefix = own->prefix;
	with.has_prefix = true;
	return strf("ip addr add %s dev %s", ipaddr_format(&with, text), side->name);
}

static bool asked_in_vain(const struct survey *s, const struct sv_route *r)
{
	for (size_t i = 0; i < s->nneighs; i++)
		if (s->neighs[i].failed && s->neighs[i].link == r->link &&
		    ipaddr_same_host(&s->neighs[i].addr, &r->via))
			return true;
	return false;
}

/* r leads out by this NIC to an address. own: the jail's, in whose network that is. */
static void check_way_out(struct ward *w, const struct sv_end *self, const struct sv_link *side,
                          const struct sv_route *r, const struct ipaddr *own)
{
	const char *jail = self->d->jail->name;
	bool none = !host_is(w, side, &r->via) && !may_be_there(w, side, self, &r->via);
	char a[IPADDR_TEXT];

	ipaddr_format_host(&r->via, a);
	if (none && own)
		(void)doctor_find(w, "no-router", jail,
		                  strf("its router %s is nowhere: the host does not have it on %s, and %s", a,
		                       side->name,
		                       streq(side->kind, "bridge") ? "nothing but jails without it is a port there"
		                                                   : "nothing else is at the other end"),
		                  join_them(w, side, self, &r->via, own));
	else if (asked_in_vain(self->d->inside, r))
		(void)doctor_find(w, "router-silent", jail,
		                  strf("it asked for its router %s on %s, and nobody answered (its neighbour table)", a,
		                       self->nic->name),
		                  strf("iocage exec %s ping -c 1 %s asks again; if that fails, too: iocage set "
		                       "defaultrouter%s=ADDRESS %s",
		                       jail, a, r->family == 6 ? "6" : "", jail));
}

/* --- the way back --- */

/* The host's interface in whose network the jail's address is, of those that face it. */
static const struct sv_link *neighbour(const struct ward *w, const struct sv_link *side, const struct ipaddr *jails)
{
	for (size_t i = 0; i < w->host->naddrs; i++) {
		const struct sv_addr *a = &w->host->addrs[i];

		if (a->addr.family == jails->family && a->addr.prefix < ipaddr_max_prefix(jails) &&
		    ipaddr_in_prefix(jails, &a->addr) && faces(side, survey_index(w->host, a->link)))
			return survey_index(w->host, a->link);
	}
	return NULL;
}

/* The host that has a jail's address, too. */
static void tell_same(struct ward *w, const char *jail, const struct ipaddr *jails)
{
	const struct sv_addr *same = survey_addr(w->host, jails);
	const struct sv_link *l = same ? survey_index(w->host, same->link) : NULL;
	char a[IPADDR_TEXT];

	ipaddr_format_host(jails, a);
	if (l)
		(void)doctor_find(
			w, "same-address", jail, strf("%s is the jail's and the host's own, on %s", a, l->name),
			strf("iocage set ip%d_addr=ANOTHER %s; or, if it is not the host's: ip addr del %s/%u "
		             "dev %s",
		             jails->family, jail, a, same->addr.prefix, l->name));
}

/* A host that a jail is beside, or that is its router, has to send to it where it hears it. */
static void check_way_back(struct ward *w, const struct sv_end *self, const struct sv_link *side,
                           const struct sv_link *near, const struct ipaddr *jails)
{
	const struct sv_way *way = survey_way(w->host, jails);
	const struct sv_link *to = way ? survey_index(w->host, way->link) : NULL;
	const char *jail = self->d->jail->name;
	char a[IPADDR_TEXT], *fix;

	if (way && way->local)
		tell_same(w, jail, jails);
	/* the routes of what is down are gone with it */
	if (!way || way->local || (to && faces(side, to)) || !near->up)
		return;
	ipaddr_format_host(jails, a);
	fix = strf("ip%s route replace %s dev %s", jails->family == 6 ? " -6" : "", a, near->name);
	if (jails->family == 4 && near->source_strict)
		(void)doctor_find(w, "rp-filter", jail,
		                  strf("the host's way back to %s leads %s%s, so it drops what comes from there on %s "
		                       "(net.ipv4.conf.%s.rp_filter, or that of all, is 1)",
		                       a, to ? "to " : "nowhere", to ? to->name : "", near->name, near->name),
		                  fix);
	else
		(void)doctor_find(w, "route-elsewhere", jail,
		                  strf("the host's way to %s leads %s%s, not to %s, where the jail is", a,
		                       to ? "to " : "nowhere", to ? to->name : "", near->name),
		                  fix);
}

/* RFC 1918, RFC 4193: nobody far away can know the way to it. */
static bool is_private(const struct ipaddr *a)
{
	if (a->family == 6)
		return (a->b[0] & 0xfe) == 0xfc;
	return a->b[0] == 10 || (a->b[0] == 172 && (a->b[1] & 0xf0) == 16) || (a->b[0] == 192 && a->b[1] == 168);
}

static struct ipaddr network_of(const struct ipaddr *a)
{
	struct ipaddr net = *a;

	bits_clear(net.b, a->prefix, ipaddr_max_prefix(a));
	return net;
}

/* The host's address on the interface its default route leaves by. NULL: it has none, or the jail's is in its network. */
static const struct sv_addr *sender(const struct ward *w, const struct sv_link *up, const struct ipaddr *jails)
{
	const struct sv_addr *ret = NULL;

	for (size_t i = 0; i < w->host->naddrs; i++) {
		const struct sv_addr *a = &w->host->addrs[i];

		if (a->link != up->index || a->local_scope || a->addr.family != jails->family)
			continue;
		if (ipaddr_in_prefix(jails, &a->addr))
			return NULL;
		ret = ret ? ret : a;
	}
	return ret;
}

static bool noted(const struct ward *w, const char *id, const struct ipaddr *net)
{
	for (size_t i = 0; i < w->f->n; i++)
		if (streq(w->f->v[i].id, id) && ipaddr_same_host(&w->f->v[i].addr, net))
			return true;
	return false;
}

/*
 * The host is the jail's router, forwards, and leaves its private address as it is. Whether the next router knows the way
 * back cannot be seen from here: a note. Told once a network; not where something may translate or announce it.
 */
static void check_answers(struct ward *w, const struct sv_end *self, const struct sv_link *side,
                          const struct ipaddr *jails)
{
	const struct survey *h = w->host;
	bool six = jails->family == 6, first = self->nic == self->d->jail->nics;
	const struct sv_route *out = doctor_default_route(h, jails->family);
	const struct sv_link *up = out ? survey_index(h, out->link) : NULL;
	const struct sv_addr *from = up && !faces(side, up) ? sender(w, up, jails) : NULL;
	const struct ipaddr net = network_of(jails);
	char a[IPADDR_TEXT], n[IPADDR_TEXT], me[IPADDR_TEXT], next[IPADDR_TEXT] = "the next router";
	const char *jail = self->d->jail->name;
	struct finding *f;

	if (!from || !is_private(jails) || h->translates || !(six ? h->forward6 : h->forward4) ||
	    (six ? h->routed6 : h->routed4) || (self->d->jail->nat && first && !six) || noted(w, "no-way-back", &net))
		return;
	if (out->via.family)
		ipaddr_format_host(&out->via, next);
	ipaddr_format_host(jails, a);
	ipaddr_format_host(&from->addr, me);
	ipaddr_format(&net, n);
	f = doctor_note(
		w, "no-way-back", jail,
		strf("what it sends leaves by %s with its private address %s, and nothing here translates that: "
	             "answers come back only if %s knows the way to %s, which cannot be seen from here",
	             up->name, a, next, n),
		strf("%s%s%s%s%son %s: ip%s route add %s via %s", first && !six ? "iocage set nat=on " : "",
	             first && !six ? jail : "", first && !six ? "; iocage restart " : "", first && !six ? jail : "",
	             first && !six ? "; or " : "", next, six ? " -6" : "", n, me));
	if (f)
		f->addr = net;
}

static void check_nic_routes(struct ward *w, const struct sv_end *self, const struct sv_link *side,
                             const struct sv_link *in, int family)
{
	const struct survey *s = self->d->inside;
	const struct sv_route *r = doctor_default_route(s, family);
	const struct ipaddr *own = NULL;
	bool out = r && r->link == in->index && r->via.family, routed = out && host_is(w, side, &r->via);

	for (size_t i = 0; i < s->naddrs; i++) {
		const struct sv_addr *a = &s->addrs[i];
		const struct sv_link *near;

		if (a->link != in->index || a->addr.family != family || a->failed || a->tentative)
			continue;
		if (out && ipaddr_in_prefix(&r->via, &a->addr))
			own = &a->addr;
		near = a->local_scope ? NULL : neighbour(w, side, &a->addr);
		/* what else the jail gave itself is its own business */
		if (a->local_scope || (!near && !(routed && doctor_has_static(self->d->jail, &a->addr))))
			continue;
		check_way_back(w, self, side, near ? near : side, &a->addr);
		if (routed)
			check_answers(w, self, side, &a->addr);
	}
	if (out)
		check_way_out(w, self, side, r, own);
}

void doctor_check_routes(struct ward *w, const struct doctor_jail *d)
{
	check_router(w, d, &d->jail->router4, 4, "defaultrouter");
	check_router(w, d, &d->jail->router6, 6, "defaultrouter6");
	for (size_t i = 0; i < d->jail->nnics; i++) {
		const struct sv_end self = { d, &d->jail->nics[i] };
		const struct sv_link *side = host_side(w, d, self.nic), *in = doctor_jail_end(d, self.nic);

		if (!side || !in)
			continue;
		check_nic_routes(w, &self, side, in, 4);
		check_nic_routes(w, &self, side, in, 6);
	}
}
