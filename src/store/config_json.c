/* config_json.c - turns JSON documents into configuration layers and back, keeping what it does not know. */
#include "store/config_json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "store/internal.h"

static void doc_unref(json_t **j)
{
	json_decref(*j);
}

json_t *config_json_parse(const char *text, size_t len, const char *path, struct err *e)
{
	json_error_t je;
	char why[200];
	json_t *doc;

	if (!len || text[strspn(text, " \t\r\n")] == '\0') {
		(void)err_set(e, EBADMSG, "%s:1:1: the file is empty", path);
		return NULL;
	}
	doc = json_loadb(text, len, JSON_REJECT_DUPLICATES, &je);
	if (!doc) {
		/* the reason quotes the file, which may hold anything */
		store_printable(je.text, why, sizeof(why));
		(void)err_set(e, EBADMSG, "%s:%d:%d: %s", path, je.line < 1 ? 1 : je.line,
		              je.column < 1 ? 1 : je.column, why);
		return NULL;
	}
	if (!json_is_object(doc)) {
		json_decref(doc);
		(void)err_set(e, EBADMSG, "%s:1:1: not a JSON object", path);
		return NULL;
	}
	return doc;
}

char *config_json_text(const json_t *v)
{
	switch (json_typeof(v)) {
	case JSON_STRING:
		return strdup(json_string_value(v));
	case JSON_TRUE:
		return strdup("1");
	case JSON_FALSE:
		return strdup("0");
	case JSON_INTEGER:
		return strf("%" JSON_INTEGER_FORMAT, json_integer_value(v));
	default:
		return json_dumps(v, JSON_ENCODE_ANY | JSON_COMPACT | JSON_SORT_KEYS);
	}
}

static const char *bool_text(const char *s)
{
	static const char *const yes[] = { "1", "on", "yes", "true" }, *const no[] = { "0", "off", "no", "false" };

	for (size_t i = 0; i < 4; i++) {
		if (strcasecmp(s, yes[i]) == 0)
			return "1";
		if (strcasecmp(s, no[i]) == 0)
			return "0";
	}
	return NULL;
}

/* The text of a known key, old spellings repaired. A value that makes no sense stays as it is: `get` must show it. */
static char *known_text(enum prop_id id, const json_t *v)
{
	char *text = config_json_text(v);
	const char *better = NULL;

	if (!text)
		return NULL;
	if (prop_table[id].type == PT_BOOL)
		better = bool_text(text);
	else if ((id == PROP_ip4 || id == PROP_ip6) && streq(text, "none"))
		better = "disable";
	if (!better || streq(better, text))
		return text;
	free(text);
	return strdup(better);
}

int config_json_to_layer(json_t *doc, struct conf_layer *l, struct err *e)
{
	const char *key;
	json_t *v;

	json_object_foreach(doc, key, v)
	{
		_cleanup_free_ char *text = NULL;
		bool dynamic;
		enum prop_id id = prop_find(key, &dynamic);

		if (id == PROP__NONE)
			continue;
		text = known_text(id, v);
		if (!text)
			return err_oom(e);
		if (!dynamic)
			l->val[id] = take_ptr(text); /* the document has each key once */
		else if (conf_layer_set(l, key, text) < 0)
			return err_oom(e);
	}
	return 0;
}

/* Booleans are numbers; an integer stays the number or the string it was; everything else is a string. */
static json_t *new_value(enum prop_id id, const json_t *old, const char *text)
{
	const char *b = prop_table[id].type == PT_BOOL ? bool_text(text) : NULL;
	uint64_t n;

	if (b)
		return json_integer(b[0] - '0');
	if (json_is_integer(old) && str_to_uint(text, 0, INT64_MAX, &n))
		return json_integer((json_int_t)n);
	return json_string(text);
}

static int put(json_t *doc, enum prop_id id, const char *key, const char *text, struct err *e)
{
	json_t *old = json_object_get(doc, key), *v;

	if (old && prop_table[id].type != PT_BOOL) {
		_cleanup_free_ char *was = known_text(id, old);

		if (!was)
			return err_oom(e);
		if (streq(was, text))
			return json_is_string(old) && !streq(json_string_value(old), text)
			               ? json_object_set_new(doc, key, json_string(text))
			               : 0;
	}
	v = new_value(id, old, text);
	/* jansson takes UTF-8 only, and says no more than no */
	if (!v)
		return err_set(e, EILSEQ, "the value of %s is not valid UTF-8", key);
	if (json_object_set_new(doc, key, v) < 0)
		return err_oom(e);
	return 0;
}

/* Keys of NICs past vnet3 that the layer no longer has. */
static void drop_dynamic(json_t *doc, const struct conf_layer *l)
{
	const char *key;
	json_t *v;
	void *next;

	json_object_foreach_safe(doc, next, key, v)
	{
		bool dynamic, have = false;

		if (prop_find(key, &dynamic) == PROP__NONE || !dynamic)
			continue;
		for (size_t i = 0; i < l->nextra; i++)
			have |= streq(l->extra[i].key, key);
		if (!have)
			(void)json_object_del(doc, key);
	}
}

int config_json_from_layer(json_t *doc, const struct conf_layer *l, json_t **ret, struct err *e)
{
	_cleanup_(doc_unref) json_t *out = doc ? json_copy(doc) : json_object();
	int r = 0;

	if (!out)
		return err_oom(e);
	drop_dynamic(out, l);
	for (int i = 0; i < PROP__COUNT && r == 0; i++) {
		if (!l->val[i])
			(void)json_object_del(out, prop_table[i].name);
		else
			r = put(out, (enum prop_id)i, prop_table[i].name, l->val[i], e);
	}
	for (size_t i = 0; i < l->nextra && r == 0; i++)
		r = put(out, prop_find(l->extra[i].key, NULL), l->extra[i].key, l->extra[i].value, e);
	if (r == 0)
		*ret = take_ptr(out);
	return r;
}
