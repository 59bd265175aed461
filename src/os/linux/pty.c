/* pty.c - a terminal inside the jail and the bytes between it and ours; the jail never holds a terminal of the host. */
#include "os/linux/pty.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/cleanup.h"

#define PTMX_MAJOR      5
#define PTMX_MINOR      2
#define KEY_EOF         "\004"
#define EOF_WAIT_MS     100 /* first repetition of ^D; doubled up to EOF_WAIT_MAX_MS */
#define EOF_WAIT_MAX_MS 1600
#define FOREIGN_WAIT_MS 200 /* how often to look whether our terminal is ours again */
#define LAST_WORDS_MAX  262144U /* more than a terminal holds: a busy background process must not keep us */

static bool is_stream(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && (S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode));
}

void pty_look(bool login, struct pty_side *ret)
{
	*ret = (struct pty_side){ .want = login };
	for (int i = 0; i < 3; i++) {
		ret->tty[i] = isatty(i);
		ret->use[i] = login || ret->tty[i];
		ret->want |= ret->tty[i];
		if (ret->tty[i] && !ret->have_size)
			ret->have_size = ioctl(i, TIOCGWINSZ, &ret->size) == 0;
	}
	ret->have_tio = ret->tty[0] && tcgetattr(0, &ret->tio) == 0;
	/* with a pipe behind us the terminal is shared with that program (a pager, say): leave its modes alone */
	ret->raw = ret->have_tio && !is_stream(1);
}

/* /dev is the jail's to change: take nothing but the real multiplexer. */
static int open_multiplexer(struct err *e)
{
	static const char *const names[] = { "/dev/ptmx", "/dev/pts/ptmx" };
	struct stat st;

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		int fd = open(names[i], O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);

		if (fd < 0)
			continue;
		if (fstat(fd, &st) == 0 && S_ISCHR(st.st_mode) && st.st_rdev == makedev(PTMX_MAJOR, PTMX_MINOR))
			return fd;
		close(fd);
	}
	return err_set(e, ENODEV, "the jail's /dev has no working ptmx, so a terminal cannot be made in it");
}

int pty_make(const struct pty_side *side, int *ret_master, int *ret_slave, struct err *e)
{
	_cleanup_close_ int master = open_multiplexer(e), slave = -1;
	struct termios tio;
	int unlock = 0;

	if (master < 0)
		return master;
	if (ioctl(master, TIOCSPTLCK, &unlock) < 0)
		return err_sys(e, "unlock the jail's terminal");
	slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (slave < 0)
		return err_sys(e, "open the jail's terminal");
	if (side->have_size)
		(void)ioctl(slave, TIOCSWINSZ, &side->size);
	if (side->have_tio)
		(void)tcsetattr(slave, TCSANOW, &side->tio);
	/* echo is for keys typed into it; our own terminal shows them itself when it is not raw, a pipe should not */
	if (!side->raw && tcgetattr(slave, &tio) == 0) {
		tio.c_lflag &= ~(tcflag_t)ECHO;
		(void)tcsetattr(slave, TCSANOW, &tio);
	}
	*ret_master = take_fd(&master);
	*ret_slave = take_fd(&slave);
	return 0;
}

int pty_attach(const struct pty_side *side, int slave, struct err *e)
{
	if (ioctl(slave, TIOCSCTTY, 0) < 0)
		return err_sys(e, "make the jail's terminal the controlling one");
	for (int i = 0; i < 3; i++)
		if (side->use[i] && dup2(slave, i) < 0)
			return err_sys(e, "attach the jail's terminal");
	return 0;
}

void pty_signals(sigset_t *ret)
{
	static const int list[] = { SIGINT,  SIGTERM, SIGHUP,  SIGQUIT,  SIGUSR1,  SIGUSR2,
		                    SIGALRM, SIGPIPE, SIGCONT, SIGWINCH, SIGVTALRM };

	sigemptyset(ret);
	for (size_t i = 0; i < sizeof(list) / sizeof(*list); i++)
		sigaddset(ret, list[i]);
}

