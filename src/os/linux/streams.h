/* streams.h - the standard streams of a command in a jail: pipes of its own, joined to ours by passing bytes. Internal. */
#ifndef IOCAGE_OS_LINUX_STREAMS_H
#define IOCAGE_OS_LINUX_STREAMS_H

#include <poll.h>
#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"

/* One direction of one stream. Neither end is ever waited for. */
struct flow {
	int from, to; /* -1: none, or its end was reached */
	bool socket; /* our end is one */
	bool eager; /* our end never keeps us: what was read may be written without asking */
	char *buf;
	size_t at, len; /* waiting: buf[at..len) */
};
#define FLOW_SIZE 65536U

struct streams {
	int theirs[3]; /* the command's ends of its pipes; -1: another takes the place */
	bool null[3]; /* ours is /dev/null: theirs is the jail's own, if that is what it should be */
	bool joined; /* 1 and 2 are one file on our side: so they are on theirs, that lines keep their order */
	struct flow in, out[2]; /* 0 to them; 1 and 2 from them */
	int unread; /* what the command did not read of an input that came to its end; -1: it did not */
	bool file; /* our input is a file: what was not read of it stays */
};
#define STREAMS_INIT                                                                        \
	{                                                                                   \
		.theirs = { -1, -1, -1 }, .in = { .from = -1, .to = -1 },                   \
		.out = { { .from = -1, .to = -1 }, { .from = -1, .to = -1 } }, .unread = -1 \
	}

/*
 * A pipe for each of our 0, 1, 2 that skip does not name (those become a terminal); owner: the jail's root on the host. In case of
 * an error all is closed again.
 */
must_check int streams_open(struct streams *s, const bool skip[3], uid_t owner, struct err *e);
/* In the command's process: 0, 1, 2 are its ends from here on. Those of skip are /dev/null until a terminal takes their place. */
must_check int streams_place(struct streams *s, const bool skip[3], struct err *e);
/* In the command's process, inside as its root: to whom they belong, and where ours is /dev/null the jail's own. */
must_check int streams_settle(const struct streams *s, const bool skip[3], uid_t uid, struct err *e);
/* On our side, when the command's process was made. */
void streams_close_theirs(struct streams *s);
/*
 * When the command has ended: what it wrote is written, as long as we can and sigfd says nothing. What others write from then on,
 * to pipes they got from it, meets a closed pipe. A file that was our input is left where the command stopped reading.
 */
void streams_end(struct streams *s, int sigfd);
void streams_done(struct streams *s);

/* Places in what poll(2) looks at, filled in; and what is done with its answer. */
#define STREAMS_POLL 6

void streams_wants(const struct streams *s, struct pollfd p[static STREAMS_POLL]);
void streams_turn(struct streams *s, const struct pollfd p[static STREAMS_POLL]);

#endif
