/* opt.h - command line options: what a command takes, and what was given. Needs nothing but strings. */
#ifndef IOCAGE_CLI_OPT_H
#define IOCAGE_CLI_OPT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/* One number for each meaning; commands share them. */
enum opt_id {
	OPT_ALL,
	OPT_BASEJAIL,
	OPT_BASEJAILS,
	OPT_BATCH_EOL,
	OPT_BATCH_NO_EOL,
	OPT_BATCH_NO_UPDATE,
	OPT_BATCH_NO_VERIFY,
	OPT_BATCH_UPDATE,
	OPT_BATCH_VERIFY,
	OPT_CLONE_BASEJAIL,
	OPT_COUNT,
	OPT_DEBUG,
	OPT_DIR,
	OPT_DOWNLOAD,
	OPT_DRY_RUN,
	OPT_FIX,
	OPT_EMPTY,
	OPT_FILE,
	OPT_FORCE,
	OPT_HEADER,
	OPT_HOST_USER,
	OPT_IGNORE,
	OPT_JAIL_USER,
	OPT_JID,
	OPT_JSON,
	OPT_KEEP_PROXY,
	OPT_LISTEN,
	OPT_LONG,
	OPT_NAME,
	OPT_PKGLIST,
	OPT_POOL,
	OPT_PROXY,
	OPT_QUICK,
	OPT_RC,
	OPT_RECURSIVE,
	OPT_RELEASE,
	OPT_REMOTE,
	OPT_SERVER,
	OPT_SHA256,
	OPT_SHORT,
	OPT_SOFT,
	OPT_SORT,
	OPT_STATE,
	OPT_TEMPLATE,
	OPT_THICK,
	OPT_THICKCONFIG,
	OPT_USE,
	OPT_UUID,
	OPT_VERSION,
	OPT__COUNT,
};

struct opt {
	enum opt_id id;
	const char *shorts; /* each letter is a name: "hH"; "" = none */
	const char *longs; /* names joined by '|': "release|base"; "" = none; NULL ends a list */
	const char *word; /* more letters behind one dash: "NV"; NULL = none */
	const char *arg; /* what the value is called, NULL: a flag */
	const char *help; /* one line */
};

/* What was given. Strings are argv's own. */
struct args {
	unsigned count[OPT__COUNT];
	const char *val[OPT__COUNT]; /* the last value of an option with an argument */
	const char **vals; /* all values of all options, in order, with the option each belongs to */
	enum opt_id *val_ids;
	size_t nvals;
	char **pos; /* NULL-terminated */
	size_t npos;
	bool help; /* --help came first or somewhere between: nothing after it was looked at */
};

enum opt_mode {
	OPT_MIXED, /* options anywhere */
	OPT_PASS, /* after the second positional everything is positional; an unknown option after the first begins it */
	OPT_FIRST, /* options stop at the first positional */
};

/*
 * Sort argv[0..argc) into ret (args_done frees it). Errors are of class ERR_USAGE with the sentence to show after
 * "Error: ".
 */
must_check int opt_parse(const struct opt *opts, enum opt_mode mode, int argc, char **argv, struct args *ret,
                         struct err *e);
void args_done(struct args *a);

static inline bool args_has(const struct args *a, enum opt_id id)
{
	return a->count[id] > 0;
}

/* First of the '|'-joined names: "release" of "release|base". Returns its length, *ret its begin. */
size_t opt_long_first(const struct opt *o, const char **ret);

#endif
