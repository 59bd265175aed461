/* plan_hostnet.c - from what is to what rc.conf asks for: bridges, VLANs, members with their addresses, routers, sysctls. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "core/plan_hostnet_impl.h"

#define TABLE_MAIN   254
#define PROTO_STATIC 4
#define SCOPE_LINK   253
#define REACH4_MS    2000
#define REACH6_MS    4000 /* a bridge that is new asks for nobody before its own link-local address is checked */

/* --- looking things up --- */

const struct hn_link *hn_facts_link(const struct hn_facts *f, const char *name)
{
	for (size_t i = 0; i < f->nlinks; i++)
		if (streq(f->links[i].name, name))
			return &f->links[i];
	return NULL;
}

void hn_facts_done(struct hn_facts *f)
{
	free(f->links);
	free(f->ips);
	free(f->routes);
	*f = (struct hn_facts){ 0 };
}

const struct hn_link *hn_link_at(const struct hn_build *b, unsigned index)
{
	for (size_t i = 0; i < b->f->nlinks; i++)
		if (b->f->links[i].index == index)
			return &b->f->links[i];
	return NULL;
}

bool hn_is_ours(const struct hn_link *l)
{
	return str_starts(l->alias, HN_MARK) && streq(l->alias + strlen(HN_MARK), l->name);
}

bool hn_managed(const struct hn_link *l)
{
	return l && l->manager[0] && !hn_is_ours(l);
}

/* Is it somebody else's to configure? Then it is said, once, and nothing is done to it. */
bool hn_leave(struct hn_build *b, const char *name)
{
	const struct hn_link *l = hn_facts_link(b->f, name);
	char *s;

	if (!hn_managed(l))
		return false;
	s = strf("%s is left alone: %s manages it", name, l->manager);
	if (s && strv_has(b->left, s))
		free(s);
	else if (!s || strv_adopt(b->left, s) < 0)
		b->p->failed = true;
	return true;
}

const char *hn_mark(struct hn_build *b, const char *name)
{
	return plan_strf(b->p, HN_MARK "%s", name);
}

static bool same_addr(const struct ipaddr *a, const struct ipaddr *b)
{
	return ipaddr_same_host(a, b) && a->prefix == b->prefix;
}

static const struct hn_ip *ip_on(const struct hn_build *b, unsigned index, const struct ipaddr *a)
{
	for (size_t i = 0; i < b->f->nips; i++)
		if (b->f->ips[i].index == index && same_addr(&b->f->ips[i].addr, a))
			return &b->f->ips[i];
	return NULL;
}

bool hn_any_ip(const struct hn_build *b, unsigned index)
{
	for (size_t i = 0; i < b->f->nips; i++)
		if (b->f->ips[i].index == index)
			return true;
	return false;
}

/* Has the link anything that moves with it. */
bool hn_carries(const struct hn_build *b, unsigned index)
{
	for (size_t i = 0; i < b->f->nroutes; i++)
		if (b->f->routes[i].index == index)
			return true;
	return hn_any_ip(b, index);
}

/* The member's link, when it can be put into the bridge and nothing stands against it. */
const struct hn_link *hn_usable_port(const struct hn_build *b, const struct hn_if *bridge, const struct hn_port *port)
{
	const struct hn_link *l = hn_facts_link(b->f, port->name);

	return hn_managed(l) || hn_managed(hn_facts_link(b->f, bridge->name)) ? NULL : l;
}

/* --- single steps --- */

/* The plan keeps strings of its own: it may outlive model and facts. */
static void own(struct plan *p, struct op *op)
{
	op->link = plan_str(p, op->link);
	op->bridge = plan_str(p, op->bridge);
	op->parent = plan_str(p, op->parent);
	op->alias = plan_str(p, op->alias);
	op->name = plan_str(p, op->name);
	op->text = plan_str(p, op->text);
}

void hn_add(struct hn_build *b, enum phase ph, const struct op *redo, const struct op *undo)
{
	struct op r = *redo, u = *undo;

	own(b->p, &r);
	own(b->p, &u);
	plan_add(b->p, ph, &r, &u);
}

