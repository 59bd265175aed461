/* life_localhost.c - the loopback address of a jail with assign_localhost: the first free one, in its configuration from then on. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/life.h"

/* Theirs that listen there on many hosts: systemd-resolved, and the host's own name on Debian. 127.0.0.1 is everybody's. */
static const uint32_t others[] = { 0x7f000035, 0x7f000036, 0x7f000101 };

#define FIRST 0x7f000002u
#define LAST  0x7ffffffeu

struct taken {
	uint32_t *list; /* ascending, once sorted */
	size_t n;
};

static uint32_t number(const struct ipaddr *a)
{
	return (uint32_t)a->b[0] << 24 | (uint32_t)a->b[1] << 16 | (uint32_t)a->b[2] << 8 | a->b[3];
}

static int take(struct taken *t, uint32_t a)
{
	uint32_t *more = reallocarray(t->list, t->n + 1, sizeof(*more));

	if (!more)
		return -ENOMEM;
	t->list = more;
	t->list[t->n++] = a;
	return 0;
}

static int take_list(struct taken *t, const char *text)
{
	_cleanup_free_ struct jaddr *list = NULL;
	size_t n = 0;
	int r = 0;

	if (jaddr_list_parse(text, 4, &list, &n, NULL) < 0)
		return 0;
	for (size_t i = 0; r == 0 && i < n; i++)
		if (list[i].mode == JADDR_STATIC)
			r = take(t, number(&list[i].addr));
	return r;
}

/* What a jail has in its configuration, whether it runs or not: also an address it does not use just now stays its own. */
static int take_of(struct taken *t, const struct conf *c)
{
	struct ipaddr own;
	int r = 0;

	if (ipaddr_parse(conf_get(c, PROP_localhost_ip), 4, &own, NULL) == 0)
		r = take(t, number(&own));
	return r < 0 ? r : take_list(t, conf_get(c, PROP_ip4_addr));
}

/* What jails run with, which their configurations may not say any more. */
static int take_running(struct session *s, struct taken *t, struct err *e)
{
	_cleanup_(strv_done) struct strv names = { 0 };
	int r = state_names(&s->c->st, &names, e);

	for (size_t i = 0; r == 0 && i < names.n; i++) {
		struct state st;

		if (state_load(&s->c->st, names.v[i], &st, NULL) == 0 && !st.vnet && take_list(t, st.ip4) < 0)
			r = err_oom(e);
	}
	return r;
}

static int by_number(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static int take_all(struct session *s, struct taken *t, struct err *e)
{
	_cleanup_(strv_done) struct strv names = { 0 };
	int r = store_jails(&s->c->st, &names, e);

	for (size_t i = 0; r == 0 && i < names.n; i++) {
		struct config cfg = { 0 };

		/* one that is broken is named by list, and refused by start */
		if (streq(names.v[i], s->jail) || config_load(&s->c->st, names.v[i], &cfg, NULL) < 0)
			continue;
		r = take_of(t, &cfg.conf) < 0 ? err_oom(e) : 0;
		config_done(&cfg);
	}
	if (r == 0 && take_of(t, &s->cfg.conf) < 0)
		r = err_oom(e);
	if (r == 0)
		r = take_running(s, t, e);
	for (size_t i = 0; r == 0 && i < sizeof(others) / sizeof(others[0]); i++)
		r = take(t, others[i]) < 0 ? err_oom(e) : 0;
	if (r == 0)
		qsort(t->list, t->n, sizeof(*t->list), by_number);
	return r;
}

static struct ipaddr address(uint32_t n)
{
	return (struct ipaddr){ .family = 4,
		                .b = { (uint8_t)(n >> 24), (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n } };
}

/* 1: it is an alias of the host's own, so somebody there uses it. All others are the loopback network's. */
static int is_alias(struct session *s, const struct ipaddr *a, struct err *e)
{
	struct ipaddr net;
	int r = os_route_to(s->os, a, &net, e);

	return r > 0 ? net.prefix == ipaddr_max_prefix(a) : r;
}

static int choose(struct session *s, struct ipaddr *ret, struct err *e)
{
	struct taken t = { 0 };
	uint32_t a = FIRST;
	int r = take_all(s, &t, e);

	for (size_t i = 0; r == 0 && a <= LAST; a++) {
		while (i < t.n && t.list[i] < a)
			i++;
		if (i < t.n && t.list[i] == a)
			continue;
		*ret = address(a);
		r = is_alias(s, ret, e);
		if (r == 0)
			break;
		r = r < 0 ? r : 0;
	}
	free(t.list);
	if (r == 0 && a > LAST)
		r = err_set(e, EADDRNOTAVAIL, "no loopback address is free; set localhost_ip");
	return r;
}

int session_localhost(struct session *s, struct err *e)
{
	struct conf *c = &s->cfg.conf;
	char text[IPADDR_TEXT];
	struct ipaddr a;
	int r;

	if (!jail_wants_localhost(c) || !streq(conf_get(c, PROP_localhost_ip), "none"))
		return 0;
	r = choose(s, &a, e);
	if (r < 0)
		return r;
	/* with the lock on addresses: it is written down before the next one looks */
	if (conf_layer_set(&c->own, "localhost_ip", ipaddr_format_host(&a, text)) < 0)
		return err_oom(e);
	r = s->o.dry_run ? 0 : config_save(&s->c->st, &s->cfg, e);
	if (r < 0)
		return r;
	jail_done(&s->model);
	s->have_model = false;
	return session_config(s, e);
}
