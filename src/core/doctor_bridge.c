/* doctor_bridge.c - the checks of `doctor` for bridges, their ports, and the pairs of interfaces between host and jails. */
#include "core/doctor_impl.h"

#include <stdio.h>

#include "base/cleanup.h"
#include "base/str.h"

const struct sv_link *doctor_host_end(const struct ward *w, const struct doctor_jail *d, const struct jnic *nic)
{
	char name[IFNAME_CAP];

	return d->running && jnic_outside_name(nic->name, d->jid, name) >= 0 ? survey_link(w->host, name) : NULL;
}

const struct sv_link *doctor_jail_end(const struct doctor_jail *d, const struct jnic *nic)
{
	char name[IFNAME_CAP];

	return d->inside && jnic_inside_name(nic->name, name) == 0 ? survey_link(d->inside, name) : NULL;
}

static void check_bridge(struct ward *w, const struct doctor_jail *d, const struct jnic *nic)
{
	const struct sv_link *b = nic->bridge[0] ? survey_link(w->host, nic->bridge) : NULL,
			     *end = doctor_host_end(w, d, nic);
	const char *name = d->jail->name;
	struct finding *f;

	if (d->running && d->inside && !end)
		(void)doctor_find(w, "nic-missing", name,
		                  strf("the host's end of %s, %s.%u, is gone: nothing reaches the jail there",
		                       nic->name, nic->name, d->jid),
		                  strf("iocage restart %s", name));
	if (!nic->bridge[0] || !d->running)
		return; /* a bridge that is missing is made at start */
	if (!b) {
		(void)doctor_find(w, "bridge-missing", name,
		                  strf("%s is to be on %s, and the host has no such bridge any more", nic->name,
		                       nic->bridge),
		                  strf("iocage restart %s", name));
		return;
	}
	if (!b->up) {
		f = doctor_find(w, "bridge-down", name,
		                strf("bridge %s of %s is down: nothing passes it", b->name, nic->name),
		                strf("ip link set %s up", b->name));
		if (f && str_starts(b->alias, "iocage:")) { /* one that a start made */
			f->mend = MEND_BRIDGE_UP;
			(void)snprintf(f->link, sizeof(f->link), "%s", b->name);
		}
	}
	if (end && end->master != b->index) {
		const struct sv_link *other = survey_index(w->host, end->master);

		(void)doctor_find(w, "port-taken", name,
		                  strf("%s (%s of the jail) is %s%s, not in %s", end->name, nic->name,
		                       other ? "in bridge " : "in no bridge", other ? other->name : "", b->name),
		                  strf("ip link set %s master %s", end->name, b->name));
	}
}

/* Either end of a pair. */
static void check_up(struct ward *w, const struct doctor_jail *d, const struct jnic *nic)
{
	const struct sv_link *end = doctor_host_end(w, d, nic), *in;

	if (!end)
		return;
	in = doctor_jail_end(d, nic);
	if (!end->up)
		(void)doctor_find(w, "nic-down", d->jail->name,
		                  strf("%s, the host's end of %s, is down", end->name, nic->name),
		                  strf("ip link set %s up", end->name));
	if (in && !in->up)
		(void)doctor_find(w, "nic-down", d->jail->name, strf("%s inside is down", in->name),
		                  strf("iocage exec %s ip link set %s up", d->jail->name, in->name));
}

bool doctor_used_bridge(const struct ward *w, unsigned index)
{
	for (size_t i = 0; i < w->n; i++)
		for (size_t k = 0; w->jails[i].jail->vnet && k < w->jails[i].jail->nnics; k++) {
			const struct sv_link *b = survey_link(w->host, w->jails[i].jail->nics[k].bridge);

			if (b && b->index == index && (!w->only || streq(w->jails[i].jail->name, w->only)))
				return true;
		}
	return false;
}

/* --- what a port lets through --- */

