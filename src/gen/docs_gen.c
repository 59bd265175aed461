/*
 * docs_gen.c - build-time program: what the command and property tables say, as shell completions, as the manual's
 * tables, and as a dictionary for fuzzers. Usage: docs_gen bash|zsh|fish|dict, docs_gen man TEMPLATE. Prints to stdout.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"
#include "core/prop.h"

static bool shown(const struct cmd *c)
{
	return !(c->flags & CMD_HIDDEN);
}

/* Calls f for each of the '|'-joined names. */
static void each(const char *names, void (*f)(const char *s, int n, void *ctx), void *ctx)
{
	while (names && *names) {
		int n = (int)strcspn(names, "|");

		f(names, n, ctx);
		names += n;
		if (*names)
			names++;
	}
}

static void print_long(const char *s, int n, void *ctx)
{
	(void)ctx;
	printf(" --%.*s", n, s);
}

static void opt_words(const struct opt *o)
{
	for (; o->longs; o++) {
		for (const char *p = o->shorts; *p; p++)
			printf(" -%c", *p);
		if (o->word)
			printf(" -%s", o->word);
		each(o->longs, print_long, NULL);
	}
	printf(" --help");
}

static void prop_words(const char *sep, const char *tail)
{
	for (int i = 0; i < PROP__COUNT; i++)
		printf("%s%s%s", i ? sep : "", prop_table[i].name, tail);
}

static bool streq_word(const char *arg, const char *word)
{
	return arg && strcmp(arg, word) == 0;
}

/* What a value is, as a completion: 'r' release, 'f' file, 'd' directory, 'p' property; 0 nothing. */
static char value_kind(const struct opt *o)
{
	if (streq_word(o->arg, "RELEASE"))
		return 'r';
	if (streq_word(o->arg, "FILE"))
		return 'f';
	if (streq_word(o->arg, "DIR"))
		return 'd';
	if (streq_word(o->arg, "PROP"))
		return 'p';
	return 0;
}

/* --- bash --- */

static void bash_value(const struct opt *o)
{
	const char *s;
	size_t n;

	if (!value_kind(o))
		return;
	n = opt_long_first(o, &s);
	printf("\t");
	for (const char *p = o->shorts; *p; p++)
		printf("-%c|", *p);
	printf("--%.*s) ", (int)n, s);
	switch (value_kind(o)) {
	case 'r':
		printf("want=$(iocage list -R 2>/dev/null; iocage list -r -h 2>/dev/null)");
		break;
	case 'f':
		printf("mapfile -t COMPREPLY < <(compgen -f -- \"$cur\"); return");
		break;
	case 'd':
		printf("mapfile -t COMPREPLY < <(compgen -d -- \"$cur\"); return");
		break;
	default:
		printf("want=$(_iocage_props)");
	}
	printf(" ;;\n");
}

static void bash_positional(char kind)
{
	switch (kind) {
	case 'j':
	case 'x':
		printf("want=$(_iocage_jails)");
		break;
	case 'J':
		printf("want=\"ALL $(_iocage_jails)\"");
		break;
	case 'p':
		printf("want=\"$(_iocage_props) all default $(_iocage_jails)\"");
		break;
	case 's':
		printf("want=\"$(_iocage_settings) default $(_iocage_jails)\"; compopt -o nospace");
		break;
	case 'k':
		printf("want=$(_iocage_settings); compopt -o nospace");
		break;
	case 'c':
		printf("want=$(_iocage_commands)");
		break;
	case 'h':
		printf("want=\"apply check show undo\"");
		break;
	default:
		printf("want=");
	}
}

