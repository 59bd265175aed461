/* pty.h - the terminal of a command inside a jail: made there, and joined to ours by passing bytes. Internal. */
#ifndef IOCAGE_OS_LINUX_PTY_H
#define IOCAGE_OS_LINUX_PTY_H

#include <signal.h>
#include <stdbool.h>
#include <sys/ioctl.h>
#include <sys/types.h>
#include <termios.h>

#include "base/err.h"
#include "os/linux/streams.h"

/* What our side looks like, found before the command is started. */
struct pty_side {
	bool want; /* the command gets a terminal of the jail's own */
	bool tty[3]; /* which of our 0, 1, 2 are terminals */
	bool use[3]; /* which of the command's 0, 1, 2 become its terminal */
	bool raw; /* our terminal passes every key, ^C too */
	bool have_tio, have_size;
	struct termios tio;
	struct winsize size;
};

/* login: the command's 0, 1 and 2 all become a terminal, whatever ours are. */
void pty_look(bool login, struct pty_side *ret);

/*
 * In the command's process, inside the jail as its root: a new terminal from the jail's devpts, with our settings and
 * size. Both fds are the caller's.
 */
must_check int pty_make(const struct pty_side *side, int *ret_master, int *ret_slave, struct err *e);

/* In the command's process, a session leader: the terminal becomes its controlling one and its 0, 1, 2 as in use[]. */
must_check int pty_attach(const struct pty_side *side, int slave, struct err *e);

/* Signals that pty_relay() passes on; block them before the command is started. */
void pty_signals(sigset_t *ret);

/*
 * Until the process pidfd ends: pass bytes both ways, of the terminal (master -1: none) and of streams; window size, and signals read from sigfd. What
 * it said last is written before this returns. Our terminal is as before when it returns. Takes master, slave
 * and streams over and closes them.
 */
void pty_relay(const struct pty_side *side, struct streams *st, int pidfd, int master, int slave, int sigfd);

#endif
