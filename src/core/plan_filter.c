/* plan_filter.c - the part of `start` that says what a VNET jail may send, and puts it behind the host's address. */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "core/nat.h"
#include "core/plan_impl.h"

/* --- what a bridged NIC may send --- */

/* What the NIC has of a family. */
struct has {
	bool any, learned, self;
};

static struct has nic_has(const struct jnic *nic, const struct jaddr *list, size_t n)
{
	struct has h = { 0 };

	for (size_t i = 0; i < n; i++) {
		if (!jnic_has(nic, &list[i]))
			continue;
		h.any = true;
		h.learned = h.learned || jaddr_is_learned(&list[i]);
		h.self = h.self || list[i].mode == JADDR_SELF;
	}
	return h;
}

static void add_item(struct sbuf *b, const struct ipaddr *a)
{
	char buf[IPADDR_TEXT];

	sbuf_addf(b, "%s%s", b->len ? "," : "", ipaddr_format_host(a, buf));
}

/* All of the jail's, whatever NIC they are on: what is on lo0 or on another NIC may leave by this one, too. */
static void add_list(struct sbuf *b, const struct jaddr *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (list[i].mode == JADDR_STATIC)
			add_item(b, &list[i].addr);
}

/* What the kernel makes of a MAC (RFC 4291, appendix A). */
static struct ipaddr link_local(const struct macaddr *m)
{
	return (struct ipaddr){ .family = 6,
		                .b = { 0xfe, 0x80, 0, 0, 0, 0, 0, 0, m->b[0] ^ 2, m->b[1], m->b[2], 0xff, 0xfe, m->b[3],
		                       m->b[4], m->b[5] } };
}

/* Tags that may be on what it sends. */
static const char *tags_of(struct plan *p, const struct vlans *v)
{
	_cleanup_(sbuf_done) struct sbuf b = { 0 };

	for (size_t i = 0; i < v->ntagged; i++)
		sbuf_addf(&b, "%s%u", i ? "," : "", v->tagged[i]);
	p->failed = p->failed || b.failed;
	return b.len ? plan_str(p, b.p) : NULL;
}

void plan_antispoof(struct plan *p, const struct jail *j, const struct jnic *nic, const char *link,
                    const struct macaddr *mac)
{
	struct has h4 = nic_has(nic, j->a4, j->n4), h6 = nic_has(nic, j->a6, j->n6);
	_cleanup_(sbuf_done) struct sbuf text = { 0 };
	struct op redo = { .kind = OP_SPOOF, .link = link, .mac2 = *mac };
	struct op undo = { .kind = OP_SPOOF_DEL, .link = link };
	struct ipaddr own = link_local(mac);

	if (h4.any) {
		redo.flags |= OP_SPOOF_IP4 | (h4.self ? OP_SPOOF_SELF4 : h4.learned ? OP_SPOOF_DHCP : 0);
		add_list(&text, j->a4, j->n4);
	}
	if (h6.any) {
		redo.flags |= OP_SPOOF_IP6 | (h6.self ? OP_SPOOF_SELF6 : h6.learned ? OP_SPOOF_SLAAC : 0);
		add_list(&text, j->a6, j->n6);
		add_item(&text, &own);
	}
	redo.name = undo.name = plan_str(p, j->name);
	redo.text = text.len ? plan_str(p, text.p) : NULL;
	redo.opts = tags_of(p, &nic->vlans);
	p->failed = p->failed || text.failed;
	plan_add(p, PH_VNET, &redo, &undo);
}

/* --- behind the host's address --- */

static void add_forward(struct plan *p, const struct jail *j, const char *link)
{
	struct op redo = { .kind = OP_FORWARD, .name = plan_str(p, j->name), .link = plan_str(p, link) };
	struct op undo = { .kind = OP_FORWARD_DEL, .name = redo.name, .link = redo.link };

	plan_add(p, PH_VNET, &redo, &undo);
}