/* What an address keeps when it moves. */
static uint32_t kept_flags(const struct hn_ip *ip)
{
	return (ip->noroute ? OP_ADDR_NOROUTE : 0) | (ip->nobrd ? OP_ADDR_NOBRD : 0);
}

static void add_addr(struct hn_build *b, enum phase ph, const char *link, const struct hn_addr *a,
                     const struct hn_ip *from)
{
	struct op redo = { .kind = OP_ADDR_ADD, .link = link, .addr = a->addr, .gw = a->peer, .flags = OP_ADDR_HOST };
	struct op undo = { .kind = OP_ADDR_DEL, .link = link, .addr = a->addr, .flags = OP_ADDR_HOST };

	if (from) {
		redo.flags |= OP_ADDR_MOVED | kept_flags(from);
		redo.timeout = from->valid;
		redo.id = from->preferred;
	}
	hn_add(b, ph, &redo, &undo);
}

static struct op addr_again(const char *link, const struct hn_ip *ip)
{
	return (struct op){ .kind = OP_ADDR_ADD,
		            .link = link,
		            .addr = ip->addr,
		            .opts = OP_AGAIN,
		            .flags = OP_ADDR_PLAIN | kept_flags(ip),
		            .timeout = ip->valid,
		            .id = ip->preferred };
}

/* An address off the link it is on; its inverse puts it back as it was. */
static void drop_addr(struct hn_build *b, const char *link, const struct hn_ip *ip)
{
	struct op redo = { .kind = OP_ADDR_DROP, .link = link, .addr = ip->addr };
	struct op undo = addr_again(link, ip);

	hn_add(b, PH_VNET, &redo, &undo);
}

static struct op route_op(const struct hn_route *r, const char *link)
{
	return (struct op){ .kind = OP_ROUTE_SET,
		            .link = link,
		            .dst = r->dst,
		            .gw = r->gw,
		            .addr = r->src,
		            .metric = r->metric,
		            .id = r->table == TABLE_MAIN ? 0 : r->table,
		            .flags = r->proto | (uint32_t)r->scope << 8 | (r->onlink ? OP_ROUTE_ONLINK : 0),
		            .timeout = r->expires };
}

/* --- sysctls first: what is made after them starts with them --- */

static int plan_sysctls(struct hn_build *b)
{
	for (size_t i = 0; i < b->h->nsysctls; i++) {
		const struct hn_sysctl *s = &b->h->sysctls[i];
		const struct hn_value *is = &b->f->sysctls[i];
		struct op redo = { .kind = OP_SYSCTL, .name = s->name, .text = s->on ? "1" : "0" }, undo = redo;

		if (!is->present && s->on)
			return err_set(b->e, ENOENT,
			               "%s:%u: %s: /proc/sys/%s does not exist; is the module loaded that has it%s?",
			               s->var->file, s->var->line, s->var->key, s->name,
			               str_starts(s->name, "net/bridge/") ? " (br_netfilter)" : "");
		if (!is->present || streq(is->value, redo.text))
			continue;
		undo.text = is->value;
		hn_add(b, PH_START, &redo, &undo);
	}
	return 0;
}

/* --- members: in one batch with their addresses and routes --- */

static int check_port(struct hn_build *b, const struct hn_if *i, const struct hn_port *port)
{
	const struct hn_link *l = hn_facts_link(b->f, port->name), *bridge = hn_facts_link(b->f, i->name), *master;
	const struct hn_if *made = hostnet_if(b->h, port->name);

	if (!l && made && made->kind != HN_PLAIN)
		return 0;
	if (!l)
		return err_set(b->e, ENODEV, "%s:%u: %s: there is no interface %s", port->var->file, port->var->line,
		               port->var->key, port->name);
	if (!l->master || (bridge && l->master == bridge->index))
		return 0;
	master = hn_link_at(b, l->master);
	return err_set(b->e, EBUSY, "%s:%u: %s: %s is in %s already", port->var->file, port->var->line, port->var->key,
	               port->name, master ? master->name : "another bridge");
}

