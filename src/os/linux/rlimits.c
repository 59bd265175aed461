/* rlimits.c - the limits of a jail's processes, the same whoever starts them: setrlimit(2). */
#include "os/linux/rlimits.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/str.h"

#define INF RLIM_INFINITY
#define MIB (1024UL * 1024UL)

/* What a process begins with, and the most that it can have. */
static const struct {
	const char *word;
	int id;
	rlim_t soft, hard;
} table[RLIMITS] = {
	{ "cpu", RLIMIT_CPU, INF, INF },
	{ "fsize", RLIMIT_FSIZE, INF, INF },
	{ "data", RLIMIT_DATA, INF, INF },
	{ "stack", RLIMIT_STACK, 8 * MIB, INF },
	{ "core", RLIMIT_CORE, 0, INF },
	{ "rss", RLIMIT_RSS, INF, INF },
	{ "nproc", RLIMIT_NPROC, INF, INF }, /* of each user; all of the jail's: maxproc */
	{ "nofile", RLIMIT_NOFILE, 1024, 524288 }, /* more than 1024 breaks select(2) where it is not expected */
	{ "memlock", RLIMIT_MEMLOCK, 8 * MIB, 8 * MIB },
	{ "as", RLIMIT_AS, INF, INF },
	{ "locks", RLIMIT_LOCKS, INF, INF },
	{ "sigpending", RLIMIT_SIGPENDING, 16384, 16384 },
	{ "msgqueue", RLIMIT_MSGQUEUE, 819200, 819200 },
	{ "nice", RLIMIT_NICE, 0, 0 },
	{ "rtprio", RLIMIT_RTPRIO, 0, 0 },
	{ "rttime", RLIMIT_RTTIME, INF, INF },
};

/* WORD=NUMBER or WORD=max. */
static int change(struct rlimits *l, const char *word, struct err *e)
{
	const char *eq = strchr(word, '=');
	uint64_t n = UINT64_MAX;

	if (!eq || (!streq(eq + 1, "max") && !str_to_uint(eq + 1, 0, UINT64_MAX, &n)))
		return err_set(e, EINVAL, "not a limit of processes: %s", word);
	for (size_t i = 0; i < RLIMITS; i++) {
		struct rlimit *r = &l->v[table[i].id];

		if (strlen(table[i].word) != (size_t)(eq - word) ||
		    strncmp(table[i].word, word, (size_t)(eq - word)) != 0)
			continue;
		r->rlim_max = n == UINT64_MAX ? INF : n;
		/* "max" is for what has one value, unless programs count on less at their beginning */
		r->rlim_cur = table[i].soft == table[i].hard || r->rlim_cur > r->rlim_max ? r->rlim_max : r->rlim_cur;
		return 0;
	}
	return err_set(e, EINVAL, "not a limit of processes: %s", word);
}

int rlimits_parse(const char *text, struct rlimits *ret, struct err *e)
{
	_cleanup_(strv_done) struct strv words = { 0 };
	int r = 0;

	for (size_t i = 0; i < RLIMITS; i++)
		ret->v[table[i].id] = (struct rlimit){ table[i].soft, table[i].hard };
	if (text && strv_split(&words, text, " ") < 0)
		return err_oom(e);
	for (size_t i = 0; i < words.n && r == 0; i++)
		r = change(ret, words.v[i], e);
	return r;
}

void rlimits_raise(const struct rlimits *l)
{
	for (int i = 0; i < RLIMITS; i++) {
		struct rlimit has, want;

		if (getrlimit(i, &has) < 0)
			continue;
		want.rlim_cur = want.rlim_max = has.rlim_max > l->v[i].rlim_max ? has.rlim_max : l->v[i].rlim_max;
		has.rlim_cur = has.rlim_max;
		/* a system has its own most, as fs.nr_open */
		if (setrlimit(i, &want) < 0)
			(void)!setrlimit(i, &has);
	}
}

void rlimits_of_ours(void)
{
	struct err ignored = ERR_INIT;
	struct rlimits l;

	if (rlimits_parse(NULL, &l, &ignored) == 0)
		rlimits_raise(&l);
}

int rlimits_set(const struct rlimits *l, struct err *e)
{
	for (int i = 0; i < RLIMITS; i++) {
		struct rlimit has, want = l->v[i];

		if (getrlimit(i, &has) < 0)
			return err_sys(e, "look at limit %s of the jail's processes", table[i].word);
		if (want.rlim_max > has.rlim_max)
			want.rlim_max = has.rlim_max;
		if (want.rlim_cur > want.rlim_max)
			want.rlim_cur = want.rlim_max;
		if (setrlimit(i, &want) < 0)
			return err_sys(e, "set limit %s of the jail's processes", table[i].word);
	}
	return 0;
}
