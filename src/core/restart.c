/* restart.c - which jails that ended by themselves are started again, and how often. Pure. */
#include "core/restart.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>

bool restart_wanted(const char *how, const char *policy)
{
	if (streq(how, "halt"))
		return false;
	if (streq(how, "reboot") || streq(policy, "on"))
		return true;
	return streq(policy, "on-failure") && !streq(how, "exit:0");
}

bool restart_note(struct restarts *r, int64_t now)
{
	unsigned kept = 0;

	/* a clock that began anew since is another boot's */
	for (unsigned i = 0; i < r->n; i++)
		if (r->at[i] <= now && now - r->at[i] < RESTARTS_WITHIN)
			r->at[kept++] = r->at[i];
	r->n = kept;
	r->gave_up = r->n == RESTARTS_MAX;
	if (r->gave_up)
		return false;
	r->at[r->n++] = now;
	return true;
}

void restart_format(const struct restarts *r, struct sbuf *b)
{
	if (r->pending)
		sbuf_addf(b, "pending=%ld\n", r->pending);
	if (r->gave_up)
		sbuf_add(b, "gave_up=1\n");
	for (unsigned i = 0; i < r->n; i++)
		sbuf_addf(b, "at=%" PRId64 "\n", r->at[i]);
}

static bool parse_line(char *line, struct restarts *ret)
{
	char *eq = strchr(line, '=');
	uint64_t v;

	if (!eq || !str_to_uint(eq + 1, 0, INT64_MAX, &v))
		return false;
	*eq = '\0';
	if (streq(line, "pending") && v <= INT_MAX)
		ret->pending = (long)v;
	else if (streq(line, "gave_up"))
		ret->gave_up = v != 0;
	else if (streq(line, "at") && ret->n < RESTARTS_MAX)
		ret->at[ret->n++] = (int64_t)v;
	else
		return false;
	return true;
}

int restart_parse(char *text, struct restarts *ret)
{
	*ret = (struct restarts){ 0 };
	for (char *rest = text, *line; (line = strsep(&rest, "\n"));)
		if (*line && !parse_line(line, ret)) {
			*ret = (struct restarts){ 0 };
			return -EINVAL;
		}
	return 0;
}