struct keys {
	char buf[4096];
	size_t at, len; /* waiting: buf[at..len) */
};

struct relay {
	const struct pty_side *side;
	struct streams *st;
	int pidfd, master, slave, sigfd;
	int in, out; /* ours; -1: nothing to read any more, nowhere to write */
	bool ended; /* `in` came to its end, and it was no terminal: say ^D until the command ends */
	int eof_wait;
	struct keys to, from; /* to and from the jail */
};

static void set_raw(const struct pty_side *side)
{
	struct termios raw = side->tio;

	if (!side->raw)
		return;
	cfmakeraw(&raw);
	(void)tcsetattr(0, TCSANOW, &raw);
}

static void on_signal(struct relay *r)
{
	struct signalfd_siginfo si;
	struct winsize ws;
	int sig;

	if (read(r->sigfd, &si, sizeof(si)) != (ssize_t)sizeof(si))
		return;
	sig = (int)si.ssi_signo;
	if (sig == SIGPIPE)
		return;
	if (sig == SIGCONT) {
		set_raw(r->side);
	} else if (sig == SIGWINCH) {
		for (int i = 0; i < 3 && r->master >= 0; i++)
			if (r->side->tty[i] && ioctl(i, TIOCGWINSZ, &ws) == 0) {
				(void)ioctl(r->master, TIOCSWINSZ, &ws);
				break;
			}
	} else if ((sig == SIGINT || sig == SIGQUIT) && r->master >= 0 && !r->side->raw &&
	           ioctl(r->master, TIOCSIG, sig) == 0) {
		/* ^C at our terminal is ^C at theirs: for whoever is in front there */
	} else {
		(void)pidfd_send_signal(r->pidfd, sig, NULL, 0);
	}
}

/* Our terminal is gone: theirs goes too, and the kernel tells everybody on it. */
static void hang_up(struct relay *r)
{
	r->in = -1;
	r->to.at = r->to.len = 0;
	closep(&r->slave);
	closep(&r->master);
}

static void on_input(struct relay *r)
{
	struct termios tio;
	ssize_t n = read(r->in, r->to.buf, sizeof(r->to.buf));

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	r->to.at = 0;
	r->to.len = n > 0 ? (size_t)n : 0;
	if (n > 0)
		return;
	if (!r->side->tty[0]) {
		r->in = -1;
		r->ended = true;
		r->eof_wait = EOF_WAIT_MS / 2;
	} else if (n == 0 && !r->side->raw && tcgetattr(r->in, &tio) == 0) {
		r->to.buf[0] = KEY_EOF[0];
		r->to.len = 1;
	} else {
		hang_up(r);
	}
}

/*
 * A ^D counts only while a program reads lines, and is lost if it switches modes in between (shells do, around every
 * command). So it is said again as long as the command lives and has read everything before it.
 */
static void say_eof(struct relay *r)
{
	int unread = 0;

	if (r->master < 0 || r->to.len || (ioctl(r->slave, FIONREAD, &unread) == 0 && unread > 0))
		return;
	if (write(r->master, KEY_EOF, 1) == 1 && r->eof_wait < EOF_WAIT_MAX_MS)
		r->eof_wait *= 2;
}

/* false: it cannot be written any more. Waits for nothing. */
static bool push(struct keys *f, int fd)
{
	ssize_t n = write(fd, f->buf + f->at, f->len - f->at);

	if (n < 0 && errno != EAGAIN && errno != EINTR)
		return false;
	f->at += n > 0 ? (size_t)n : 0;
	if (f->at == f->len)
		f->at = f->len = 0;
	return true;
}

static void push_out(struct relay *r)
{
	if (r->out >= 0 && !push(&r->from, r->out))
		r->out = -1;
	if (r->out < 0)
		r->from.at = r->from.len = 0;
}