static int check_movable(struct hn_build *b, const struct hn_link *l, const char *bridge)
{
	char a[IPADDR_TEXT];

	for (size_t i = 0; i < b->f->nips; i++) {
		const struct hn_ip *ip = &b->f->ips[i];

		if (ip->index != l->index)
			continue;
		ipaddr_format(&ip->addr, a);
		if (ip->mark == OP_MARK_ADDR)
			return err_set(b->e, EBUSY,
			               "%s carries %s of a running jail: stop the shared-IP jails on %s, and let them "
			               "use %s from now on",
			               l->name, a, l->name, bridge);
		if (ip->addr.family == 4 && ip->dynamic)
			return err_set(b->e, EBUSY,
			               "%s got %s by DHCP: its client must ask on %s before %s becomes a member",
			               l->name, a, bridge, l->name);
		if (ip->peer)
			return err_set(b->e, ENOTSUP, "%s carries %s, a point-to-point address, which cannot move",
			               l->name, a);
	}
	for (size_t i = 0; i < b->f->nroutes; i++)
		if (b->f->routes[i].index == l->index && b->f->routes[i].multipath)
			return err_set(b->e, ENOTSUP, "a route with several next hops goes through %s: it cannot move",
			               l->name);
	return 0;
}

static void port_in(struct hn_build *b, const struct hn_if *i, const char *name)
{
	struct op redo = { .kind = OP_PORT_ADD, .link = name, .bridge = i->name }, undo = redo;

	undo.kind = OP_PORT_DEL;
	hn_add(b, PH_VNET, &redo, &undo);
}

/* The bridge gets them, the routes change over, and only then the member loses them: there is no moment without. */
static void move(struct hn_build *b, const struct hn_if *i, const struct hn_link *l)
{
	const struct hn_link *bridge = hn_facts_link(b->f, i->name);
	const struct hn_facts *f = b->f;

	for (size_t k = 0; k < f->nips; k++)
		if (f->ips[k].index == l->index && !(bridge && ip_on(b, bridge->index, &f->ips[k].addr)))
			add_addr(b, PH_VNET, i->name, &(struct hn_addr){ .addr = f->ips[k].addr }, &f->ips[k]);
	for (size_t k = 0; k < f->nroutes; k++)
		if (f->routes[k].index == l->index) {
			struct op redo = route_op(&f->routes[k], i->name);
			struct op undo = route_op(&f->routes[k], l->name);

			hn_add(b, PH_VNET, &redo, &undo);
		}
	if (!bridge || l->master != bridge->index) {
		/*
		 * For the way back: out of the bridge before that loses the addresses. Answers to ARP that came into the
		 * bridge would be lost to a member that asked.
		 */
		struct op redo = { .kind = OP_NONE };
		struct op undo = { .kind = OP_PORT_DEL, .link = l->name, .bridge = i->name };

		hn_add(b, PH_VNET, &redo, &undo);
	}
	/* last to first: the first of a prefix takes the others with it */
	for (size_t k = f->nips; k-- > 0;)
		if (f->ips[k].index == l->index)
			drop_addr(b, l->name, &f->ips[k]);
}

/* Does something on a member have to move; it needs the bridge open, whether "up" was said or not. */
static bool anything_moves(const struct hn_build *b, const struct hn_if *i)
{
	for (size_t k = 0; k < i->nports; k++) {
		const struct hn_link *l = hn_usable_port(b, i, &i->ports[k]);
		const struct hn_if *said = hostnet_if(b->h, i->ports[k].name);

		if ((l && hn_carries(b, l->index)) || (said && said->naddrs))
			return true;
	}
	return false;
}

/* A bridge that was there and that nobody knows by its MAC yet takes that of the addresses to come. */
static void adopt_mac(struct hn_build *b, const struct hn_if *i)
{
	const struct hn_link *bridge = hn_facts_link(b->f, i->name);
	struct op redo = { .kind = OP_LINK_SET, .link = i->name, .mac = hn_bridge_mac(b, i) }, undo = redo;

	if (!bridge || i->mac.set || !redo.mac.set || hn_any_ip(b, bridge->index) || hn_managed(bridge) ||
	    !anything_moves(b, i) || memcmp(redo.mac.b, bridge->mac.b, 6) == 0)
		return;
	undo.mac = bridge->mac;
	hn_add(b, PH_VNET, &redo, &undo);
}

