/* cmd_exec.c - exec and console: running something inside a jail. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cli/life.h"

#define INSIDE_PATH "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

static int pass_on(struct strv *env, const char *name, const char *fallback)
{
	const char *v = getenv(name);

	if (!v)
		v = fallback;
	return v ? strv_adopt(env, strf("%s=%s", name, v)) : 0;
}

static int clean_env(struct strv *env, const char *home, bool proxy, struct err *e)
{
	static const char *const proxies[] = { "http_proxy", "https_proxy", "ftp_proxy",
		                               "no_proxy",   "HTTP_PROXY",  "HTTPS_PROXY",
		                               "FTP_PROXY",  "NO_PROXY",    "HTTP_PROXY_AUTH" };
	int r = strv_add(env, INSIDE_PATH);

	if (r == 0)
		r = strv_add(env, "PWD=/");
	if (r == 0)
		r = strv_adopt(env, strf("HOME=%s", home));
	if (r == 0)
		r = pass_on(env, "TERM", "dumb");
	if (r == 0)
		r = pass_on(env, "LANG", "C.UTF-8");
	if (r == 0)
		r = pass_on(env, "LC_ALL", NULL);
	for (size_t i = 0; r == 0 && proxy && i < sizeof(proxies) / sizeof(*proxies); i++)
		r = pass_on(env, proxies[i], NULL);
	return r < 0 ? err_oom(e) : 0;
}

/* A running jail, started first if that is asked for. */
static int need_running(struct session *s, bool force, struct err *e)
{
	int r = jail_running(s->c, s->jail, &s->st, e);

	/* a shared-IP jail's is asked when the command's process enters */
	if (r > 0 && s->st.vnet)
		r = life_held(s->c, s->jail, &s->st, e);
	if (r < 0)
		return r;
	if (!r) {
		r = state_unheld(&s->st, e);
		if (r > 0)
			r = life_end_unheld(s->c, s->jail, e);
		if (r < 0)
			return r;
		if (!force)
			return err_class(e, ERR_BUSY, ESRCH,
			                 "%s is not running! Please supply --force (-f) or start the jail", s->jail);
		r = life_start(s->c, s->jail, &s->o, e);
		if (r < 0 && r != -EALREADY)
			return r;
		r = jail_running(s->c, s->jail, &s->st, e);
		if (r <= 0)
			return r < 0 ? r : err_set(e, ESRCH, "%s ended right after its start", s->jail);
	}
	r = session_config(s, e);
	return r < 0 ? r : session_os_jail(s, e);
}

/*
 * What os_exec() left, as our status. What could not be executed has the status that shells give, and what was interrupted
 * before it ran that of the signal: both say more than a 1.
 */
static int outcome(const struct session *s, int r, int status, const struct err *why, struct err *e)
{
	const char *jail = s->jail;

	if (r == 0)
		return status;
	if (r == -EAGAIN && life_held(s->c, jail, &s->st, e) < 0)
		return -e->code;
	if (os_jail_alive(s->oj.pid, s->oj.pid_start, NULL) == 0)
		return err_class(e, ERR_BUSY, ESRCH, "%s was stopped in the meantime", jail);
	if (status <= 1)
		return err_class(e, why->cls, why->code, "%s: %s", jail, why->msg);
	warning("%s: %s", jail, why->msg);
	return status;
}

static int run_in(struct cli *c, const char *jail, bool force, struct os_exec *x, struct err *e)
{
	_cleanup_(session_done) struct session s;
	struct run_opts o = { 0 };
	struct err why = ERR_INIT;
	int status = 0, r;

	session_init(&s, c, jail, &o);
	r = need_running(&s, force, e);
	if (r < 0)
		return r;
	x->allow = session_allow(&s);
	(void)fflush(stdout);
	r = os_exec(&s.oj, x, &status, &why);
	return outcome(&s, r, status, &why, e);
}

/* Every jail in turn; what does not run is reported. Status 1 if anything failed anywhere. */
static int run_in_all(struct cli *c, struct args *a, bool force, struct os_exec *x, struct err *e)
{
	_cleanup_(strv_done) struct strv names = { 0 };
	struct args all = { .pos = a->pos, .npos = 1 };
	bool many;
	int status = 0, r = select_jails(c, &all, false, &names, &many, e);

	if (r < 0)
		return r;
	for (size_t i = 0; i < names.n; i++) {
		struct err why = ERR_INIT;

		r = run_in(c, names.v[i], force, x, &why);
		if (r < 0)
			report(&why);
		if (r)
			status = 1;
	}
	return status;
}

