/* conf.c - effective values, layers, and the rules that join several properties. */
#include "core/conf.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/jail.h"
#include "core/limit.h"

void conf_layer_done(struct conf_layer *l)
{
	for (int i = 0; i < PROP__COUNT; i++)
		free(l->val[i]);
	for (size_t i = 0; i < l->nextra; i++) {
		free(l->extra[i].key);
		free(l->extra[i].value);
	}
	free(l->extra);
	*l = (struct conf_layer){ 0 };
}

void conf_done(struct conf *c)
{
	conf_layer_done(&c->own);
	conf_layer_done(&c->base);
}

const char *conf_get(const struct conf *c, enum prop_id id)
{
	if (c->own.val[id])
		return c->own.val[id];
	return c->base.val[id] ? c->base.val[id] : prop_table[id].def;
}

bool conf_true(const struct conf *c, enum prop_id id)
{
	return prop_truth(conf_get(c, id));
}

static struct conf_extra *find_extra(const struct conf_layer *l, const char *key)
{
	for (size_t i = 0; i < l->nextra; i++)
		if (streq(l->extra[i].key, key))
			return &l->extra[i];
	return NULL;
}

const char *conf_get_key(const struct conf *c, const char *key)
{
	const struct conf_extra *x;
	bool dynamic;
	enum prop_id id = prop_find(key, &dynamic);

	if (id == PROP__NONE)
		return NULL;
	if (!dynamic)
		return conf_get(c, id);
	x = find_extra(&c->own, key);
	if (!x)
		x = find_extra(&c->base, key);
	return x ? x->value : prop_table[id].def;
}

static int extra_set(struct conf_layer *l, const char *key, const char *value)
{
	struct conf_extra *x = find_extra(l, key), *grown;
	char *k, *v;

	if (!value) {
		if (x) {
			free(x->key);
			free(x->value);
			*x = l->extra[--l->nextra];
		}
		return 0;
	}
	v = strdup(value);
	if (!v)
		return -ENOMEM;
	if (x) {
		free(x->value);
		x->value = v;
		return 0;
	}
	k = strdup(key);
	grown = k ? realloc(l->extra, (l->nextra + 1) * sizeof(*grown)) : NULL;
	if (!grown) {
		free(k);
		free(v);
		return -ENOMEM;
	}
	l->extra = grown;
	l->extra[l->nextra++] = (struct conf_extra){ k, v };
	return 0;
}

int conf_layer_set(struct conf_layer *l, const char *key, const char *value)
{
	bool dynamic;
	enum prop_id id = prop_find(key, &dynamic);
	char *copy = NULL;

	if (id == PROP__NONE)
		return -ENOENT;
	if (dynamic)
		return extra_set(l, key, value);
	if (value) {
		copy = strdup(value);
		if (!copy)
			return -ENOMEM;
	}
	free(l->val[id]);
	l->val[id] = copy;
	return 0;
}

/* Does an address list have this word as an item, with or without an interface before it. */
static bool has_item(const char *list, const char *word)
{
	size_t n = strlen(word);

	while (*list) {
		size_t len = strcspn(list, ",");
		const char *bar = memchr(list, '|', len), *item = bar ? bar + 1 : list;
		size_t left = len - (size_t)(item - list);

		while (left && isspace((unsigned char)*item))
			item++, left--;
		while (left && isspace((unsigned char)item[left - 1]))
			left--;
		if (left == n && strncasecmp(item, word, n) == 0)
			return true;
		list += len + (list[len] == ',');
	}
	return false;
}

struct needs {
	bool vnet, bpf, dhcp, rtadv, nat;
};

static struct needs find_needs(const struct conf *c)
{
	return (struct needs){
		.vnet = conf_true(c, PROP_vnet),
		.bpf = conf_true(c, PROP_bpf),
		.dhcp = conf_true(c, PROP_dhcp) || has_item(conf_get(c, PROP_ip4_addr), "DHCP"),
		.nat = conf_true(c, PROP_nat),
		.rtadv = has_item(conf_get(c, PROP_ip6_addr), "accept_rtadv"),
	};
}