static int plan_members(struct hn_build *b, const struct hn_if *i)
{
	const struct hn_link *bridge = hn_facts_link(b->f, i->name), *l;
	int r = 0;

	for (size_t k = 0; r == 0 && k < i->nports; k++) {
		r = check_port(b, i, &i->ports[k]);
		l = hn_usable_port(b, i, &i->ports[k]);
		if (r == 0 && l)
			r = check_movable(b, l, i->name);
	}
	if (r < 0)
		return r;
	adopt_mac(b, i);
	for (size_t k = 0; k < i->nports; k++) {
		l = hn_facts_link(b->f, i->ports[k].name);
		if (l && bridge && l->master == bridge->index)
			continue;
		if (!hn_leave(b, i->name) && !hn_leave(b, i->ports[k].name))
			port_in(b, i, i->ports[k].name);
	}
	hn_plan_values(b, PH_VNET, i);
	hn_set_up(b, PH_VNET, i, i->up || anything_moves(b, i));
	for (size_t k = 0; k < i->nports; k++)
		if ((l = hn_usable_port(b, i, &i->ports[k])) && hn_carries(b, l->index))
			move(b, i, l);
	return 0;
}

/* --- addresses and routers of the files --- */

/* Where the addresses of an interface are: on the bridge whose member it is. */
static const char *place(const struct hn_build *b, const char *name)
{
	const struct hn_if *bridge = hostnet_master_of(b->h, name);

	return bridge && bridge->kind == HN_BRIDGE && !hn_managed(hn_facts_link(b->f, name)) &&
	                       !hn_managed(hn_facts_link(b->f, bridge->name))
	               ? bridge->name
	               : name;
}

static bool there(const struct hn_build *b, const char *where, const struct ipaddr *a)
{
	for (size_t i = 0; i < b->f->nips; i++) {
		const struct hn_link *l = hn_link_at(b, b->f->ips[i].index);

		if (l && streq(place(b, l->name), where) && same_addr(&b->f->ips[i].addr, a))
			return true;
	}
	return false;
}

static void plan_addrs(struct hn_build *b)
{
	for (size_t k = 0; k < b->h->n; k++) {
		const struct hn_if *i = &b->h->ifs[k];
		const char *where = place(b, i->name);

		for (size_t n = 0; n < i->naddrs; n++)
			if (!there(b, where, &i->addrs[n].addr) && !hn_leave(b, where))
				add_addr(b, PH_SERVICES, where, &i->addrs[n], NULL);
	}
}

/* The link whose prefix the router is in: of the files' addresses, else of those that are. */
static const char *router_link(const struct hn_build *b, const struct ipaddr *gw)
{
	if (gw->zone[0])
		return place(b, gw->zone);
	for (size_t k = 0; k < b->h->n; k++)
		for (size_t n = 0; n < b->h->ifs[k].naddrs; n++)
			if (ipaddr_in_prefix(gw, &b->h->ifs[k].addrs[n].addr))
				return place(b, b->h->ifs[k].name);
	for (size_t k = 0; k < b->f->nips; k++) {
		const struct hn_link *l = hn_link_at(b, b->f->ips[k].index);

		if (l && ipaddr_in_prefix(gw, &b->f->ips[k].addr))
			return place(b, l->name);
	}
	return NULL;
}

/* The route that one without a metric would replace: IPv6 calls none 1024. */
static const struct hn_route *route_to(const struct hn_build *b, const struct ipaddr *dst)
{
	for (size_t i = 0; i < b->f->nroutes; i++) {
		const struct hn_route *r = &b->f->routes[i];

		if (same_addr(&r->dst, dst) && r->table == TABLE_MAIN && r->metric == (dst->family == 6 ? 1024U : 0U))
			return r;
	}
	return NULL;
}

