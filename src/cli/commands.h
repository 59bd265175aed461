/* commands.h - the command table: one row a command; usage, help, completions and the manual come from it. */
#ifndef IOCAGE_CLI_COMMANDS_H
#define IOCAGE_CLI_COMMANDS_H

#include "cli/opt.h"

#define ARGS_ANY 100000u

enum cmd_flags {
	CMD_ROOT = 1 << 0, /* refuses to run without root */
	CMD_HIDDEN = 1 << 1, /* not for users: absent from help, completions and manual */
	CMD_PASS = 1 << 2, /* what follows the second word belongs to another program */
};

enum cmd_id {
#define C(name, group, words, flags, min, max, complete, summary) CMD_ID_##name,
#include "cli/cmd_list.h"
#undef C
	CMD__COUNT,
};

struct cmd {
	enum cmd_id id;
	const char *name, *group, *args, *summary;
	const char *text; /* more about it, for --help and the manual; may be "" */
	unsigned flags, min, max;
	char complete;
	const struct opt *opts; /* ends with one whose longs is NULL */
};

extern const struct cmd cmd_table[CMD__COUNT];
extern const struct opt global_opts[];

/* NULL: no such command. */
const struct cmd *cmd_find(const char *name);

#endif
