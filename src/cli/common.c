/* common.c - messages, questions, where we are installed, and which jails a command means. */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cli/cli.h"
#include "os/os.h"

void info(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
}

/* What messages quote may come from a file, an archive or a jail: nothing of it is to reach the terminal as a command. */
static void tame(char *s)
{
	for (; *s; s++)
		if (((unsigned char)*s < 32 && *s != '\n' && *s != '\t') || *s == 127)
			*s = '?';
		else if ((unsigned char)s[0] == 0xc2 && (unsigned char)s[1] >= 0x80 && (unsigned char)s[1] < 0xa0)
			*s++ = '?', *s = '?';
}

/* stdout first, so that both on one terminal or in one file stay in order. */
void warning(const char *fmt, ...)
{
	_cleanup_free_ char *text = NULL;
	va_list ap;

	(void)fflush(stdout);
	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	if (text)
		tame(text);
	fprintf(stderr, "%s\n", text ? text : strerror(ENOMEM));
}

void report(const struct err *e)
{
	warning("%s", e->msg[0] ? e->msg : strerror(e->code));
}

int print_sbuf(const struct sbuf *b, struct err *e)
{
	if (b->failed)
		return err_oom(e);
	if (b->len && fwrite(b->p, 1, b->len, stdout) != b->len)
		return err_sys(e, "cannot write to standard output");
	return 0;
}

int confirm(const char *text, bool *ret_yes, struct err *e)
{
	for (;;) {
		char buf[64];

		printf("%s [y/N]: ", text);
		(void)fflush(stdout);
		if (!fgets(buf, sizeof(buf), stdin)) {
			putchar('\n');
			return err_set(e, ECANCELED, "Aborted!");
		}
		buf[strcspn(buf, "\n")] = '\0';
		*ret_yes = !strcasecmp(buf, "y") || !strcasecmp(buf, "yes");
		if (*ret_yes || !*buf || !strcasecmp(buf, "n") || !strcasecmp(buf, "no"))
			return 0;
		puts("Error: invalid input");
	}
}

/* --- where we are --- */

static bool self_from_path(const char *argv0, char *ret)
{
	_cleanup_(strv_done) struct strv dirs = { 0 };
	const char *path = getenv("PATH");

	if (strchr(argv0, '/'))
		return realpath(argv0, ret) != NULL;
	if (!path || strv_split(&dirs, path, ":") < 0)
		return false;
	for (size_t i = 0; i < dirs.n; i++) {
		_cleanup_free_ char *p = strf("%s/%s", dirs.v[i], argv0);

		if (p && access(p, X_OK) == 0 && realpath(p, ret))
			return true;
	}
	return false;
}

static bool has_helpers(const char *dir)
{
	_cleanup_free_ char *p = strf("%s/iocage-extract", dir);

	return p && access(p, X_OK) == 0;
}

/* Installed: PREFIX/sbin/iocage and PREFIX/libexec/iocage/. In a build directory: all side by side. */
void cli_find_self(struct cli *c, const char *argv0)
{
	static const char *const rel[] = { "/../libexec/iocage", "" };
	char self[PATH_MAX] = "", dir[PATH_MAX], *slash;
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	/* other systems, or no /proc: by the name we were called with */
	if (n > 0)
		self[n] = '\0';
	else if (!self_from_path(argv0, self))
		self[0] = '\0';
	if (str_copy(c->self, sizeof(c->self), self) < 0)
		c->self[0] = '\0';
	if (str_copy(c->libexec, sizeof(c->libexec), IOCAGE_LIBEXECDIR) < 0)
		c->libexec[0] = '\0';
	slash = strrchr(self, '/');
	if (!slash)
		return;
	*slash = '\0';
	for (size_t i = 0; i < sizeof(rel) / sizeof(*rel); i++) {
		_cleanup_free_ char *p = strf("%s%s", self, rel[i]);

		if (p && has_helpers(p) && realpath(p, dir) && str_copy(c->libexec, sizeof(c->libexec), dir) == 0)
			break;
	}
}

int cli_open(struct cli *c, bool make, struct err *e)
{
	int r;

	if (c->opened)
		return 0;
	r = store_open(&c->st, getenv("IOCAGE_ROOT"), getenv("IOCAGE_RUN"), make, e);
	if (r < 0)
		return r;
	c->opened = true;
	c->st.libexec = c->libexec;
	os_set_libexec(c->libexec);
	return 0;
}

/* --- which jails --- */

int resolve_jail(struct cli *c, const char *given, bool exact, char **ret, struct err *e)
{
	_cleanup_(strv_done) struct strv name = { 0 };
	int r = store_resolve(&c->st, given, exact, &name, e);

	if (r < 0)
		return r;
	*ret = name.n ? strdup(name.v[0]) : NULL;
	return *ret ? 0 : err_oom(e);
}

int hint_untold(const char *jail, struct err *e)
{
	if (e->code == EINVAL || e->code == EFBIG || e->code == EISDIR || e->code == ELOOP)
		return err_hint(e, "What is written down of %s is damaged. To end what runs of it: iocage stop -f %s",
		                jail, jail);
	return err_hint(
		e,
		"So it cannot be told whether %s runs. Try again when that can be read; to end what runs of it: "
		"iocage stop -f %s",
		jail, jail);
}