static void gen_bash(void)
{
	printf("# bash completion for iocage; generated from its command and property tables\n"
	       "_iocage_jails() { iocage list -q -h 2>/dev/null | cut -f1; }\n_iocage_props() { echo '");
	prop_words(" ", "");
	printf("'; }\n_iocage_settings() { echo '");
	prop_words(" ", "=");
	printf("'; }\n_iocage_commands() { echo '");
	for (int i = 0; i < CMD__COUNT; i++)
		if (shown(&cmd_table[i]))
			printf("%s ", cmd_table[i].name);
	printf("'; }\n\n_iocage() {\n\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} "
	       "cmd=${COMP_WORDS[1]} want=\n"
	       "\tif [ \"$COMP_CWORD\" -eq 1 ]; then\n\t\twant=\"$(_iocage_commands) --version "
	       "--help\"\n\telse\n\tcase $cmd in\n");
	for (int i = 0; i < CMD__COUNT; i++) {
		const struct cmd *c = &cmd_table[i];

		if (!shown(c))
			continue;
		printf("\t%s)\n\tcase $prev in\n", c->name);
		for (const struct opt *o = c->opts; o->longs; o++)
			bash_value(o);
		printf("\t*) case $cur in\n\t\t-*) want='");
		opt_words(c->opts);
		printf("' ;;\n\t\t*) ");
		bash_positional(c->complete);
		printf(" ;;\n\t\tesac ;;\n\tesac ;;\n");
	}
	printf("\tesac\n\tfi\n\tmapfile -t COMPREPLY < <(compgen -W \"$want\" -- \"$cur\")\n}\ncomplete -F _iocage "
	       "iocage\n");
}

/* --- zsh --- */

/* In single quotes, with what _arguments would read as its own escaped. */
static void zsh_text(const char *s)
{
	for (; *s; s++) {
		if (*s == '\'')
			printf("'\\''");
		else if (strchr("[]:\\", *s))
			printf("\\%c", *s);
		else
			putchar(*s);
	}
}

static const char *zsh_action(const struct opt *o)
{
	switch (value_kind(o)) {
	case 'r':
		return "_iocage_releases";
	case 'f':
		return "_files";
	case 'd':
		return "_files -/";
	case 'p':
		return "_iocage_props";
	default:
		return "";
	}
}

struct zsh_opt {
	const struct opt *o;
};

static void zsh_spec(const char *dashes, const char *name, int n, const struct opt *o)
{
	printf(" \\\n\t\t'%s%.*s[", dashes, n, name);
	zsh_text(o->help);
	printf("]");
	if (o->arg)
		printf(":%s:%s", o->arg, zsh_action(o));
	printf("'");
}

static void zsh_long(const char *s, int n, void *ctx)
{
	zsh_spec("--", s, n, ((struct zsh_opt *)ctx)->o);
}

static const char *zsh_positional(char kind)
{
	switch (kind) {
	case 'j':
		return "':jail:_iocage_jails'";
	case 'J':
		return "'*:jail:_iocage_jails'";
	case 'x':
		return "':jail:_iocage_jails' '*:::command:_normal'";
	case 'p':
		return "':property:_iocage_props' ':jail:_iocage_jails'";
	case 's':
		return "'*:property or jail:_iocage_settings_jails'";
	case 'k':
		return "'*:property:_iocage_settings'";
	case 'c':
		return "':command:_iocage_commands'";
	case 'h':
		return "':what:(apply check show undo)'";
	default:
		return "";
	}
}

static void gen_zsh(void)
{
	printf("#compdef iocage\n# zsh completion for iocage; generated from its command and property tables\n"
	       "_iocage_jails() { compadd -- ALL default ${(f)\"$(iocage list -q -h 2>/dev/null | cut -f1)\"} }\n"
	       "_iocage_releases() { compadd -- ${(f)\"$(iocage list -R 2>/dev/null; iocage list -r -h 2>/dev/null)\"} "
	       "}\n"
	       "_iocage_props() { compadd -- all ");
	prop_words(" ", "");
	printf(" }\n_iocage_settings() { compadd -S '' -- ");
	prop_words(" ", "=");
	printf(" }\n_iocage_settings_jails() { _iocage_settings; _iocage_jails }\n_iocage_commands() {\n\tlocal -a "
	       "c=(\n");
	for (int i = 0; i < CMD__COUNT; i++) {
		if (!shown(&cmd_table[i]))
			continue;
		printf("\t\t'%s:", cmd_table[i].name);
		zsh_text(cmd_table[i].summary);
		printf("'\n");
	}
	printf("\t)\n\t_describe command c\n}\n_iocage() {\n\tif (( CURRENT == 2 )); "
	       "then\n\t\t_iocage_commands\n\t\treturn\n\tfi\n"
	       "\tlocal cmd=$words[2]\n\tshift words; (( CURRENT-- ))\n\tcase $cmd in\n");
	for (int i = 0; i < CMD__COUNT; i++) {
		const struct cmd *c = &cmd_table[i];

		if (!shown(c))
			continue;
		printf("\t%s)\n\t\t_arguments -s", c->name);
		for (const struct opt *o = c->opts; o->longs; o++) {
			struct zsh_opt ctx = { o };

			for (const char *p = o->shorts; *p; p++)
				zsh_spec("-", p, 1, o);
			if (o->word)
				zsh_spec("-", o->word, (int)strlen(o->word), o);
			each(o->longs, zsh_long, &ctx);
		}
		printf(" \\\n\t\t'--help[Show help]' %s ;;\n", zsh_positional(c->complete));
	}
	printf("\tesac\n}\n_iocage \"$@\"\n");
}

