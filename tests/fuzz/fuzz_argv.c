/* fuzz_argv.c - command lines, one word a line: sorted into options and arguments without losing or inventing a word. */
#include "cli/commands.h"
#include "fuzz.h"

#define WORDS 64

static size_t split(char *text, char **words)
{
	size_t n = 0;

	while (text && *text && n < WORDS) {
		char *nl = strchr(text, '\n');

		if (nl)
			*nl++ = '\0';
		words[n++] = text;
		text = nl;
	}
	words[n] = NULL;
	return n;
}

static void check(const struct opt *opts, enum opt_mode mode, size_t n, char **words)
{
	struct args a = { 0 };
	struct err e = ERR_INIT;

	if (opt_parse(opts, mode, (int)n, words, &a, &e) == 0) {
		must(a.npos <= n);
		for (size_t i = 0; i < a.npos; i++)
			must(a.pos[i]);
	} else {
		must(e.code > 0 && e.msg[0]);
	}
	args_done(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size), *words[WORDS + 1];
	size_t n = split(text, words);
	const struct cmd *cmd = n ? cmd_find(words[0]) : NULL;

	if (n)
		check(global_opts, OPT_FIRST, n, words);
	if (cmd)
		check(cmd->opts, cmd->flags & CMD_PASS ? OPT_PASS : OPT_MIXED, n - 1, words + 1);
	free(text);
	return 0;
}