int cmd_exec(struct cli *c, struct args *a, struct err *e)
{
	_cleanup_(strv_done) struct strv env = { 0 };
	_cleanup_free_ char *jail = NULL;
	char *shell[] = { (char *)(uintptr_t) "/bin/sh", (char *)(uintptr_t) "-c", a->pos[1], NULL };
	struct os_exec x = { .argv = a->npos == 2 ? shell : a->pos + 1 };
	bool force = args_has(a, OPT_FORCE);
	int r;

	if (args_has(a, OPT_HOST_USER) && args_has(a, OPT_JAIL_USER))
		return err_set(e, EINVAL, "Please only specify either host_user or jail_user, not both!");
	x.host_user = a->val[OPT_HOST_USER];
	x.jail_user = a->val[OPT_JAIL_USER];
	r = cli_open(c, true, e);
	if (r == 0)
		r = clean_env(&env, "/", args_has(a, OPT_KEEP_PROXY), e);
	if (r < 0)
		return r;
	x.env = env.v;
	if (streq(a->pos[0], "ALL"))
		return run_in_all(c, a, force, &x, e);
	r = resolve_jail(c, a->pos[0], false, &jail, e);
	return r < 0 ? r : run_in(c, jail, force, &x, e);
}

static int add_words(struct strv *l, const char *const *words, size_t n, struct err *e)
{
	for (size_t i = 0; i < n; i++)
		if (strv_add(l, words[i]) < 0)
			return err_oom(e);
	return 0;
}

/*
 * The jail's own shell looks for login: whether there is one is then seen with the jail's eyes, and the status of a session
 * cannot be mistaken for a missing program.
 */
static int login_argv(struct strv *argv, const struct strv *flags, struct err *e)
{
	static const char *const head[] = {
		"/bin/sh", "-c", "command -v login >/dev/null 2>&1 && exec login \"$@\"; exec /bin/sh -l",
		"login",   "-p",
	};
	int r = add_words(argv, head, sizeof(head) / sizeof(*head), e);

	return r < 0 ? r : add_words(argv, (const char *const *)flags->v, flags->n, e);
}

/* SHELL and HOME are set for the user by then. */
static int shell_argv(struct strv *argv, struct err *e)
{
	static const char *const words[] = {
		"/bin/sh",
		"-c",
		"cd 2>/dev/null; exec \"${SHELL:-/bin/sh}\" -l",
	};

	return add_words(argv, words, sizeof(words) / sizeof(*words), e);
}

/*
 * Commands from a file or a pipe go straight to the login shell of the user. login wants a terminal, and discards what was
 * typed before it was ready for it: the commands. But a login that asks for a name or a password is not left out.
 */
static int console_command(struct os_exec *x, struct strv *argv, const struct strv *flags, struct err *e)
{
	x->login = isatty(0) || flags->n != 2 || !streq(flags->v[0], "-f");
	if (x->login)
		return login_argv(argv, flags, e);
	x->jail_user = flags->v[1];
	return shell_argv(argv, e);
}

int cmd_console(struct cli *c, struct args *a, struct err *e)
{
	_cleanup_(session_done) struct session s;
	_cleanup_(strv_done) struct strv env = { 0 }, argv = { 0 }, flags = { 0 };
	_cleanup_free_ char *jail = NULL;
	struct run_opts o = { 0 };
	struct err why = ERR_INIT;
	struct os_exec x = { 0 };
	int status = 0, r;

	session_init(&s, c, NULL, &o);
	r = cli_open(c, true, e);
	if (r == 0)
		r = resolve_jail(c, a->pos[0], false, &jail, e);
	if (r < 0)
		return r;
	s.jail = jail;
	r = need_running(&s, args_has(a, OPT_FORCE), e);
	if (r == 0)
		r = clean_env(&env, "/root", false, e);
	if (r == 0 && strv_split(&flags, conf_get(&s.cfg.conf, PROP_login_flags), " \t") < 0)
		r = err_oom(e);
	if (r == 0)
		r = console_command(&x, &argv, &flags, e);
	if (r < 0)
		return r;
	x.argv = argv.v;
	x.env = env.v;
	x.allow = session_allow(&s);
	(void)fflush(stdout);
	r = os_exec(&s.oj, &x, &status, &why);
	return outcome(&s, r, status, &why, e);
}