/* --- fish --- */

static void fish_text(const char *s)
{
	for (; *s; s++) {
		if (*s == '\'' || *s == '\\')
			putchar('\\');
		putchar(*s);
	}
}

static void fish_long(const char *s, int n, void *ctx)
{
	(void)ctx;
	printf(" -l %.*s", n, s);
}

static void fish_opt(const struct cmd *c, const struct opt *o)
{
	printf("complete -c iocage -n '__fish_seen_subcommand_from %s'", c->name);
	for (const char *p = o->shorts; *p; p++)
		printf(" -s %c", *p);
	if (o->word)
		printf(" -o %s", o->word);
	each(o->longs, fish_long, NULL);
	switch (value_kind(o)) {
	case 'r':
		printf(" -x -a '(__iocage_releases)'");
		break;
	case 'f':
	case 'd':
		printf(" -r -F");
		break;
	case 'p':
		printf(" -x -a '(__iocage_props)'");
		break;
	default:
		if (o->arg)
			printf(" -x");
	}
	printf(" -d '");
	fish_text(o->help);
	printf("'\n");
}

static const char *fish_positional(char kind)
{
	switch (kind) {
	case 'j':
	case 'x':
	case 'J':
		return "(__iocage_jails)";
	case 'p':
		return "(__iocage_props) (__iocage_jails)";
	case 's':
		return "(__iocage_settings) (__iocage_jails)";
	case 'k':
		return "(__iocage_settings)";
	case 'c':
		return "(__iocage_commands)";
	case 'h':
		return "apply check show undo";
	default:
		return NULL;
	}
}

static void gen_fish(void)
{
	printf("# fish completion for iocage; generated from its command and property tables\n"
	       "function __iocage_jails; iocage list -q -h 2>/dev/null | cut -f1; printf '%%s\\n' ALL default; end\n"
	       "function __iocage_releases; iocage list -R 2>/dev/null; iocage list -r -h 2>/dev/null; end\n"
	       "function __iocage_props; printf '%%s\\n' all ");
	prop_words(" ", "");
	printf("; end\nfunction __iocage_settings; printf '%%s\\n' ");
	prop_words(" ", "=");
	printf("; end\nfunction __iocage_commands; printf '%%s\\n'");
	for (int i = 0; i < CMD__COUNT; i++)
		if (shown(&cmd_table[i]))
			printf(" %s", cmd_table[i].name);
	printf("; end\ncomplete -c iocage -f\ncomplete -c iocage -n __fish_use_subcommand -l version -s v -d 'Show the "
	       "version'\n");
	for (int i = 0; i < CMD__COUNT; i++) {
		const struct cmd *c = &cmd_table[i];

		if (!shown(c))
			continue;
		printf("complete -c iocage -n __fish_use_subcommand -a %s -d '", c->name);
		fish_text(c->summary);
		printf("'\n");
		for (const struct opt *o = c->opts; o->longs; o++)
			fish_opt(c, o);
		if (fish_positional(c->complete))
			printf("complete -c iocage -n '__fish_seen_subcommand_from %s' -a '%s'\n", c->name,
			       fish_positional(c->complete));
	}
}

/* --- the manual: mdoc --- */

/* A word for mdoc: what roff would read as its own is spelled out. */
static void mdoc_word(const char *s, size_t n)
{
	if (n && (*s == '.' || *s == '\''))
		printf("\\&");
	for (; n; n--, s++) {
		if (*s == '\\')
			printf("\\e");
		else if (*s == '"')
			printf("\\(dq");
		else if (*s == '-')
			printf("\\-");
		else
			putchar(*s);
	}
}

