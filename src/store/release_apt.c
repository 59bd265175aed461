/* release_apt.c - reads where the host's own apt gets its packages from. */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "store/internal.h"

#define SOURCES_MAX (1024 * 1024)

void apt_sources_done(struct apt_sources *l)
{
	for (size_t i = 0; i < l->n; i++) {
		free(l->v[i].uri);
		free(l->v[i].suite);
		free(l->v[i].components);
		free(l->v[i].keyring);
	}
	free(l->v);
	*l = (struct apt_sources){ 0 };
}

static int add(struct apt_sources *l, const char *uri, const char *suite, const char *components, const char *keyring)
{
	struct apt_source *v = realloc(l->v, (l->n + 1) * sizeof(*v)), *n;

	if (!v)
		return -ENOMEM;
	l->v = v;
	n = &l->v[l->n++];
	*n = (struct apt_source){ strdup(uri), strdup(suite), strdup(components), NULL };
	/* signed-by may also hold fingerprints or a key itself; only a file can be handed on */
	if (keyring && keyring[0] == '/')
		n->keyring = strndup(keyring, strcspn(keyring, " \t,\n"));
	return n->uri && n->suite && n->components ? 0 : -ENOMEM;
}

/* "[arch=amd64 signed-by=/path]": the path, owned by the caller, or NULL. */
static char *option_keyring(const char *opts, size_t len)
{
	static const char key[] = "signed-by=";

	for (size_t i = 0; i + sizeof(key) <= len; i++)
		if (strncasecmp(opts + i, key, sizeof(key) - 1) == 0) {
			const char *v = opts + i + sizeof(key) - 1;

			return strndup(v, strcspn(v, " \t]"));
		}
	return NULL;
}

/* deb [options] URI SUITE COMPONENT... */
static int parse_line(struct apt_sources *l, char *line)
{
	_cleanup_(strv_done) struct strv w = { 0 };
	_cleanup_(sbuf_done) struct sbuf comps = { 0 };
	_cleanup_free_ char *keyring = NULL;
	char *p = line + strspn(line, " \t"), *hash = strchr(p, '#');

	if (hash)
		*hash = '\0';
	if (strncmp(p, "deb", 3) != 0 || !isspace((unsigned char)p[3]))
		return 0;
	p += 3 + strspn(p + 3, " \t");
	if (*p == '[') {
		char *end = strchr(p, ']');

		if (!end)
			return 0;
		keyring = option_keyring(p, (size_t)(end - p) + 1);
		p = end + 1;
	}
	if (strv_split(&w, p, " \t") < 0)
		return -ENOMEM;
	if (w.n < 3)
		return 0;
	for (size_t i = 2; i < w.n; i++)
		sbuf_addf(&comps, "%s%s", i > 2 ? " " : "", w.v[i]);
	return comps.failed ? -ENOMEM : add(l, w.v[0], w.v[1], comps.p, keyring);
}

static int parse_list(struct apt_sources *l, char *text)
{
	char *line, *rest;
	int r = 0;

	for (line = strtok_r(text, "\n", &rest); line && r == 0; line = strtok_r(NULL, "\n", &rest))
		r = parse_line(l, line);
	return r;
}

enum { S_TYPES, S_URIS, S_SUITES, S_COMPONENTS, S_SIGNED, S_ENABLED, S_COUNT };
static const char *const stanza_keys[S_COUNT] = { "Types", "URIs", "Suites", "Components", "Signed-By", "Enabled" };

