/* cli.h - what all commands share: the open store, messages, questions, and the commands themselves. */
#ifndef IOCAGE_CLI_CLI_H
#define IOCAGE_CLI_CLI_H

#include <stdbool.h>
#include <stdio.h>

#include "cli/commands.h"
#include "core/prop.h"
#include "store/store.h"

struct cli {
	struct store st;
	bool opened;
	const struct cmd *cmd;
	char self[4096]; /* this program, absolute; "" = unknown */
	char libexec[4096]; /* where the helper programs are */
};

/* Commands return the exit status (0..255) or a negative errno with e filled; run.c prints e. */
typedef int (*cmd_fn)(struct cli *c, struct args *a, struct err *e);
#define C(name, group, words, flags, min, max, complete, summary) \
	int cmd_##name(struct cli *c, struct args *a, struct err *e);
#include "cli/cmd_list.h"
#undef C

/* The whole program: argv to exit status. */
int cli_main(int argc, char **argv);

/* --- common.c --- */
/* Open the store of the environment; make: create what is missing. */
must_check int cli_open(struct cli *c, bool make, struct err *e);
/* Where this program and its helpers are. */
void cli_find_self(struct cli *c, const char *argv0);

void info(const char *fmt, ...) printf_like(1, 2); /* a line on stdout */
void warning(const char *fmt, ...) printf_like(1, 2); /* a line on stderr */
void report(const struct err *e); /* its lines on stderr */
must_check int print_sbuf(const struct sbuf *b, struct err *e); /* to stdout, all of it or an error */

/* "TEXT [y/N]: " until answered. 0: *ret_yes is the answer; -ECANCELED on end of input, e is "Aborted!". */
must_check int confirm(const char *text, bool *ret_yes, struct err *e);

/* Full name of the jail meant by `given` (exact: no prefixes). Owned by caller. */
must_check int resolve_jail(struct cli *c, const char *given, bool exact, char **ret, struct err *e);

/* A usage error: exit 2 and how the command is used. */
#define usage_err(e, ...) err_class((e), ERR_USAGE, EINVAL, __VA_ARGS__)

/*
 * Does a jail run (start went to its end, its first process lives, and so does its monitor): 1 or 0. Negative: it cannot be told,
 * and nobody takes it for down; e says why, and what to do. st may be NULL; all zero when there is no state, or none that can be read.
 * One whose monitor was killed counts as down: nobody answers for its sockets or would clean up after it. What is left
 * of it stays held by the kernel until the next command that may change the jail ends it (start, stop, exec, console, destroy, gc).
 */
must_check int jail_running(struct cli *c, const char *jail, struct state *st, struct err *e);
/* Adds to e what to do when a jail's state or journal cannot be read. Returns what err_hint() does. */
int hint_untold(const char *jail, struct err *e);
/* For what only shows it: as jail_running(), with the reason as a line on stderr. */
must_check int jail_shown(struct cli *c, const char *jail, struct state *st);
/* What it says as list and get show it: up, down, N/A. */
const char *state_word(int shown);
/* The same of a state that was read; e as os_jail_alive() leaves it. */
must_check int state_up(const struct state *st, struct err *e);
must_check int state_unheld(const struct state *st, struct err *e); /* its processes run, its monitor does not */
/*
 * What a jail that runs learned by DHCP (family 4) or from routers (6), in the form of its property: epair0b|10.0.0.5,...
 * NULL: nothing yet, or the caller may not look. Owned by the caller.
 */
char *learned_addrs(const struct conf *c, pid_t pid, int family);
/* The address that a jail behind NAT was given, as nat's NIC is called inside: epair0b|10.1.2.2/30. Allocated; NULL: none. */
char *nat_shown(struct store *s, const struct conf *c, const char *jail);
bool learns_any(const struct conf *c, int family); /* does the configuration ask for such an address */
void warn_unheld(const char *jail, const struct state *st); /* a line on stderr if that is so */
/* Of one that is down: a line on stderr if it ended too often to be started again, or is about to be. */
void warn_restarts(struct cli *c, const char *jail);
bool restarts_underway(const struct restarts *rs); /* the process that is about to start the jail is there */

/*
 * The names a command acts on: those given (prefixes resolved), every jail for ALL, those with boot=on for rc; templates
 * are left out of ALL and rc. Ordered by priority then name, or the reverse, unless names were given.
 */
must_check int select_jails(struct cli *c, const struct args *a, bool falling, struct strv *ret, bool *ret_many,
                            struct err *e);

/* --- usage.c --- */
/* A table on stdout: what bounds the jail (key: the one property, or "all"), and what it takes now; "-": not known, or down. */
must_check int print_usage(struct cli *c, const struct config *cfg, const char *key, bool script, struct err *e);

/* --- help.c --- */
void help_all(FILE *f);
void help_cmd(const struct cmd *cmd, FILE *f);
void help_usage(const struct cmd *cmd, FILE *f); /* two lines for usage errors */

/* --- known.c --- */
/* Names of releases that can be fetched by name, those that release_is_known() knows. */
must_check int known_releases(struct strv *ret);
/* "latest" or nothing given: what corresponds to this host. */
const char *host_release(void);
/* Fetch it, showing progress. quiet when it is here already (returns 0). */
must_check int fetch_release(struct cli *c, struct fetch_req *req, struct err *e);

/* --- assign.c --- */
/* One PROP=VALUE of create or set. */
struct assign {
	char *key, *value; /* value in stored form */
	enum prop_id id;
	bool dynamic;
};

struct assigns {
	struct assign *v;
	size_t n;
};

/*
 * Check PROP=VALUE words (n of them) against the table; all before anything is changed. defaults: the target is
 * `default`. Words without '=' are an error.
 */
must_check int assigns_parse(char *const *words, size_t n, bool defaults, struct assigns *ret, struct err *e);
void assigns_done(struct assigns *a);
/* Generate and store vnetN_mac for NICs of a vnet jail that have none. */
must_check int assign_macs(struct cli *c, struct config *cfg, struct err *e);

#endif
