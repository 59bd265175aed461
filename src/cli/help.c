/* help.c - help and usage texts, all made from the command table. */
#include <string.h>

#include "base/cleanup.h"
#include "cli/cli.h"

static void opt_names(const struct opt *o, struct sbuf *out)
{
	const char *sep = "", *s = o->longs;

	for (const char *c = o->shorts; *c; c++) {
		sbuf_addf(out, "%s-%c", sep, *c);
		sep = ", ";
	}
	if (o->word) {
		sbuf_addf(out, "%s-%s", sep, o->word);
		sep = ", ";
	}
	while (*s) {
		size_t n = strcspn(s, "|");

		sbuf_addf(out, "%s--%.*s", sep, (int)n, s);
		sep = ", ";
		s += n;
		if (*s)
			s++;
	}
	if (o->arg)
		sbuf_addf(out, " %s", o->arg);
}

static void print_opts(const struct opt *o, FILE *f)
{
	for (; o->longs; o++) {
		_cleanup_(sbuf_done) struct sbuf names = { 0 };

		opt_names(o, &names);
		fprintf(f, "  %-26s  %s\n", names.p ? names.p : "", o->help);
	}
	fprintf(f, "  %-26s  %s\n", "--help", "Show this message and exit.");
}

/* Text broken at 78 columns. */
static void print_wrapped(const char *text, FILE *f)
{
	size_t col = 0;

	while (*text) {
		size_t n = strcspn(text, " ");

		if (col && col + 1 + n > 78) {
			fputc('\n', f);
			col = 0;
		}
		if (col) {
			fputc(' ', f);
			col++;
		}
		fprintf(f, "%.*s", (int)n, text);
		col += n;
		text += n;
		while (*text == ' ')
			text++;
	}
	fputc('\n', f);
}

static void usage_line(const struct cmd *cmd, FILE *f)
{
	fprintf(f, "Usage: iocage %s%s%s%s\n", cmd->name, cmd->opts->longs ? " [OPTIONS]" : "", *cmd->args ? " " : "",
	        cmd->args);
}

void help_usage(const struct cmd *cmd, FILE *f)
{
	if (cmd) {
		usage_line(cmd, f);
		fprintf(f, "Try 'iocage %s --help' for help.\n\n", cmd->name);
		return;
	}
	fputs("Usage: iocage [OPTIONS] COMMAND [ARGS]...\nTry 'iocage --help' for help.\n\n", f);
}

void help_cmd(const struct cmd *cmd, FILE *f)
{
	usage_line(cmd, f);
	fprintf(f, "\n%s\n", cmd->summary);
	if (*cmd->text)
		print_wrapped(cmd->text, f);
	fputs("\nOptions:\n", f);
	print_opts(cmd->opts, f);
}

void help_all(FILE *f)
{
	const char *group = "";

	fputs("Usage: iocage [OPTIONS] COMMAND [ARGS]...\n\nJails: whole systems in a box, each with its own network "
	      "identity.\n\nOptions:\n",
	      f);
	print_opts(global_opts, f);
	for (size_t i = 0; i < CMD__COUNT; i++) {
		const struct cmd *cmd = &cmd_table[i];

		if (cmd->flags & CMD_HIDDEN)
			continue;
		if (strcmp(group, cmd->group) != 0) {
			group = cmd->group;
			fprintf(f, "\n%s:\n", group);
		}
		fprintf(f, "  %-8s  %s\n", cmd->name, cmd->summary);
	}
	fputs("\n'iocage COMMAND --help' tells more about one command; iocage(8) tells all.\n", f);
}

int cmd_help(struct cli *c, struct args *a, struct err *e)
{
	const struct cmd *cmd;

	(void)c;
	if (!a->npos) {
		help_all(stdout);
		return 0;
	}
	cmd = cmd_find(a->pos[0]);
	if (!cmd)
		return usage_err(e, "No such command '%s'.", a->pos[0]);
	help_cmd(cmd, stdout);
	return 0;
}