int plan_nat(struct plan *p, const struct jail *j, const struct facts *f, const char *link, struct err *e)
{
	const char *forwards = conf_get(j->conf, PROP_nat_forwards), *outside = j->nat_interface;
	struct op redo = { .kind = OP_NAT, .link = link }, undo = { .kind = OP_NAT_DEL, .link = link };
	bool any = !streq(forwards, "none");

	if (!outside[0])
		outside = f->gw4.ifname;
	if (!outside[0])
		return err_set(e, ENODEV,
		               "nat: the host has no default IPv4 route; name the interface to go out by: iocage set "
		               "nat_interface=IFACE default");
	if (!facts_link(f, outside))
		return err_set(e, ENODEV, "nat_interface: there is no interface %s on this host", outside);
	if (j->nat_addr.family != 4)
		return err_set(e, EINVAL, "nat: no address was chosen");
	redo.name = undo.name = plan_str(p, j->name);
	redo.peer = plan_str(p, outside);
	redo.addr = undo.addr = j->nat_addr;
	redo.text = any ? plan_str(p, forwards) : NULL;
	redo.flags = (j->antispoof ? OP_NAT_ANTISPOOF : 0) | (j->isolated ? OP_NAT_ISOLATED : 0);
	plan_add(p, PH_VNET, &redo, &undo);
	/* the kernel asks the interface by which a packet comes in whether it may be passed on */
	add_forward(p, j, redo.peer);
	for (size_t i = 0; any && i < f->nnat_links; i++)
		if (!streq(f->nat_links[i].name, outside))
			add_forward(p, j, f->nat_links[i].name);
	return 0;
}

void plan_nat_link(struct plan *p, const struct jail *j, const struct facts *f)
{
	struct op addr = { .kind = OP_ADDR_ADD, .addr = nat_router(&j->nat_addr), .flags = OP_ADDR_PLAIN };
	struct op forward = { .kind = OP_FORWARD };
	char outside[IFNAME_CAP];

	(void)jnic_outside_name(j->nics[0].name, f->jid, outside);
	addr.link = forward.link = plan_str(p, outside);
	plan_add_plain(p, PH_VNET, &addr);
	plan_add_plain(p, PH_VNET, &forward);
}

/* --- of a jail that runs --- */

/* The step of p that is about the same thing; NULL: none. */
static const struct step *same_thing(const struct plan *p, const struct op *op)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->steps[i].redo.kind == op->kind && streq(p->steps[i].redo.link, op->link))
			return &p->steps[i];
	return NULL;
}

/* The same operation in another plan's memory. */
static struct op copy_op(struct plan *p, const struct op *op)
{
	struct op r = *op;

	r.name = plan_str(p, op->name);
	r.link = plan_str(p, op->link);
	r.peer = plan_str(p, op->peer);
	r.text = plan_str(p, op->text);
	r.opts = plan_str(p, op->opts);
	return r;
}

static void add_copy(struct plan *p, const struct op *redo, const struct op *undo)
{
	struct op a = copy_op(p, redo), b = copy_op(p, undo);

	plan_add(p, PH_QUIET, &a, &b);
}

int plan_rules_live(struct plan *p, const struct jail *old, const struct jail *new, const struct facts *f,
                    struct err *e)
{
	_cleanup_(plan_done) struct plan was = { 0 }, is = { 0 };
	int r = plan_rules(new, f, &is, e);

	/* what it runs with worked when it started: if the host changed since, the new rules are all there is to say */
	if (r < 0 || plan_rules(old, f, &was, NULL) < 0)
		return r;
	for (size_t i = 0; i < is.n; i++) {
		const struct step *s = same_thing(&was, &is.steps[i].redo);

		if (!s)
			add_copy(p, &is.steps[i].redo, &is.steps[i].undo);
		else if (!op_equal(&s->redo, &is.steps[i].redo))
			add_copy(p, &is.steps[i].redo, &s->redo);
	}
	for (size_t i = 0; i < was.n; i++)
		if (!same_thing(&is, &was.steps[i].redo))
			add_copy(p, &was.steps[i].undo, &was.steps[i].redo);
	return 0;
}