/* One sentence a line, as the language wants it; long ones are broken. */
static void mdoc_sentences(const char *s)
{
	size_t col = 0;

	while (*s) {
		size_t n = strcspn(s, " ");
		bool end = n && s[n - 1] == '.' && s[n];

		if (col && col + 1 + n > 70) {
			putchar('\n');
			col = 0;
		}
		if (col++)
			putchar(' ');
		mdoc_word(s, n);
		col += n;
		if (end) {
			putchar('\n');
			col = 0;
		}
		s += n;
		while (*s == ' ')
			s++;
	}
	putchar('\n');
}

static void mdoc_fl_long(const char *s, int n, void *ctx)
{
	const char **sep = ctx;

	printf("%s Fl \\-%.*s", *sep, n, s);
	*sep = " ,";
}

static void mdoc_opt(const struct opt *o)
{
	const char *sep = "";

	printf(".It");
	for (const char *p = o->shorts; *p; p++) {
		printf("%s Fl %c", sep, *p);
		sep = " ,";
	}
	if (o->word) {
		printf("%s Fl %s", sep, o->word);
		sep = " ,";
	}
	each(o->longs, mdoc_fl_long, &sep);
	if (o->arg)
		printf(" Ar %s", o->arg);
	putchar('\n');
	mdoc_sentences(o->help);
}

/* "PROP=VALUE... JAIL" and "[PROP] [JAIL]" as macros. */
static void mdoc_args(const char *s)
{
	while (*s) {
		size_t n = strcspn(s, " ");
		char buf[128], *w = buf, *end;
		bool optional, more;

		(void)snprintf(buf, sizeof(buf), "%.*s", (int)n, s);
		s += n;
		while (*s == ' ')
			s++;
		more = strlen(w) > 3 && strcmp(w + strlen(w) - 3, "...") == 0;
		if (more)
			w[strlen(w) - 3] = '\0';
		optional = *w == '[';
		if (optional) {
			w++;
			end = strchr(w, ']');
			if (end)
				*end = '\0';
		}
		printf("%s %s%s\n", optional ? ".Op Ar" : ".Ar", w, more ? " ..." : "");
	}
}

static void man_commands(void)
{
	for (int i = 0; i < CMD__COUNT; i++) {
		const struct cmd *c = &cmd_table[i];

		if (!shown(c))
			continue;
		printf(".Ss %s\n.Nm iocage Cm %s\n", c->name, c->name);
		if (c->opts->longs)
			printf(".Op Ar options\n");
		mdoc_args(c->args);
		printf(".Pp\n");
		mdoc_sentences(c->summary);
		if (*c->text)
			mdoc_sentences(c->text);
		if (!c->opts->longs)
			continue;
		printf(".Bl -tag -width indent\n");
		for (const struct opt *o = c->opts; o->longs; o++)
			mdoc_opt(o);
		printf(".El\n");
	}
}

static const char *type_name(const struct prop *p)
{
	switch (p->type) {
	case PT_BOOL:
		return "boolean";
	case PT_INT:
		return "number";
	case PT_RCTL:
		return "limit";
	default:
		return NULL;
	}
}

static void man_property(const struct prop *p)
{
	printf(".It Va %s\n", p->name);
	mdoc_sentences(p->help);
	if (p->type == PT_ENUM && p->choices) {
		printf("One of ");
		for (const char *s = p->choices; *s; s++) {
			if (*s == '|')
				printf(", ");
			else
				putchar(*s);
		}
		printf(".\n");
	} else if (p->type == PT_INT) {
		printf("A number from %ld to %ld.\n", p->min, p->max);
	} else if (type_name(p)) {
		printf("A %s.\n", type_name(p));
	}
	printf("Default: ");
	mdoc_word(*p->def ? p->def : "empty", strlen(*p->def ? p->def : "empty"));
	printf(".\n");
	if (p->flags & PF_READONLY)
		printf("Cannot be changed.\n");
	if (p->flags & PF_DEFAULTONLY)
		printf("Only for\n.Ar default .\n");
	if (p->flags & PF_STOPPED)
		printf("Can only be changed while the jail is down.\n");
	if (p->flags & PF_LIVE)
		printf("Changes at once in a jail that runs.\n");
	if (p->flags & PF_NOLINUX)
		printf("Kept, without effect on Linux.\n");
	else if (p->flags & PF_LATER)
		printf("Kept, without effect in this version.\n");
}