/* As jail_running(), the reason alone. */
static int look(struct cli *c, const char *jail, struct state *st, struct err *e)
{
	struct err why = ERR_INIT;
	struct state own;
	int r;

	if (!st)
		st = &own;
	r = state_load(&c->st, jail, st, &why);
	if (r == 0)
		r = state_up(st, &why);
	if (r == -ENOENT)
		return 0;
	if (r < 0)
		*e = why;
	return r;
}

int jail_running(struct cli *c, const char *jail, struct state *st, struct err *e)
{
	int r = look(c, jail, st, e);

	return r < 0 ? hint_untold(jail, e) : r;
}

int jail_shown(struct cli *c, const char *jail, struct state *st)
{
	struct err e = ERR_INIT;
	int r = look(c, jail, st, &e);

	if (r < 0)
		warning("%s: cannot tell whether it runs: %s", jail, e.msg);
	return r;
}

const char *state_word(int shown)
{
	return shown > 0 ? "up" : shown < 0 ? "N/A" : "down";
}

static int monitor_lives(const struct state *st, struct err *e)
{
	return st->monitor ? os_jail_alive(st->monitor, st->monitor_start, e) : 1;
}

int state_up(const struct state *st, struct err *e)
{
	int r = st->lifecycle == LIFE_UP ? os_jail_alive(st->pid, st->pid_start, e) : 0;

	return r > 0 ? monitor_lives(st, e) : r;
}

int state_unheld(const struct state *st, struct err *e)
{
	/* in this order: a monitor whose jail ends outlives it */
	int r = st->lifecycle == LIFE_UP ? monitor_lives(st, e) : 1;

	if (r)
		return r < 0 ? r : 0;
	return os_jail_alive(st->pid, st->pid_start, e);
}

void warn_unheld(const char *jail, const struct state *st)
{
	if (state_unheld(st, NULL) > 0)
		warning("%s: its monitor (process %d) was killed; what is left of it ends with the next start or stop",
		        jail, (int)st->monitor);
}

void warn_restarts(struct cli *c, const char *jail)
{
	struct restarts rs;

	restarts_load(&c->st, jail, &rs);
	if (rs.gave_up)
		warning("%s: ended again and again, and is not started any more (%u times within %d seconds); "
		        "%s/log/%s-console.log "
		        "may say why",
		        jail, rs.n, RESTARTS_WITHIN, c->st.root, jail);
	else if (restarts_underway(&rs))
		warning("%s: is being started again", jail);
	else if (rs.pending)
		warning("%s: was about to be started again when process %ld, which does that, was killed; iocage start "
		        "%s "
		        "does it now",
		        jail, rs.pending, jail);
}

bool restarts_underway(const struct restarts *rs)
{
	return rs->pending && (kill((pid_t)rs->pending, 0) == 0 || errno == EPERM);
}

struct ranked {
	long priority;
	char *name; /* borrowed */
};

static int by_rank(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;

	if (x->priority != y->priority)
		return x->priority < y->priority ? -1 : 1;
	return str_natcmp(x->name, y->name);
}

/* The jails of ALL or --rc among all of them, ranked. A configuration that cannot be read counts as last, rc leaves it out. */
static size_t rank(struct cli *c, const struct strv *all, bool rc, struct ranked *out)
{
	size_t n = 0;

	for (size_t i = 0; i < all->n; i++) {
		struct config cfg = { 0 };
		struct err why = ERR_INIT;
		bool ok = config_load(&c->st, all->v[i], &cfg, &why) == 0;

		if (!ok && rc) /* else whoever acts on it says so */
			report(&why);
		if (ok ? !streq(conf_get(&cfg.conf, PROP_type), "template") && (!rc || conf_true(&cfg.conf, PROP_boot))
		       : !rc)
			out[n++] = (struct ranked){
				ok ? strtol(conf_get(&cfg.conf, PROP_priority), NULL, 10) : LONG_MAX,
				all->v[i],
			};
		if (ok)
			config_done(&cfg);
	}
	qsort(out, n, sizeof(*out), by_rank);
	return n;
}

static int select_ranked(struct cli *c, bool rc, bool falling, struct strv *ret, struct err *e)
{
	_cleanup_(strv_done) struct strv all = { 0 };
	_cleanup_free_ struct ranked *v = NULL;
	size_t n;
	int r = store_jails(&c->st, &all, e);

	if (r < 0)
		return r;
	v = calloc(all.n + 1, sizeof(*v));
	if (!v)
		return err_oom(e);
	n = rank(c, &all, rc, v);
	for (size_t i = 0; i < n; i++)
		if (strv_add(ret, v[falling ? n - 1 - i : i].name) < 0)
			return err_oom(e);
	return 0;
}

int select_jails(struct cli *c, const struct args *a, bool falling, struct strv *ret, bool *ret_many, struct err *e)
{
	bool rc = args_has(a, OPT_RC);

	*ret_many = rc || (a->npos == 1 && streq(a->pos[0], "ALL"));
	if (rc && a->npos)
		return usage_err(e, "Got unexpected extra argument (%s)", a->pos[0]);
	if (*ret_many)
		return select_ranked(c, rc, falling, ret, e);
	if (!a->npos)
		return usage_err(e, "Missing argument 'JAIL'.");
	for (size_t i = 0; i < a->npos; i++) {
		char *name;
		int r = resolve_jail(c, a->pos[i], false, &name, e);

		if (r < 0)
			return r;
		if (strv_has(ret, name)) { /* named twice: once is enough */
			free(name);
			continue;
		}
		if (strv_adopt(ret, name) < 0)
			return err_oom(e);
	}
	return 0;
}
