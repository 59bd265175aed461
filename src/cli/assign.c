/* assign.c - PROP=VALUE words of create and set: checked all together before anything is changed; generated MACs. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/cli.h"
#include "core/jail.h"
#include "os/os.h"

void assigns_done(struct assigns *a)
{
	for (size_t i = 0; i < a->n; i++) {
		free(a->v[i].key);
		free(a->v[i].value);
	}
	free(a->v);
	*a = (struct assigns){ 0 };
}

static int check_key(const struct assign *a, bool defaults, struct err *e)
{
	unsigned flags;

	if (a->id == PROP__NONE)
		return err_set(e, EINVAL, "%s is not a valid property!", a->key);
	flags = prop_table[a->id].flags;
	if (flags & PF_READONLY)
		return err_set(e, EPERM, "%s cannot be changed by the user.", a->key);
	if ((flags & PF_DEFAULTONLY) && !defaults)
		return err_set(e, EINVAL, "%s can only be changed for defaults!", a->key);
	return 0;
}

static int parse_one(const char *word, bool defaults, struct assign *ret, struct err *e)
{
	const char *eq = strchr(word, '=');
	int r;

	if (!eq || !eq[1])
		return err_set(e, EINVAL, "%.*s is missing a value!", (int)(eq ? eq - word : (long)strlen(word)), word);
	ret->key = strndup(word, (size_t)(eq - word));
	if (!ret->key)
		return err_oom(e);
	ret->id = prop_find(ret->key, &ret->dynamic);
	r = check_key(ret, defaults, e);
	if (r < 0)
		return r;
	r = prop_check(ret->key, eq + 1, &ret->value, e);
	if (r < 0)
		return r;
	if (ret->id == PROP_template && prop_truth(ret->value))
		return err_set(e, ENOTSUP, "templates are not available in this version of iocage");
	return 0;
}

int assigns_parse(char *const *words, size_t n, bool defaults, struct assigns *ret, struct err *e)
{
	*ret = (struct assigns){ .v = calloc(n + 1, sizeof(*ret->v)) };
	if (!ret->v)
		return err_oom(e);
	for (size_t i = 0; i < n; i++) {
		int r;

		ret->n++; /* counted first: what a failed one holds is freed, too */
		r = parse_one(words[i], defaults, &ret->v[i], e);
		if (r < 0)
			return r;
	}
	return 0;
}

static int store_pair(struct config *cfg, const char *key, const char *host_id, const struct jail *j, const char *nic,
                      struct err *e)
{
	struct macaddr host, inside;
	char a[18], b[18];
	_cleanup_free_ char *pair = NULL, *stored = NULL;
	int r;

	mac_derive(host_id, j->name, nic, *j->mac_prefix ? j->mac_prefix : NULL, &host, &inside);
	pair = strf("%s %s", mac_format(&host, a), mac_format(&inside, b));
	if (!pair)
		return err_oom(e);
	r = prop_check(key, pair, &stored, e);
	if (r < 0)
		return r;
	return conf_layer_set(&cfg->conf.own, key, stored) < 0 ? err_oom(e) : 0;
}

static int host_identity(struct cli *c, const struct jail *j, char ret[static 65], struct err *e)
{
	struct os_jail oj = { .jail = j->name, .run = c->st.run };
	struct facts f = { 0 };
	struct os *os = NULL;
	int r = os_open(&oj, &os, e);

	if (r < 0)
		return r;
	r = os_facts(os, j, &f, e);
	if (r == 0)
		r = str_copy(ret, 65, f.host_id);
	facts_done(&f);
	os_close(os);
	return r;
}

int assign_macs(struct cli *c, struct config *cfg, struct err *e)
{
	struct jail j = { 0 };
	char host_id[65] = "";
	int r = 0;

	if (!conf_true(&cfg->conf, PROP_vnet))
		return 0;
	/* a configuration that is not whole yet (set in several steps) gets its MACs when it is; start derives the same */
	if (jail_build(&cfg->conf, cfg->name, &j, NULL) < 0)
		return 0;
	for (size_t i = 0; r == 0 && i < j.nnics; i++) {
		_cleanup_free_ char *key = strf("%s_mac", j.nics[i].name);
		bool dynamic;

		if (!key) {
			r = err_oom(e);
			break;
		}
		if (j.nics[i].mac_host.set || prop_find(key, &dynamic) == PROP__NONE)
			continue;
		if (!*host_id)
			r = host_identity(c, &j, host_id, e);
		if (r == 0)
			r = store_pair(cfg, key, host_id, &j, j.nics[i].name, e);
	}
	jail_done(&j);
	return r;
}