static void man_properties(void)
{
	for (int i = 0; i < PROP__COUNT; i++) {
		bool first = true;

		/* each group once, at its first member */
		for (int k = 0; k < i; k++)
			first = first && strcmp(prop_table[k].group, prop_table[i].group) != 0;
		if (!first)
			continue;
		printf(".Ss Properties: %s\n.Bl -tag -width indent\n", prop_table[i].group);
		for (int k = i; k < PROP__COUNT; k++)
			if (strcmp(prop_table[k].group, prop_table[i].group) == 0)
				man_property(&prop_table[k]);
		printf(".El\n");
	}
}

static int gen_man(const char *path)
{
	char line[4096];
	FILE *f = fopen(path, "re");

	if (!f) {
		fprintf(stderr, "docs_gen: %s: %s\n", path, strerror(errno));
		return 1;
	}
	while (fgets(line, sizeof(line), f)) {
		if (strcmp(line, ".\\\" @COMMANDS@\n") == 0)
			man_commands();
		else if (strcmp(line, ".\\\" @PROPERTIES@\n") == 0)
			man_properties();
		else
			fputs(line, stdout);
	}
	(void)fclose(f);
	return 0;
}

/* --- fuzz dictionary --- */

static void token(const char *s, int n, void *ctx)
{
	const char *prefix = ctx;

	printf("\"%s", prefix);
	for (; n > 0; n--, s++) {
		if (*s == '"' || *s == '\\')
			printf("\\%c", *s);
		else if ((unsigned char)*s < 0x20 || (unsigned char)*s > 0x7e)
			printf("\\x%02x", (unsigned char)*s);
		else
			putchar(*s);
	}
	printf("\"\n");
}

static void gen_dict(void)
{
	static char none[] = "", dash[] = "-", dashes[] = "--";
	static const char *const values[] = {
		"=",
		"|",
		",",
		"/",
		":",
		"none",
		"auto",
		"default",
		"ALL",
		"on",
		"off",
		"yes",
		"no",
		"true",
		"false",
		"DHCP",
		"accept_rtadv",
		"em0|10.0.0.5/24",
		"vnet0|2001:db8::1/64",
		"fe80::1%em0",
		"255.255.255.0",
		"vnet0:bridge0",
		"5,10t,20t",
		"02ff60d4d5a1 02ff60d4d5a2",
		"deny=8G",
		"throttle=1m",
		"tcp(80:8080)",
		"0-3",
	};

	for (int i = 0; i < CMD__COUNT; i++) {
		const struct cmd *c = &cmd_table[i];

		token(c->name, (int)strlen(c->name), none);
		for (const struct opt *o = c->opts; o->longs; o++) {
			for (const char *p = o->shorts; *p; p++)
				token(p, 1, dash);
			if (o->word)
				token(o->word, (int)strlen(o->word), dash);
			each(o->longs, token, dashes);
		}
	}
	for (int i = 0; i < PROP__COUNT; i++) {
		token(prop_table[i].name, (int)strlen(prop_table[i].name), none);
		if (prop_table[i].type == PT_ENUM)
			each(prop_table[i].choices, token, none);
	}
	for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++)
		token(values[i], (int)strlen(values[i]), none);
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	int r = 0;

	if (strcmp(what, "bash") == 0)
		gen_bash();
	else if (strcmp(what, "zsh") == 0)
		gen_zsh();
	else if (strcmp(what, "fish") == 0)
		gen_fish();
	else if (strcmp(what, "dict") == 0)
		gen_dict();
	else if (strcmp(what, "man") == 0 && argc == 3)
		r = gen_man(argv[2]);
	else {
		fprintf(stderr, "usage: docs_gen bash|zsh|fish|dict|man TEMPLATE\n");
		return 2;
	}
	return fflush(stdout) == 0 && !ferror(stdout) ? r : 1;
}
