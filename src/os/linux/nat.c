/* nat.c - the rules of jails behind the host's address: added by nft(8) as text, in one transaction; removed by netlink. */
#include "os/linux/nat.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <linux/if_addr.h>
#include <linux/netfilter.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "base/proc.h"
#include "base/str.h"
#include "core/nat.h"
#include "os/linux/links.h"
#include "os/linux/nft.h"
#include "os/linux/rtmsg.h"

/* --- ports --- */

/* Key of the map of ports: protocol and port, each in a register of four bytes. */
struct port_key {
	uint8_t proto, pad[3], port[2], pad2[2];
};

static unsigned port_of(const struct port_key *k)
{
	return k->port[0] * 256U + k->port[1];
}

struct own_port {
	struct port_key first, last;
	bool range;
};

struct ports {
	const struct op *op;
	struct nat_forward *f;
	size_t n;
	char chain[NAT_CHAIN_CAP], out[NAT_CHAIN_CAP], in[NAT_CHAIN_CAP];
	struct own_port *own; /* what the jail has in the map; a list read twice does not make it more */
	size_t nown, others; /* other jails that have rules */
	char taken[96]; /* by another jail: what and whose */
};

static bool wanted(const struct ports *p, bool udp, unsigned first, unsigned last)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->f[i].udp == udp && p->f[i].host == first && p->f[i].host + p->f[i].count - 1 == last)
			return true;
	return false;
}

static bool clashes(const struct ports *p, bool udp, unsigned first, unsigned last)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->f[i].udp == udp && p->f[i].host <= last && first <= p->f[i].host + p->f[i].count - 1)
			return true;
	return false;
}

