/* config.c - reading and writing jails/J/config.json and defaults.json. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "store/config_json.h"
#include "store/internal.h"

#define DEFAULTS "defaults.json"

/* defaults.json as read once, since every jail's configuration stands on it. */
struct defaults {
	struct conf_layer layer;
	json_t *doc;
};

void defaults_free(struct defaults *d)
{
	if (!d)
		return;
	conf_layer_done(&d->layer);
	json_decref(d->doc);
	free(d);
}

static void defaults_freep(struct defaults **d)
{
	defaults_free(*d);
}

/* -EBADMSG with where and why for whatever is wrong with the contents. */
static int read_doc(struct store *s, const char *path, json_t **ret, struct err *e)
{
	_cleanup_free_ char *text = NULL, *full = strf("%s/%s", s->root, path);
	size_t len;
	int r;

	if (!full)
		return err_oom(e);
	r = fs_read(s->rootfd, path, CONFIG_MAX, &text, &len, e);
	if (r == -EFBIG)
		return err_set(e, EBADMSG, "%s: larger than 1 MiB", full);
	if (r == -EINVAL || r == -EISDIR || r == -ELOOP || r == -EMLINK)
		return err_set(e, EBADMSG, "%s: not a regular file", full);
	if (r < 0)
		return r;
	*ret = config_json_parse(text, len, full, e);
	return *ret ? 0 : -EBADMSG;
}

static int need_root(const char *whose, struct err *e)
{
	return err_set(e, EACCES, "You need to have root privileges to read the configuration of %s", whose);
}

static int load_defaults(struct store *s, struct err *e)
{
	_cleanup_(defaults_freep) struct defaults *d = NULL;
	struct err why = ERR_INIT;
	int r;

	if (s->defaults)
		return 0;
	d = calloc(1, sizeof(*d));
	if (!d)
		return err_oom(e);
	r = s->rootfd < 0 ? -ENOENT : read_doc(s, DEFAULTS, &d->doc, &why);
	if (r == -EBADMSG) {
		/* going on without them could start a jail with more rights than its owner gave it */
		(void)err_set(e, EBADMSG,
		              "%s/" DEFAULTS " is corrupt, please fix it or delete it to get the built-in "
		              "defaults.",
		              s->root);
		return err_hint(e, "%s", why.msg);
	}
	if (r == -EACCES)
		return need_root("default", e);
	if (r < 0 && r != -ENOENT)
		return err_set(e, -r, "%s", why.msg);
	if (d->doc) {
		r = config_json_to_layer(d->doc, &d->layer, e);
		if (r < 0)
			return r;
	}
	s->defaults = take_ptr(d);
	return 0;
}

static int copy_layer(const struct conf_layer *from, struct conf_layer *to, struct err *e)
{
	for (int i = 0; i < PROP__COUNT; i++) {
		if (!from->val[i])
			continue;
		to->val[i] = strdup(from->val[i]);
		if (!to->val[i])
			return err_oom(e);
	}
	for (size_t i = 0; i < from->nextra; i++)
		if (conf_layer_set(to, from->extra[i].key, from->extra[i].value) < 0)
			return err_oom(e);
	return 0;
}

void config_done(struct config *c)
{
	conf_done(&c->conf);
	json_decref(c->doc);
	*c = (struct config){ 0 };
}

int config_load_defaults(struct store *s, struct config *ret, struct err *e)
{
	int r;

	*ret = (struct config){ .name = "default" };
	r = load_defaults(s, e);
	if (r < 0)
		return r;
	r = copy_layer(&s->defaults->layer, &ret->conf.own, e);
	if (r == 0 && s->defaults->doc) {
		ret->doc = json_deep_copy(s->defaults->doc);
		if (!ret->doc)
			r = err_oom(e);
	}
	if (r < 0)
		config_done(ret);
	return r;
}

int config_new(struct store *s, const char *jail, struct config *ret, struct err *e)
{
	int r;

	*ret = (struct config){ 0 };
	if (!store_name_ok(jail))
		return err_set(e, EINVAL, "not a name for a jail");
	(void)snprintf(ret->name, sizeof(ret->name), "%s", jail);
	r = load_defaults(s, e);
	if (r == 0)
		r = copy_layer(&s->defaults->layer, &ret->conf.base, e);
	if (r < 0)
		config_done(ret);
	return r;
}