/* Without a carrier a port is disabled, too, and the port is not to blame. */
static void check_state(struct ward *w, const char *jail, const struct sv_link *port, const struct sv_link *b)
{
	static const char *const words[] = {
		[SV_DISABLED] = "disabled", [SV_LISTENING] = "listening", [SV_LEARNING] = "learning", [SV_BLOCKING] = "blocking"
	};
	bool soon = port->state == SV_LISTENING || port->state == SV_LEARNING;
	char *fix;

	if (port->state == SV_FORWARDING || !port->up || !port->carrier || !b->up)
		return;
	if (!b->stp)
		fix = strf("bridge link set dev %s state 3", port->name);
	else if (soon)
		fix = strf("ip link set dev %s type bridge stp_state 0; bridge link set dev %s state 3; or wait: %u s "
		           "at most",
		           b->name, port->name, 2 * b->forward_delay);
	else
		fix = strf("look for a second way from %s to %s, which would be a loop; if there is none: ip link set "
		           "dev %s type bridge stp_state 0; bridge link set dev %s state 3",
		           port->name, b->name, b->name, port->name);
	(void)doctor_find(w, "port-blocked", jail,
	                  strf("%s, a port of bridge %s, is in the state %s%s: nothing passes it", port->name, b->name,
	                       words[port->state], b->stp ? ", and the bridge runs a spanning tree (STP)" : ""),
	                  fix);
}

/* A second uplink is blocked on purpose. */
static bool has_deputy(const struct ward *w, const struct sv_link *port)
{
	for (size_t i = 0; port->state == SV_BLOCKING && i < w->host->nlinks; i++) {
		const struct sv_link *l = &w->host->links[i];

		if (!w->ends[i].d && l->master == port->master && l->carrier && l->state == SV_FORWARDING)
			return true;
	}
	return false;
}

static const struct sv_vlan *port_vlan(const struct survey *s, unsigned link, unsigned id)
{
	for (size_t i = 0; i < s->nvlans; i++)
		if (s->vlans[i].link == link && s->vlans[i].first <= id && id <= s->vlans[i].last)
			return &s->vlans[i];
	return NULL;
}

static bool is_wanted(const struct vlans *v, unsigned id)
{
	bool any = v->untagged == id;

	for (size_t i = 0; i < v->ntagged; i++)
		any = any || v->tagged[i] == id;
	return any;
}

/* Into said "666, 10", into fix what puts the port there. */
static void list_missing(const struct survey *s, const struct sv_link *end, const struct vlans *want, struct sbuf *said,
                         struct sbuf *fix)
{
	for (size_t i = 0; i <= want->ntagged; i++) {
		bool untagged = i == want->ntagged;
		unsigned id = untagged ? want->untagged : want->tagged[i];
		const struct sv_vlan *v = id ? port_vlan(s, end->index, id) : NULL;

		if (!id || (v && v->untagged == untagged))
			continue;
		sbuf_addf(said, "%s%u%s", said->len ? ", " : "", id, untagged ? "" : "t");
		sbuf_addf(fix, "%sbridge vlan add dev %s vid %u%s", fix->len ? "; " : "", end->name, id,
		          untagged ? " pvid untagged" : "");
	}
}

static void list_extra(const struct survey *s, const struct sv_link *end, const struct vlans *want, struct sbuf *said,
                       struct sbuf *fix)
{
	for (size_t i = 0; i < s->nvlans; i++) {
		const struct sv_vlan *v = &s->vlans[i];

		for (unsigned id = v->first, to; v->link == end->index && id <= v->last; id = to + 1) {
			to = id;
			if (is_wanted(want, id))
				continue;
			while (to < v->last && !is_wanted(want, to + 1))
				to++;
			sbuf_addf(said, to > id ? "%s%u-%u" : "%s%u", said->len ? ", " : "", id, to);
			sbuf_addf(fix,
			          to > id ? "%sbridge vlan del dev %s vid %u-%u" : "%sbridge vlan del dev %s vid %u",
			          fix->len ? "; " : "", end->name, id, to);
		}
	}
}

