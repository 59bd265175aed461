/* restart.h - which jails that ended by themselves are started again, and how often. Pure. */
#ifndef IOCAGE_CORE_RESTART_H
#define IOCAGE_CORE_RESTART_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

#define RESTARTS_MAX    5 /* within */
#define RESTARTS_WITHIN 60 /* seconds */

/* What is remembered of a jail's restarts: of those its user did not ask for. */
struct restarts {
	int64_t at[RESTARTS_MAX]; /* monotonic seconds, the oldest first */
	unsigned n;
	long pending; /* the process that is about to start the jail; 0: none */
	bool gave_up; /* it was one too many: the jail stays down */
};

/*
 * how: "reboot", "halt": root inside called reboot(2). "exit:STATUS", "signal:NUMBER", "end" (not known): its first process ended.
 * policy: value of the property restart. A halt is obeyed whatever it says, and so is a reboot.
 */
bool restart_wanted(const char *how, const char *policy);

/* One more, now. False: there were RESTARTS_MAX within RESTARTS_WITHIN seconds already, and gave_up is set. */
bool restart_note(struct restarts *r, int64_t now);

/* KEY=NUMBER lines. What does not belong there: -EINVAL, and *ret is all zero. */
void restart_format(const struct restarts *r, struct sbuf *b);
must_check int restart_parse(char *text, struct restarts *ret);

#endif