static int keep_own(struct ports *p, const struct own_port *o)
{
	struct own_port *grown;

	for (size_t i = 0; i < p->nown; i++)
		if (memcmp(&p->own[i], o, sizeof(*o)) == 0)
			return 0;
	grown = realloc(p->own, (p->nown + 1) * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	p->own = grown;
	p->own[p->nown++] = *o;
	return 0;
}

static int see_port(const struct nft_seen *el, void *ctx)
{
	struct ports *p = ctx;
	struct own_port o;

	if (el->len != sizeof(o.first))
		return 0;
	memset(&o, 0, sizeof(o));
	memcpy(&o.first, el->key, sizeof(o.first));
	memcpy(&o.last, el->key_end ? el->key_end : el->key, sizeof(o.last));
	o.range = el->key_end != NULL;
	if (streq(el->chain, p->chain))
		return keep_own(p, &o);
	if (!p->taken[0] && clashes(p, o.first.proto == IPPROTO_UDP, port_of(&o.first), port_of(&o.last)))
		(void)snprintf(p->taken, sizeof(p->taken), "%u (%s)", port_of(&o.first),
		               str_starts(el->chain, NAT_CHAIN_PREFIX) ? el->chain + strlen(NAT_CHAIN_PREFIX)
		                                                       : el->chain);
	return 0;
}

/* What the jail has and is not to have any more. */
static void add_stale(const struct ports *p, struct sbuf *out)
{
	for (size_t i = 0; i < p->nown; i++) {
		unsigned first = port_of(&p->own[i].first), last = port_of(&p->own[i].last);
		bool udp = p->own[i].first.proto == IPPROTO_UDP;

		if (!wanted(p, udp, first, last))
			sbuf_addf(out, "delete element inet iocage " NAT_MAP_PORTS " { %s . %u-%u }\n",
			          udp ? "udp" : "tcp", first, last);
	}
}

/* --- adding --- */

/* Have nft(8) do all of it, or nothing. The lock is its, too: killed now, whoever cleans up waits for what it still does. */
static int run_nft(const struct sbuf *text, int lock, struct err *e)
{
	static char *const argv[] = { (char *)"nft", (char *)"-f", (char *)"-", NULL };
	_cleanup_close_ int fd = memfd_create("rules", MFD_CLOEXEC);
	_cleanup_(sbuf_done) struct sbuf out = { 0 };
	struct proc_spec s = PROC_SPEC_INIT;
	int status, r;

	if (fd < 0)
		return err_sys(e, "cannot hand rules to nft");
	r = fs_write_all(fd, text->p, text->len);
	if (r < 0 || lseek(fd, 0, SEEK_SET) < 0)
		return err_set(e, r < 0 ? -r : errno, "cannot hand rules to nft");
	s.argv = argv;
	s.in = fd;
	s.keep = lock;
	r = proc_capture(&s, 600, &out, &status, e);
	if (r == -ENOENT)
		return err_hint(e, "nat needs the program nft (Debian: nftables)");
	if (r < 0)
		return r;
	return status ? err_set(e, EIO, "nft refused the rules: %s", out.p ? out.p : "(it does not say why)") : 0;
}

/* Addresses of shared-IP jails. */
static int spare_one(const struct nlmsghdr *h, void *ctx)
{
	struct addr_msg m;

	addr_read(h, &m);
	if (m.addr.family == 4 && m.proto == MARK_ADDR_PROTO)
		nft_elem(ctx, m.addr.b, 4, NULL, NULL);
	return MNL_CB_OK;
}

static int spare_all(struct nft *t, struct err *e)
{
	_cleanup_(nl_close) struct nl q = NL_INIT;
	struct ifaddrmsg *ifa;
	struct nft_list l;
	char text[256] = "";
	int r = nl_open(&q, -1, e);

	if (r < 0)
		return r;
	ifa = nl_put(&q, RTM_GETADDR, NLM_F_DUMP, sizeof(*ifa));
	if (ifa)
		ifa->ifa_family = AF_INET;
	nft_begin(t);
	nft_set_flush(t, "spared");
	l = nft_elems(t, "spared", false);
	nft_elem(t, (const uint8_t[4]){ 0 }, 4, NULL, NULL); /* a list must not be empty */
	r = nl_ask(&q, spare_one, t);
	nft_elems_end(t, l);
	if (r == 0)
		r = nft_commit(t, text, sizeof(text));
	return r < 0 ? err_set(e, -r, "keep the ports of other jails: %s", strerror(-r)) : 0;
}

static void ports_done(struct ports *p)
{
	free(p->f);
	free(p->own);
}

int nat_set(const char *run, const struct op *op, struct err *e)
{
	_cleanup_(nft_close) struct nft t = NFT_INIT;
	_cleanup_(ports_done) struct ports p = { .op = op };
	_cleanup_(sbuf_done) struct sbuf text = { 0 };
	_cleanup_close_ int lock = -1;
	int r = nat_lock(run, &lock, e);

	if (r == 0)
		r = nft_open(&t, NFPROTO_INET, e);
	if (r == 0)
		r = nat_forwards_parse(op->text ? op->text : "none", &p.f, &p.n, e);
	if (r < 0)
		return r;
	nat_chains(op, p.chain, p.out, p.in);
	r = nft_each_elem(&t, NAT_MAP_PORTS, see_port, &p);
	if (r < 0 && r != -ENOENT)
		return err_set(e, -r, "list the forwarded ports: %s", strerror(-r));
	if (p.taken[0])
		return err_class(
			e, ERR_BUSY, EADDRINUSE,
			"Please correct FORWARDS port rule as another running jail is using one of the mentioned "
			"ports.\nport %s",
			p.taken);
	add_stale(&p, &text);
	r = nat_rules(op, &text, e);
	if (r == 0)
		r = run_nft(&text, lock, e);
	return r < 0 ? r : spare_all(&t, e);
}

/* --- removing --- */

static void del_ports(struct nft *t, const struct ports *p)
{
	for (size_t i = 0; i < p->nown; i++) {
		struct nft_list l = nft_elems(t, NAT_MAP_PORTS, true);

		nft_elem_range(t, &p->own[i].first, p->own[i].range ? &p->own[i].last : NULL, sizeof(struct port_key));
		nft_elems_end(t, l);
	}
}

static int see_chain(const char *chain, void *ctx)
{
	struct ports *p = ctx;

	if (str_starts(chain, NAT_CHAIN_PREFIX) && !streq(chain, p->chain))
		p->others++;
	return 0;
}

static void del_elem(struct nft *t, const char *set, const void *key, uint32_t len)
{
	struct nft_list l = nft_elems(t, set, true);

	nft_elem(t, key, len, NULL, NULL);
	nft_elems_end(t, l);
}

enum part { PART_SOURCE, PART_NIC, PART_OUT, PART_IN, PART_PORTS, PART_ISOLATED, PARTS };

static void put_removal(struct nft *t, const struct ports *p, enum part part)
{
	char nic[IFNAME_CAP] = "";

	(void)snprintf(nic, sizeof(nic), "%s", p->op->link);
	switch (part) {
	case PART_SOURCE:
		del_elem(t, "sources", p->op->addr.b, 4);
		break;
	case PART_NIC:
		del_elem(t, "nics", nic, sizeof(nic));
		break;
	case PART_OUT:
		nft_chain_del(t, p->out);
		break;
	case PART_IN:
		nft_chain_del(t, p->in);
		break;
	case PART_PORTS:
		nft_chain_del(t, p->chain);
		break;
	default:
		del_elem(t, "isolated", nic, sizeof(nic));
		break;
	}
}

/* All at once; when a part is gone already, each by itself. */
static int remove_jail(struct nft *t, struct ports *p, char *text, size_t cap)
{
	int parts = p->op->flags & OP_NAT_ISOLATED ? PARTS : PART_ISOLATED, result = 0;
	int r = nft_each_elem(t, NAT_MAP_PORTS, see_port, p);

	if (r < 0 && r != -ENOENT)
		return r;
	nft_begin(t);
	del_ports(t, p);
	for (int part = 0; part < parts; part++)
		put_removal(t, p, (enum part)part);
	if (nft_commit(t, text, cap) == 0)
		return 0;
	if (p->nown) {
		nft_begin(t);
		del_ports(t, p);
		result = nft_commit(t, text, cap);
	}
	for (int part = 0; part < parts; part++) {
		nft_begin(t);
		put_removal(t, p, (enum part)part);
		r = nft_commit(t, text, cap);
		if (r < 0 && r != -ENOENT)
			result = r;
	}
	return result;
}

int nat_del(const char *run, const struct op *op, struct err *e)
{
	_cleanup_(nft_close) struct nft t = NFT_INIT;
	_cleanup_(ports_done) struct ports p = { .op = op };
	_cleanup_close_ int lock = -1;
	char text[256] = "";
	int r = nat_lock(run, &lock, e);

	if (r == 0)
		r = nft_open(&t, NFPROTO_INET, e);
	if (r < 0)
		return r;
	nat_chains(op, p.chain, p.out, p.in);
	r = nft_each_chain(&t, see_chain, &p);
	if (r == 0 && !p.others) {
		/* nobody else's: the whole table */
		nft_begin(&t);
		nft_table_del(&t);
		r = nft_commit(&t, text, sizeof(text));
	} else if (r == 0) {
		r = remove_jail(&t, &p, text, sizeof(text));
	}
	if (r == 0 || r == -ENOENT)
		return 0;
	return err_set(e, -r, "remove the NAT rules of %s: %s%s%s", op->name, strerror(-r), *text ? ": " : "", text);
}

/* --- addresses that are other jails' --- */

void nat_spare(const char *run, const struct ipaddr *a, bool spare)
{
	_cleanup_(nft_close) struct nft t = NFT_INIT;
	_cleanup_free_ char *dir = strf("%s/forward", run);
	_cleanup_close_ int lock = -1;
	struct nft_list l;
	char text[256];

	/* it is there since the first jail with nat */
	if (a->family != 4 || !dir || access(dir, F_OK) < 0 || nat_lock(run, &lock, NULL) < 0 ||
	    nft_open(&t, NFPROTO_INET, NULL) < 0 || nft_chain_use(&t, "guard") < 0)
		return;
	nft_begin(&t);
	l = nft_elems(&t, "spared", !spare);
	nft_elem(&t, a->b, 4, NULL, NULL);
	nft_elems_end(&t, l);
	(void)!nft_commit(&t, text, sizeof(text));
}
