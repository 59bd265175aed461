/* run.c - from argv to a command and from its result to the exit status. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cli/cli.h"

static const cmd_fn handlers[CMD__COUNT] = {
#define C(name, group, words, flags, min, max, complete, summary) [CMD_ID_##name] = cmd_##name,
#include "cli/cmd_list.h"
#undef C
};

static int usage_failure(const struct cmd *cmd, const struct err *e)
{
	help_usage(cmd, stderr);
	fprintf(stderr, "Error: %s\n", e->msg);
	return 2;
}

/* What must be there is the first word of the usage line, without "..." and quotes. */
static int check_count(const struct cmd *cmd, const struct args *a, struct err *e)
{
	if (a->npos > cmd->max)
		return usage_err(e, "Got unexpected extra argument (%s)", a->pos[cmd->max]);
	if (a->npos < cmd->min) {
		const char *s = cmd->args;
		size_t n;

		for (size_t i = 0; i < a->npos; i++) {
			s += strcspn(s, " ");
			s += strspn(s, " ");
		}
		n = strcspn(s, " .");
		return usage_err(e, "Missing argument '%.*s'.", (int)n, s);
	}
	return 0;
}

static int dispatch(struct cli *c, int argc, char **argv, struct err *e)
{
	_cleanup_(args_done) struct args a = { 0 };
	const struct cmd *cmd = c->cmd;
	int r;

	/* `iocage CMD help`: the name help is reserved, so nothing else can be meant */
	if (argc == 1 && streq(argv[0], "help") && cmd->id != CMD_ID_help) {
		help_cmd(cmd, stdout);
		return 0;
	}
	r = opt_parse(cmd->opts, cmd->flags & CMD_PASS ? OPT_PASS : OPT_MIXED, argc, argv, &a, e);
	if (r < 0)
		return r;
	if (a.help) {
		help_cmd(cmd, stdout);
		return 0;
	}
	r = check_count(cmd, &a, e);
	if (r < 0)
		return r;
	if ((cmd->flags & CMD_ROOT) && geteuid() != 0)
		return err_set(e, EPERM, "You need to have root privileges to run %s", cmd->name);
	return handlers[cmd->id](c, &a, e);
}

static void nothing(int sig)
{
	(void)sig;
}

/*
 * A reader that went away must not kill us in the middle of a start. A handler instead of SIG_IGN: what we run gets the
 * default back at exec. File descriptors 0 to 2 are made sure of, so that no file we open becomes one of them.
 */
static void settle(void)
{
	struct sigaction sa = { .sa_handler = nothing };

	sigemptyset(&sa.sa_mask);
	(void)sigaction(SIGPIPE, &sa, NULL);
	for (int fd = 0; fd <= 2; fd++)
		if (fcntl(fd, F_GETFD) < 0 && errno == EBADF && open("/dev/null", O_RDWR) != fd)
			_exit(1);
	umask(022);
}

static int finish(int status)
{
	if (fflush(stdout) != 0 || ferror(stdout)) {
		if (errno != EPIPE)
			fprintf(stderr, "cannot write to standard output: %s\n", strerror(errno));
		return status ? status : 1;
	}
	return status;
}

static int run_words(struct cli *c, int argc, char **argv)
{
	_cleanup_(args_done) struct args global = { 0 };
	struct err e = ERR_INIT;
	int r;

	r = opt_parse(global_opts, OPT_FIRST, argc, argv, &global, &e);
	if (r < 0)
		return usage_failure(NULL, &e);
	if (args_has(&global, OPT_VERSION)) {
		printf("Version\t%s\n", IOCAGE_VERSION);
		return 0;
	}
	if (global.help || !global.npos) {
		help_all(stdout);
		return 0;
	}
	c->cmd = cmd_find(global.pos[0]);
	if (!c->cmd) {
		(void)usage_err(&e, "No such command '%s'.", global.pos[0]);
		return usage_failure(NULL, &e);
	}
	r = dispatch(c, (int)global.npos - 1, global.pos + 1, &e);
	if (r >= 0)
		return r;
	if (e.cls == ERR_USAGE)
		return usage_failure(c->cmd, &e);
	(void)fflush(stdout);
	report(&e);
	return 1;
}

int cli_main(int argc, char **argv)
{
	static struct cli c = { .st = STORE_INIT };
	int status;

	settle();
	cli_find_self(&c, argc > 0 ? argv[0] : "");
	status = run_words(&c, argc > 0 ? argc - 1 : 0, argv + (argc > 0));
	if (c.opened)
		store_close(&c.st);
	return finish(status);
}