/* 1: something came, 0: nothing there, -1: never again */
static int pull(struct relay *r)
{
	ssize_t n = read(r->master, r->from.buf, sizeof(r->from.buf));

	if (n > 0) {
		r->from.at = 0;
		r->from.len = (size_t)n;
		if (r->out < 0)
			r->from.len = 0;
		return 1;
	}
	return n < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : -1;
}

static void last_words(struct relay *r)
{
	size_t total = 0;

	for (;;) {
		struct pollfd p[] = { { .fd = r->out, .events = POLLOUT }, { .fd = r->sigfd, .events = POLLIN } };

		while (r->from.len && r->out >= 0) {
			/* our output may not move: then a signal is meant for us, there is no command any more */
			if (poll(p, 2, -1) > 0 && (p[1].revents & POLLIN) && !(p[0].revents & POLLOUT))
				return;
			push_out(r);
		}
		if (r->master < 0 || total > LAST_WORDS_MAX || pull(r) <= 0)
			return;
		total += r->from.len;
	}
}

/* Another program of our pipeline (a pager) reads keys from the terminal we share: leave them to it. */
static bool keys_are_foreign(const struct relay *r)
{
	struct termios tio;

	return r->in == 0 && r->side->tty[0] && !r->side->raw && tcgetattr(0, &tio) == 0 && !(tio.c_lflag & ICANON);
}

enum { P_END, P_SIGNAL, P_IN, P_OUT, P_MASTER, P_STREAMS, P__COUNT = P_STREAMS + STREAMS_POLL };

/* false: the command has ended */
static bool turn(struct relay *r)
{
	bool foreign = keys_are_foreign(r);
	struct pollfd p[P__COUNT] = {
		[P_END] = { .fd = r->pidfd, .events = POLLIN },
		[P_SIGNAL] = { .fd = r->sigfd, .events = POLLIN },
		[P_IN] = { .fd = r->to.len || foreign ? -1 : r->in, .events = POLLIN },
		[P_OUT] = { .fd = r->from.len ? r->out : -1, .events = POLLOUT },
		[P_MASTER] = { .fd = r->master },
	};
	int n;

	if (!r->from.len)
		p[P_MASTER].events |= POLLIN;
	if (r->to.len)
		p[P_MASTER].events |= POLLOUT;
	streams_wants(r->st, p + P_STREAMS);
	n = poll(p, P__COUNT, r->ended ? r->eof_wait : foreign ? FOREIGN_WAIT_MS : -1);
	if (n < 0)
		return errno == EINTR;
	if (n == 0 && r->ended)
		say_eof(r);
	if (p[P_SIGNAL].revents)
		on_signal(r);
	if (p[P_OUT].revents)
		push_out(r);
	if (p[P_MASTER].revents & POLLOUT && r->to.len && !push(&r->to, r->master))
		r->to.at = r->to.len = 0;
	if (p[P_MASTER].revents & (POLLIN | POLLHUP | POLLERR) && !r->from.len && pull(r) < 0)
		hang_up(r);
	if (p[P_IN].revents)
		on_input(r);
	streams_turn(r->st, p + P_STREAMS);
	return !p[P_END].revents;
}

void pty_relay(const struct pty_side *side, struct streams *st, int pidfd, int master, int slave, int sigfd)
{
	struct relay r = { .side = side,
		           .st = st,
		           .pidfd = pidfd,
		           .master = master,
		           .slave = slave,
		           .sigfd = sigfd,
		           .in = -1,
		           .out = -1 };

	if (master >= 0) {
		(void)fcntl(master, F_SETFL, fcntl(master, F_GETFL) | O_NONBLOCK);
		r.in = side->use[0] ? 0 : -1;
		for (int i = 0; i < 3 && r.out < 0; i++)
			if (side->use[(i + 1) % 3])
				r.out = (i + 1) % 3; /* 1, 2, then 0: a terminal is open both ways */
		set_raw(side);
	}
	while (turn(&r))
		;
	last_words(&r);
	streams_end(st, sigfd);
	if (master >= 0 && side->raw)
		(void)tcsetattr(0, TCSANOW, &side->tio);
	closep(&r.slave);
	closep(&r.master);
}