static int load_own(struct store *s, const char *jail, struct config *c, struct err *e)
{
	char path[STORE_NAME_MAX + 32];
	struct err why = ERR_INIT;
	json_t *doc = NULL;
	int r;

	(void)snprintf(path, sizeof(path), "jails/%s/config.json", jail);
	r = s->rootfd < 0 ? -ENOENT : read_doc(s, path, &doc, &why);
	if (r == -ENOENT && !store_has_jail(s, jail))
		return err_class(e, ERR_MISSING, ENOENT, "jail '%s' not found!", jail);
	if (r == -ENOENT)
		return err_set(e, EBADMSG,
		               "%s is missing it's configuration, please destroy this jail and recreate it.", jail);
	if (r == -EBADMSG) {
		(void)err_set(e, EBADMSG,
		              "%s has a corrupt configuration, please fix this jail or destroy and "
		              "recreate it.",
		              jail);
		return err_hint(e, "%s", why.msg);
	}
	if (r == -EACCES)
		return need_root(jail, e);
	if (r < 0)
		return err_set(e, -r, "%s", why.msg);
	c->doc = doc;
	return config_json_to_layer(doc, &c->conf.own, e);
}

int config_load(struct store *s, const char *jail, struct config *ret, struct err *e)
{
	char shown[80];
	int r;

	*ret = (struct config){ 0 };
	if (!store_name_ok(jail))
		return err_class(e, ERR_MISSING, ENOENT, "jail '%s' not found!",
		                 store_printable(jail, shown, sizeof(shown)));
	r = config_new(s, jail, ret, e);
	if (r < 0)
		return r;
	r = load_own(s, jail, ret, e);
	if (r < 0)
		config_done(ret);
	return r;
}

int config_write(struct config *c, int dirfd, const char *path, struct err *e)
{
	_cleanup_free_ char *text = NULL;
	json_t *doc = NULL;
	size_t len;
	int r = config_json_from_layer(c->doc, &c->conf.own, &doc, e);

	if (r < 0)
		return r;
	text = json_dumps(doc, JSON_SORT_KEYS | JSON_INDENT(4));
	if (!text) {
		json_decref(doc);
		return err_oom(e);
	}
	len = strlen(text);
	text[len] = '\n'; /* the line's end takes the place of the NUL */
	if (len + 1 > CONFIG_MAX)
		r = err_set(e, EFBIG, "the configuration of %s would be larger than 1 MiB", c->name);
	else
		r = fs_replace(dirfd, path, text, len + 1, 0600, true, e);
	if (r < 0) {
		json_decref(doc);
		return r;
	}
	json_decref(c->doc);
	c->doc = doc;
	return 0;
}

int config_save(struct store *s, struct config *c, struct err *e)
{
	_cleanup_free_ char *path = NULL;
	int r;

	if (s->rootfd < 0)
		return err_set(e, ENOENT, "cannot save the configuration of %s: %s does not exist", c->name, s->root);
	path = streq(c->name, "default") ? strdup(DEFAULTS) : strf("jails/%s/config.json", c->name);
	if (!path)
		return err_oom(e);
	r = streq(c->name, "default") ? 0 : store_private_jail(s, c->name, e);
	if (r == 0)
		r = config_write(c, s->rootfd, path, e);
	if (streq(c->name, "default")) {
		defaults_free(s->defaults);
		s->defaults = NULL;
	}
	return r < 0 ? err_wrap(e, "%s", s->root) : 0;
}

int config_put(struct config *c, const char *key, const char *value, struct err *e)
{
	int r = conf_layer_set(&c->conf.own, key, value);

	if (r != -ENOENT)
		return r < 0 ? err_oom(e) : 0;
	if (!c->doc)
		c->doc = json_object();
	if (!c->doc || json_object_set_new(c->doc, key, json_string(value)) < 0)
		return err_oom(e);
	return 0;
}

char *config_value(const struct config *c, const char *key)
{
	const char *v = conf_get_key(&c->conf, key);
	const json_t *j;

	if (v)
		return strdup(v);
	j = c->doc ? json_object_get(c->doc, key) : NULL;
	return j ? config_json_text(j) : NULL;
}