/* A route of the files: through gw (family 0: none), on link; NULL: the one whose network gw is in. */
static int plan_route(struct hn_build *b, const struct ipaddr *dst, const struct ipaddr *gw, const char *link,
                      const struct rcvar *v)
{
	struct op redo = { .kind = OP_ROUTE_SET, .flags = PROTO_STATIC, .dst = *dst, .gw = *gw }, undo;
	const struct hn_route *is = route_to(b, dst);
	const struct hn_link *l = is ? hn_link_at(b, is->index) : NULL;
	char text[IPADDR_TEXT];

	link = link ? place(b, link) : router_link(b, gw);
	if (!link)
		return err_set(b->e, ENETUNREACH, "%s:%u: %s: no interface has an address in the network of %s%s",
		               v->file, v->line, v->key, ipaddr_format_host(gw, text),
		               gw->family == 6 ? "; a link-local router is written with its interface, fe80::1%em0"
		                               : "");
	redo.gw.zone[0] = '\0';
	redo.metric = dst->family == 6 ? 1024 : 0;
	redo.link = link;
	if (dst->family == 4 && !gw->family)
		redo.flags |= (uint32_t)SCOPE_LINK << 8;
	if (is && l && ipaddr_same_host(&is->gw, &redo.gw) && streq(place(b, l->name), link))
		return 0;
	if (hn_leave(b, link) || (l && hn_managed(l) && hn_leave(b, l->name)))
		return 0;
	if (is && is->multipath)
		return err_set(b->e, ENOTSUP, "%s:%u: %s: there is a route to it with several next hops", v->file,
		               v->line, v->key);
	if (is && l) {
		undo = route_op(is, place(b, l->name));
	} else {
		undo = redo;
		undo.kind = OP_ROUTE_UNSET;
	}
	hn_add(b, PH_SERVICES, &redo, &undo);
	return 0;
}

static int plan_router(struct hn_build *b, const struct ipaddr *gw, const struct rcvar *v)
{
	struct ipaddr any = { .family = gw->family, .has_prefix = true };

	return gw->family ? plan_route(b, &any, gw, NULL, v) : 0;
}

static int plan_static_routes(struct hn_build *b)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < b->h->nroutes; i++) {
		const struct hn_static *s = &b->h->routes[i];

		if (s->link[0] && !hn_facts_link(b->f, s->link) && !hostnet_if(b->h, s->link))
			return err_set(b->e, ENODEV, "%s:%u: %s: there is no interface %s", s->var->file, s->var->line,
			               s->var->key, s->link);
		r = plan_route(b, &s->dst, &s->gw, s->link[0] ? s->link : NULL, s->var);
	}
	return r;
}

/* The routers that the host had on the link: what came over it before has to come over the bridge. */
static void ask_routers(struct hn_build *b, const struct hn_link *l, const char *bridge, bool all)
{
	for (int family = 4; family <= 6; family += 2)
		for (size_t i = 0; i < b->f->nroutes; i++) {
			const struct hn_route *r = &b->f->routes[i];
			const struct ipaddr *named = family == 4 ? &b->h->gw4 : &b->h->gw6;
			struct op op = { .kind = OP_REACH, .link = bridge, .gw = r->gw };

			if (named->family && !ipaddr_same_host(named, &r->gw))
				continue;
			if (r->index != l->index || r->dst.prefix || r->gw.family != family || r->table != TABLE_MAIN ||
			    (!all && !r->heard))
				continue;
			op.timeout = family == 4 ? REACH4_MS : REACH6_MS;
			hn_add(b, PH_POSTSTART, &op, &(struct op){ .kind = OP_NONE });
			break;
		}
}

/*
 * Members that join now. At boot a router may come up later than the host, so only those count that answered just before;
 * where the files name another router, that is the one to be.
 */
static void ask_members(struct hn_build *b, const struct hn_if *i)
{
	const struct hn_link *bridge = hn_facts_link(b->f, i->name);

	for (size_t k = 0; k < i->nports; k++) {
		const struct hn_link *l = hn_usable_port(b, i, &i->ports[k]);

		if (l && (!bridge || l->master != bridge->index))
			ask_routers(b, l, i->name, false);
	}
}