static void check_vlans(struct ward *w, const struct doctor_jail *d, const struct jnic *nic, const struct sv_link *end,
                        const struct sv_link *b)
{
	_cleanup_(sbuf_done) struct sbuf missing = { 0 }, extra = { 0 }, fix = { 0 };

	if (!nic->vlans.untagged && !nic->vlans.ntagged)
		return;
	if (!b->vlan_filtering) {
		(void)doctor_find(
			w, "vlan-filter-off", d->jail->name,
			strf("%s_vlan is set, and bridge %s does not filter VLANs any more (vlan_filtering is "
		             "0): all of them flow together",
		             nic->name, b->name),
			strf("ip link set dev %s type bridge vlan_filtering 1", b->name));
		return;
	}
	list_missing(w->host, end, &nic->vlans, &missing, &fix);
	list_extra(w->host, end, &nic->vlans, &extra, &fix);
	if (missing.failed || extra.failed || fix.failed)
		w->f->failed = true;
	else if (fix.len)
		(void)doctor_find(w, "vlan-mismatch", d->jail->name,
		                  strf("%s, the port of %s on %s, is not in the VLANs of %s_vlan:%s%s%s%s%s", end->name,
		                       nic->name, b->name, nic->name, missing.len ? " missing " : "",
		                       missing.len ? missing.p : "", missing.len && extra.len ? "," : "",
		                       extra.len ? " too many " : "", extra.len ? extra.p : ""),
		                  strf("%s", fix.p));
}

void doctor_check_ports(struct ward *w)
{
	for (size_t i = 0; i < w->host->nlinks; i++) {
		const struct sv_link *l = &w->host->links[i], *b = survey_index(w->host, l->master);

		if (!b || !streq(b->kind, "bridge") || !doctor_used_bridge(w, b->index))
			continue;
		for (size_t k = 0; k < w->host->naddrs; k++) {
			char a[IPADDR_TEXT];

			if (w->host->addrs[k].link != l->index || w->host->addrs[k].local_scope)
				continue;
			ipaddr_format(&w->host->addrs[k].addr, a);
			(void)doctor_find(
				w, "address-on-port", "",
				strf("%s is on %s, a port of bridge %s: a port hears nothing of its own addresses", a,
			             l->name, b->name),
				strf("ip addr del %s dev %s; ip addr add %s dev %s", a, l->name, a, b->name));
		}
		if (l->wireless || streq(l->kind, "macvlan") || streq(l->kind, "ipvlan"))
			(void)doctor_find(
				w, "one-mac", "",
				strf("%s, a port of bridge %s, is %s: it passes frames of one MAC address only, not "
			             "those "
			             "of jails",
			             l->name, b->name, l->wireless ? "wireless" : l->kind),
				strf("ip link set %s nomaster, and nat=1 or vnet=off for the jails", l->name));
		if (!w->ends[i].d && !has_deputy(w, l))
			check_state(w, "", l, b);
	}
}

static void check_mtu(struct ward *w, const struct doctor_jail *d, const struct jnic *nic)
{
	const struct sv_link *end = doctor_host_end(w, d, nic), *b = end ? survey_index(w->host, end->master) : NULL,
			     *in;

	if (!end)
		return;
	in = doctor_jail_end(d, nic);
	if (in && in->mtu != end->mtu)
		(void)doctor_find(w, "mtu-mismatch", d->jail->name,
		                  strf("%s has an MTU of %u outside (%s) and of %u inside (%s)", nic->name, end->mtu,
		                       end->name, in->mtu, in->name),
		                  strf("iocage set %s_mtu=%u %s", nic->name, end->mtu, d->jail->name));
	for (size_t i = 0; b && i < w->host->nlinks; i++) {
		const struct sv_link *port = &w->host->links[i];

		/* one line for each pair of values is enough: that with the uplink or the first port */
		if (port->master != b->index || port->index == end->index || port->mtu == end->mtu)
			continue;
		(void)doctor_find(w, "mtu-mismatch", d->jail->name,
		                  strf("%s has an MTU of %u, and %s on the same bridge %s one of %u", end->name,
		                       end->mtu, port->name, b->name, port->mtu),
		                  strf("iocage set %s_mtu=%u %s", nic->name, port->mtu, d->jail->name));
		return;
	}
}

void doctor_check_nic(struct ward *w, const struct doctor_jail *d, const struct jnic *nic)
{
	const struct sv_link *end = doctor_host_end(w, d, nic), *b = end ? survey_index(w->host, end->master) : NULL;

	check_bridge(w, d, nic);
	check_up(w, d, nic);
	check_mtu(w, d, nic);
	if (b && streq(b->kind, "bridge") && streq(b->name, nic->bridge)) {
		check_state(w, d->jail->name, end, b);
		check_vlans(w, d, nic, end, b);
	}
}