int conf_check_joint(const struct conf *c, const char *jail, struct err *e)
{
	struct needs n = find_needs(c);
	struct err found = ERR_INIT;

	found.code = EINVAL;
	if (n.dhcp && !n.bpf)
		err_hint(&found, "%s: dhcp requires bpf!", jail);
	if (n.dhcp && !n.vnet)
		err_hint(&found, "%s: dhcp requires vnet!", jail);
	if (n.rtadv && !n.vnet)
		err_hint(&found, "%s: accept_rtadv requires vnet!", jail);
	if (n.bpf && !n.vnet)
		err_hint(&found, "%s: bpf requires vnet!", jail);
	if (n.nat && !n.vnet)
		err_hint(&found, "%s: nat requires vnet!", jail);
	if (n.nat && n.bpf)
		err_hint(&found, "%s: nat should be disabled when bpf is being enabled.", jail);
	if (conf_true(c, PROP_rtsold) && !n.rtadv)
		err_hint(&found, "%s: Must set at least one ip6_addr to accept_rtadv!", jail);
	if (!found.msg[0])
		return 0;
	return err_set(e, EINVAL, "%s", found.msg);
}

static int enable(struct conf *c, const char *key, const char *value, const char *warning, struct strv *warnings,
                  struct err *e)
{
	if (conf_layer_set(&c->own, key, value) < 0 || strv_add(warnings, warning) < 0)
		return err_oom(e);
	return 0;
}

int conf_enable_required(struct conf *c, struct strv *warnings, struct err *e)
{
	struct needs n = find_needs(c);
	int r = 0;

	if (n.dhcp && !n.vnet) {
		r = enable(c, "vnet", "1", "dhcp requires vnet, enabling!", warnings, e);
		n.vnet = true;
	}
	if (r == 0 && n.dhcp && !n.bpf) {
		r = enable(c, "bpf", "1", "dhcp requires bpf, enabling!", warnings, e);
		n.bpf = true;
	}
	if (r == 0 && n.rtadv && !n.vnet) {
		r = enable(c, "vnet", "1", "accept_rtadv requires vnet, enabling!", warnings, e);
		n.vnet = true;
	}
	if (r == 0 && n.nat && !n.vnet) {
		r = enable(c, "vnet", "1", "nat requires vnet, enabling!", warnings, e);
		n.vnet = true;
	}
	if (r == 0 && n.bpf && !n.vnet) {
		r = enable(c, "vnet", "1", "bpf requires vnet, enabling!", warnings, e);
		n.vnet = true;
	}
	if (r == 0 && n.vnet && conf_true(c, PROP_assign_localhost))
		r = enable(c, "assign_localhost", "0", "assign_localhost only applies to shared IP jails, disabling!",
		           warnings, e);
	return r;
}

/* Is the effective value of this property something this build does not carry out. */
static bool is_ignored(const struct conf *c, enum prop_id id)
{
	const struct prop *p = &prop_table[id];
	const char *v = conf_get(c, id);

	/* the jail's own, or none: done. The host's own System V objects: never shared */
	if (id == PROP_sysvmsg || id == PROP_sysvsem || id == PROP_sysvshm)
		return streq(v, "inherit");
	if (!(p->flags & (PF_NOLINUX | PF_LATER)))
		return limit_is_ignored(c, id);
	if (p->type == PT_BOOL)
		return prop_truth(v) != prop_truth(p->def);
	return !streq(v, p->def);
}

size_t prop_nolinux_changed(const struct conf *c, struct strv *names)
{
	size_t n = 0;

	for (int i = 0; i < PROP__COUNT; i++)
		if (is_ignored(c, (enum prop_id)i) && strv_add(names, prop_table[i].name) == 0)
			n++;
	return n;
}

int jail_name_check(const char *name, struct err *e)
{
	static const char ok[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
	size_t n = strlen(name);

	if (n == 0)
		return err_set(e, EINVAL, "a jail's name must not be empty");
	for (const char *s = name; *s; s++)
		if (iscntrl((unsigned char)*s))
			return err_set(e, EINVAL, "a jail's name must not contain control characters (0x%02x)",
			               (unsigned char)*s);
	if (n > JAIL_NAME_MAX)
		return err_set(e, EINVAL, "'%.16s...' is too long for a jail's name: %zu characters, at most %d", name,
		               n, JAIL_NAME_MAX);
	if (strspn(name, ok) != n || strchr("._-", name[0]))
		return err_set(e, EINVAL,
		               "'%s' is not a valid name for a jail: letters, digits, '.', '_' and '-', a letter or "
		               "digit first",
		               name);
	if (streq(name, "ALL") || streq(name, "default") || streq(name, "help"))
		return err_set(e, EINVAL, "'%s' is a reserved word and cannot be a jail's name", name);
	return 0;
}