/* Batches end where the phase changes, so phases keep apart what needs the numbers of links made before it. */
int plan_hostnet(const struct hostnet *h, const struct hn_facts *f, struct plan *ret, struct strv *left, struct err *e)
{
	struct hn_build b = { h, f, ret, left, e };
	int r = plan_sysctls(&b);

	if (r == 0)
		r = hn_plan_links(&b);
	for (size_t k = 0; r == 0 && k < h->n; k++)
		if (h->ifs[k].kind == HN_BRIDGE)
			r = plan_members(&b, &h->ifs[k]);
	if (r == 0)
		plan_addrs(&b);
	if (r == 0)
		r = plan_router(&b, &h->gw4, h->gw4_var);
	if (r == 0)
		r = plan_router(&b, &h->gw6, h->gw6_var);
	if (r == 0)
		r = plan_static_routes(&b);
	for (size_t k = 0; r == 0 && k < h->n; k++)
		if (h->ifs[k].kind == HN_BRIDGE)
			ask_members(&b, &h->ifs[k]);
	return r < 0 ? r : plan_check(ret, e);
}

int plan_uplink_join(const char *link, const char *bridge, const struct hn_facts *f, struct plan *ret, struct err *e)
{
	static const struct rcvar said = { .key = (char *)"vnet_default_interface", .file = (char *)"jail", .line = 1 };
	struct hn_port port = { .var = &said };
	struct hn_if ifs[] = { { .kind = HN_BRIDGE, .var = &said, .up = true, .ports = &port, .nports = 1 },
		               { .kind = HN_PLAIN, .var = &said, .up = true } };
	struct hostnet h = { .ifs = ifs, .n = 2 };
	struct strv left = { 0 };
	struct hn_build b = { &h, f, ret, &left, e };
	const struct hn_link *l = hn_facts_link(f, link);
	int r;

	if (!l || str_copy(port.name, sizeof(port.name), link) < 0 ||
	    str_copy(ifs[0].name, sizeof(ifs[0].name), bridge) < 0 ||
	    str_copy(ifs[1].name, sizeof(ifs[1].name), link) < 0)
		return err_set(e, ENODEV, "there is no interface %s", link);
	hn_set_up(&b, PH_START, &ifs[1], true);
	r = plan_members(&b, &ifs[0]);
	if (r == 0)
		ask_routers(&b, l, bridge, true);
	strv_done(&left);
	return r < 0 ? r : plan_check(ret, e);
}

/* Nothing but an inverse: what the interface had is put back when it is home again. */
static void put_back(struct plan *p, const struct op *undo)
{
	struct op u = *undo;

	own(p, &u);
	plan_add(p, PH_START, &(struct op){ .kind = OP_NONE }, &u);
}

void plan_hand_over(struct plan *p, const struct hn_facts *f, const struct hn_link *l, unsigned inside)
{
	struct op in = { .kind = OP_LINK_IN, .link = l->name, .index = inside }, out = in;

	/* what is said first is put back last: routes, then the addresses, the first one first, then it is up */
	for (int direct = 0; direct <= 1; direct++) /* one by a gateway may need one that is direct */
		for (size_t i = 0; i < f->nroutes; i++)
			if (f->routes[i].index == l->index && (f->routes[i].gw.family == 0) == direct) {
				struct op op = route_op(&f->routes[i], l->name);

				op.index = l->index;
				put_back(p, &op);
			}
	for (size_t i = f->nips; i-- > 0;)
		if (f->ips[i].index == l->index) {
			struct op op = addr_again(l->name, &f->ips[i]);

			op.index = l->index;
			put_back(p, &op);
		}
	if (l->up)
		put_back(p, &(struct op){
				    .kind = OP_LINK_SET, .link = l->name, .flags = OP_LINK_UPPED, .index = l->index });
	out.kind = OP_LINK_OUT;
	out.mtu = l->mtu;
	out.mac = l->mac;
	out.id = l->index;
	own(p, &in);
	own(p, &out);
	plan_add(p, PH_START, &in, &out);
}
