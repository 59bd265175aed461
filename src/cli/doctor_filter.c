/* doctor_filter.c - what packet filters of other programs do to jails' packets: asked of nft and iptables-legacy. */
#include "cli/doctor_filter.h"

#include <jansson.h>
#include <stdint.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/proc.h"

#define OUTPUT_MAX (4U << 20)
#define WORD(s)    ((char *)(uintptr_t)(s))

/* What it prints; empty: it is not there, or says no. */
static void ask(char *const argv[], struct sbuf *out)
{
	struct proc_spec spec = PROC_SPEC_INIT;
	struct err ignored = ERR_INIT;
	int status = 1;

	spec.argv = argv;
	if (proc_capture(&spec, OUTPUT_MAX, out, &status, &ignored) < 0 || status != 0 || !out->p)
		sbuf_clear(out);
}

/* To be given to json_decref(). */
static json_t *ask_nft(const char *what, const char *family, const char *table)
{
	char *const argv[] = { WORD("nft"), WORD("-j"), WORD("list"), WORD(what), WORD(family), WORD(table), NULL };
	_cleanup_(sbuf_done) struct sbuf out = { 0 };

	ask(argv, &out);
	return out.len ? json_loadb(out.p, out.len, 0, NULL) : NULL;
}

static const char *text_of(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : "";
}

/* Is it where jails' packets are heard: a bridge of theirs, or vnet0.7 or vnet0.* for their vnet0. */
static bool is_jails(const struct filter_ask *a, const char *link)
{
	for (size_t i = 0; i < a->n; i++)
		for (size_t k = 0; k < a->jails[i].nnics; k++) {
			const struct jnic *nic = &a->jails[i].nics[k];

			if ((*nic->bridge && streq(link, nic->bridge)) ||
			    (str_starts(link, nic->name) && link[strlen(nic->name)] == '.'))
				return true;
		}
	return false;
}

/* Anywhere in a match: alone, in a set, in a range. */
static bool mentions(const struct filter_ask *a, json_t *v)
{
	const char *key;
	json_t *item;
	size_t i;

	if (json_is_string(v))
		return is_jails(a, json_string_value(v));
	json_array_foreach(v, i, item) if (mentions(a, item)) return true;
	json_object_foreach(v, key, item) if (mentions(a, item)) return true;
	return false;
}

struct verdict {
	bool matches, accepts, refuses;
};

static struct verdict verdict_of(const json_t *rule)
{
	struct verdict v = { 0 };
	json_t *e;
	size_t i;

	json_array_foreach(json_object_get(rule, "expr"), i, e)
	{
		v.matches = v.matches || json_object_get(e, "match");
		v.accepts = v.accepts || json_object_get(e, "accept");
		v.refuses = v.refuses || json_object_get(e, "drop") || json_object_get(e, "reject");
	}
	return v;
}

/* Does a chain whose policy is this let pass what no rule of its table names, jails' packets among it. */
static bool drops(const struct filter_ask *a, const json_t *chain, bool by_policy)
{
	json_t *doc = ask_nft("table", text_of(chain, "family"), text_of(chain, "table")), *item;
	bool last = false, allowed = false;
	size_t i;

	json_array_foreach(json_object_get(doc, "nftables"), i, item)
	{
		json_t *rule = json_object_get(item, "rule");
		struct verdict v = verdict_of(rule);

		if (!rule)
			continue;
		if (streq(text_of(rule, "chain"), text_of(chain, "name")))
			last = v.refuses && !v.matches;
		allowed = allowed || (v.accepts && mentions(a, json_object_get(rule, "expr")));
	}
	json_decref(doc);
	return (by_policy || last) && !allowed;
}

static void see_chain(const struct filter_ask *a, const json_t *chain, struct survey *host)
{
	const char *hook = text_of(chain, "hook");

	/* only a base chain has a hook */
	if (!*hook || streq(text_of(chain, "family"), "bridge") || str_starts(text_of(chain, "table"), "iocage"))
		return;
	if (streq(hook, "postrouting") && streq(text_of(chain, "type"), "nat"))
		host->translates = true;
	if (!streq(hook, "forward") || !drops(a, chain, streq(text_of(chain, "policy"), "drop")))
		return;
	(void)snprintf(a->drop, a->cap, "%s %s %s", text_of(chain, "family"), text_of(chain, "table"),
	               text_of(chain, "name"));
	host->forward_drop = a->drop;
}

/* "-P FORWARD DROP", and none of "-A FORWARD -i bridge0 -j ACCEPT". */
static bool old_drops(const struct filter_ask *a, char *text)
{
	bool denies = false, allowed = false;
	char *line, *rest = text;

	while ((line = strsep(&rest, "\n"))) {
		bool accepts = strstr(line, "-j ACCEPT"), jails = false;
		char *word;

		denies = denies || streq(line, "-P FORWARD DROP");
		while ((word = strsep(&line, " ")))
			jails = jails || is_jails(a, word);
		allowed = allowed || (accepts && jails);
	}
	return denies && !allowed;
}

static void see_old(const struct filter_ask *a, struct survey *host)
{
	char *const argv[] = { WORD("iptables-legacy"), WORD("-S"), WORD("FORWARD"), NULL };
	_cleanup_(sbuf_done) struct sbuf out = { 0 };

	ask(argv, &out);
	if (!out.p || !old_drops(a, out.p))
		return;
	(void)snprintf(a->drop, a->cap, "FORWARD of iptables-legacy");
	host->forward_drop = a->drop;
	host->drop_is_old = true;
}

void doctor_ask_filter(const struct filter_ask *a, struct survey *host)
{
	json_t *doc, *item;
	char *const argv[] = { WORD("nft"), WORD("-j"), WORD("list"), WORD("chains"), NULL };
	_cleanup_(sbuf_done) struct sbuf out = { 0 };
	size_t i;

	/* tables are created by asking for them */
	if (host->old_filter)
		see_old(a, host);
	ask(argv, &out);
	doc = out.len ? json_loadb(out.p, out.len, 0, NULL) : NULL;
	json_array_foreach(json_object_get(doc, "nftables"), i, item) if (json_object_get(item, "chain"))
		see_chain(a, json_object_get(item, "chain"), host);
	json_decref(doc);
}