/* One entry per URI and suite. */
static int end_stanza(struct apt_sources *l, struct sbuf *f)
{
	_cleanup_(strv_done) struct strv types = { 0 }, uris = { 0 }, suites = { 0 };
	const char *signed_by = f[S_SIGNED].p ? f[S_SIGNED].p + strspn(f[S_SIGNED].p, " \t") : NULL;
	int r = 0;

	if (f[S_ENABLED].p && strcasecmp(f[S_ENABLED].p + strspn(f[S_ENABLED].p, " \t"), "no") == 0)
		return 0;
	if (strv_split(&types, f[S_TYPES].p ? f[S_TYPES].p : "", " \t") < 0 ||
	    strv_split(&uris, f[S_URIS].p ? f[S_URIS].p : "", " \t") < 0 ||
	    strv_split(&suites, f[S_SUITES].p ? f[S_SUITES].p : "", " \t") < 0)
		return -ENOMEM;
	if (!strv_has(&types, "deb"))
		return 0;
	for (size_t i = 0; i < uris.n && r == 0; i++)
		for (size_t k = 0; k < suites.n && r == 0; k++)
			r = add(l, uris.v[i], suites.v[k], f[S_COMPONENTS].p ? f[S_COMPONENTS].p : "", signed_by);
	return r;
}

/* The value of a field goes on over lines that begin with a blank. */
static void stanza_line(struct sbuf *f, int *cur, const char *line)
{
	const char *colon;

	if (*line == '#')
		return;
	if (*line == ' ' || *line == '\t') {
		if (*cur >= 0)
			sbuf_add(&f[*cur], line);
		return;
	}
	colon = strchr(line, ':');
	*cur = -1;
	for (int i = 0; colon && i < S_COUNT; i++)
		if (strlen(stanza_keys[i]) == (size_t)(colon - line) &&
		    strncasecmp(line, stanza_keys[i], (size_t)(colon - line)) == 0) {
			*cur = i;
			sbuf_add(&f[i], colon + 1);
		}
}

static int parse_deb822(struct apt_sources *l, char *text)
{
	struct sbuf f[S_COUNT] = { { 0 } };
	int cur = -1, r = 0;
	bool failed = false;

	for (char *line = text, *next; line && r == 0; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		if (line[strspn(line, " \t\r")] != '\0')
			stanza_line(f, &cur, line);
		if (line[strspn(line, " \t\r")] == '\0' || !next) {
			r = end_stanza(l, f);
			for (int i = 0; i < S_COUNT; i++) {
				failed |= f[i].failed;
				sbuf_done(&f[i]);
			}
			cur = -1;
		}
	}
	for (int i = 0; i < S_COUNT; i++)
		sbuf_done(&f[i]);
	return failed ? -ENOMEM : r;
}

int apt_sources_parse(struct apt_sources *l, bool deb822, char *text)
{
	return deb822 ? parse_deb822(l, text) : parse_list(l, text);
}

static int read_one(struct apt_sources *l, int dir, const char *name)
{
	_cleanup_free_ char *text = NULL;
	struct err ignored = ERR_INIT;
	size_t len;

	if (fs_read(dir, name, SOURCES_MAX, &text, &len, &ignored) < 0)
		return 0;
	return apt_sources_parse(l, str_ends(name, ".sources"), text);
}

static int only_sources(const struct dirent *de)
{
	return de->d_name[0] != '.' && (str_ends(de->d_name, ".list") || str_ends(de->d_name, ".sources"));
}

int apt_sources_read(const char *dir, struct apt_sources *ret)
{
	_cleanup_close_ int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), sub = -1;
	_cleanup_free_ char *subdir = strf("%s/sources.list.d", dir);
	_cleanup_(apt_sources_done) struct apt_sources l = { 0 };
	struct dirent **names = NULL;
	int n, r;

	*ret = l;
	if (!subdir)
		return -ENOMEM;
	if (fd < 0)
		return 0;
	r = read_one(&l, fd, "sources.list");
	sub = open(subdir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	n = sub < 0 ? 0 : scandir(subdir, &names, only_sources, alphasort);
	for (int i = 0; i < n; i++) {
		if (r == 0)
			r = read_one(&l, sub, names[i]->d_name);
		free(names[i]);
	}
	free(names);
	if (r < 0)
		return r;
	*ret = l;
	l = (struct apt_sources){ 0 };
	return 0;
}
