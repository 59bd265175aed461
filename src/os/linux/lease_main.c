/* lease_main.c - the program iocage-lease: keeps a VNET jail's DHCP leases with one udhcpc per NIC, and is their hook. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "os/linux/lease.h"

#define CLIENTS_MAX 64
#define AGAIN_MS    2000 /* a client that ended is started again after this */
#define RELEASE_MS  1500 /* for the clients to give their leases back */
#define METRIC      1024 /* of the first NIC's default route: behind any that was set by hand */

struct client {
	const char *link;
	pid_t pid; /* 0: not running */
	int pidfd;
	int64_t start_at; /* when pid is 0 */
	bool fresh; /* what it says first is that it has nothing */
	bool bound;
	struct lease lease;
};

static struct keeper {
	struct client c[CLIENTS_MAX];
	size_t n;
	const char *host;
	struct lease_routing routing;
	int hook[2]; /* ours, the clients' */
	int start, root; /* -1: the starter has gone; no resolv.conf is to be written (yet) */
} keeper = { .start = LEASE_FD_START, .root = -1 };

static int64_t now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* --- clients --- */

static void become_client(const struct client *c)
{
	char addr[IPADDR_TEXT];
	_cleanup_free_ char *name = strf("hostname:%s", keeper.host);
	const char *argv[24] = { "busybox",
		                 "udhcpc",
		                 "-f",
		                 "-R",
		                 "-i",
		                 c->link,
		                 "-t",
		                 "4",
		                 "-T",
		                 "1",
		                 "-A",
		                 "5",
		                 "-O",
		                 "search",
		                 "-s",
		                 LEASE_HOOK,
		                 name ? "-x" : NULL,
		                 name };
	static char *const env[] = { (char *)"PATH=/usr/sbin:/usr/bin:/sbin:/bin", NULL };
	int say = fcntl(keeper.hook[1], F_DUPFD, 20), null = open("/dev/null", O_RDWR | O_CLOEXEC);
	struct err ignored = ERR_INIT;
	size_t n = 16;

	while (argv[n])
		n++;
	if (c->bound) {
		argv[n++] = "-r";
		argv[n] = ipaddr_format_host(&c->lease.addr, addr);
	}
	if (dup2(null, 0) < 0 || dup2(null, 1) < 0 || dup2(null, 2) < 0 || dup2(say, LEASE_FD_HOOK) < 0 ||
	    close_range(3, LEASE_FD_HOOK - 1, 0) < 0 || close_range(LEASE_FD_HOOK + 1, ~0U, 0) < 0 ||
	    lease_client_caps(&ignored) < 0)
		_exit(127);
	execve(LEASE_BUSYBOX, (char *const *)(uintptr_t)argv, env);
	_exit(127);
}

static void start_client(struct client *c)
{
	pid_t keeper_pid = getpid();

	c->fresh = true;
	c->pid = fork();
	if (c->pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != keeper_pid)
			_exit(1);
		become_client(c);
	}
	c->pidfd = c->pid > 0 ? (int)syscall(SYS_pidfd_open, c->pid, 0) : -1;
	if (c->pid < 0) {
		c->pid = 0;
		c->start_at = now_ms() + AGAIN_MS;
	}
}

static void reap(struct client *c)
{
	if (waitpid(c->pid, NULL, WNOHANG) != c->pid)
		return;
	closep(&c->pidfd);
	c->pid = 0;
	c->start_at = now_ms() + AGAIN_MS;
}

static void start_due(void)
{
	for (size_t i = 0; i < keeper.n; i++)
		if (!keeper.c[i].pid && now_ms() >= keeper.c[i].start_at)
			start_client(&keeper.c[i]);
}

/* Milliseconds until a client is to be started; -1: all run. */
static int patience(void)
{
	int64_t least = -1;

	for (size_t i = 0; i < keeper.n; i++) {
		int64_t left = keeper.c[i].start_at - now_ms();

		if (!keeper.c[i].pid && (least < 0 || left < least))
			least = left > 0 ? left : 0;
	}
	return (int)least;
}

/* --- what they got --- */

static void write_resolv(void)
{
	_cleanup_(sbuf_done) struct sbuf text = { 0 };
	const struct lease *l[CLIENTS_MAX];
	struct err ignored = ERR_INIT;

	for (size_t i = 0; i < keeper.n; i++)
		l[i] = keeper.c[i].bound ? &keeper.c[i].lease : NULL;
	lease_resolv(l, keeper.n, &text);
	/* leases without name servers leave what is there; a jail that locked the file wants it as it is */
	if (keeper.root >= 0 && text.len && !text.failed)
		(void)!write_in_root(keeper.root, "/etc/resolv.conf", text.p, text.len, &ignored);
}

static struct client *client_of(const char *link)
{
	for (size_t i = 0; i < keeper.n; i++)
		if (streq(keeper.c[i].link, link))
			return &keeper.c[i];
	return NULL;
}

static void got(const char *text)
{
	struct err ignored = ERR_INIT;
	struct lease l;
	struct client *c = lease_parse(text, &l, &ignored) == 0 ? client_of(l.ifname) : NULL;

	if (!c)
		return;
	keeper.routing.metric = METRIC + (unsigned)(c - keeper.c);
	/* when something inside took our address away meanwhile, it is put back */
	(void)!lease_apply(c->bound ? &c->lease : NULL, &l, &keeper.routing, &ignored);
	c->fresh = false;
	c->bound = true;
	c->lease = l;
	write_resolv();
}

static void lost(const char *text)
{
	const char *line = strstr(text, "interface=");
	struct err ignored = ERR_INIT;
	char link[IFNAME_CAP] = "";
	struct client *c;
	size_t n;

	if (!line)
		return;
	line += strlen("interface=");
	n = strcspn(line, "\n");
	if (n >= sizeof(link))
		return;
	memcpy(link, line, n);
	c = client_of(link);
	if (!c || !c->bound)
		return;
	/* a client that was started again asks for what its predecessor had: the kernel knows how long that is valid */
	if (c->fresh) {
		c->fresh = false;
		return;
	}
	keeper.routing.metric = METRIC + (unsigned)(c - keeper.c);
	(void)!lease_apply(&c->lease, NULL, &keeper.routing, &ignored);
	c->bound = false;
	write_resolv();
}

static void hear_hook(void)
{
	char msg[LEASE_TEXT_MAX + 32], *nl;
	ssize_t n = recv(keeper.hook[0], msg, sizeof(msg) - 1, MSG_DONTWAIT);

	if (n <= 0)
		return;
	msg[n] = '\0';
	nl = strchr(msg, '\n');
	if (!nl)
		return;
	*nl = '\0';
	if (streq(msg, "bound") || streq(msg, "renew"))
		got(nl + 1);
	else if (streq(msg, "deconfig"))
		lost(nl + 1);
}

/* --- life --- */

/* false: the start has failed, and what it began ends. */
static bool hear_starter(void)
{
	int fds[1] = { -1 };
	char c = 0;
	ssize_t n = sync_recv(keeper.start, &c, 1, fds, 1);

	if (n != 1 || c != 'r')
		return false;
	keeper.root = fds[0];
	write_resolv();
	(void)send(keeper.start, "k", 1, MSG_NOSIGNAL);
	close(keeper.start);
	keeper.start = -1;
	return true;
}

/* Tell the servers, while there is a network to do so. */
static void give_back(void)
{
	int64_t until = now_ms() + RELEASE_MS;

	for (size_t i = 0; i < keeper.n; i++)
		if (keeper.c[i].pid)
			(void)kill(keeper.c[i].pid, SIGTERM);
	for (size_t i = 0; i < keeper.n; i++) {
		struct pollfd p = { .fd = keeper.c[i].pidfd, .events = POLLIN };
		int64_t left = until - now_ms();

		if (!keeper.c[i].pid)
			continue;
		if (p.fd < 0 || poll(&p, 1, left > 0 ? (int)left : 0) <= 0)
			(void)kill(keeper.c[i].pid, SIGKILL);
		(void)waitpid(keeper.c[i].pid, NULL, 0);
	}
}

/* Whoever restored the rules by which the kernel learns of leases wants them told again. */
static void ask_again(void)
{
	for (size_t i = 0; i < keeper.n; i++) {
		struct client *c = &keeper.c[i];

		if (!c->pid)
			continue;
		/* what it says before it ends is not lost: it is in our socket */
		(void)kill(c->pid, SIGKILL);
		(void)waitpid(c->pid, NULL, 0);
		closep(&c->pidfd);
		start_client(c);
	}
}

/* false: this is the end. Who waits for it hears of it by the end of the connection, which is open until ours. */
static bool hear_control(void)
{
	int c = accept4(LEASE_FD_CONTROL, NULL, NULL, SOCK_CLOEXEC);
	struct timeval limit = { .tv_usec = 500 * 1000 };
	char what = 0;

	if (c < 0)
		return true;
	(void)setsockopt(c, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	if (recv(c, &what, 1, 0) != 1 || what != LEASE_ASK)
		return false;
	ask_again();
	close(c);
	return true;
}

static int keep(void)
{
	struct pollfd p[4 + CLIENTS_MAX];

	for (;;) {
		start_due();
		p[0] = (struct pollfd){ .fd = LEASE_FD_JAIL, .events = POLLIN };
		p[1] = (struct pollfd){ .fd = LEASE_FD_CONTROL, .events = POLLIN };
		p[2] = (struct pollfd){ .fd = keeper.start, .events = POLLIN };
		p[3] = (struct pollfd){ .fd = keeper.hook[0], .events = POLLIN };
		for (size_t i = 0; i < keeper.n; i++)
			p[4 + i] = (struct pollfd){ .fd = keeper.c[i].pid ? keeper.c[i].pidfd : -1, .events = POLLIN };
		if (poll(p, 4 + keeper.n, patience()) < 0 && errno != EINTR)
			return 1;
		if (p[3].revents)
			hear_hook();
		for (size_t i = 0; i < keeper.n; i++)
			if (p[4 + i].revents)
				reap(&keeper.c[i]);
		if (p[0].revents || (p[1].revents && !hear_control()) || (p[2].revents && !hear_starter())) {
			give_back();
			return 0;
		}
	}
}

int main(int argc, char **argv)
{
	struct err e = ERR_INIT;

	if (argc < 5 || !streq(argv[1], "keep") || argc - 4 > CLIENTS_MAX) {
		fprintf(stderr, "iocage-lease is started by iocage itself\n");
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	umask(0022);
	keeper.host = argv[2];
	keeper.routing.none = streq(argv[3], "none");
	if (*argv[3] && !keeper.routing.none && ipaddr_parse(argv[3], 4, &keeper.routing.router, NULL) < 0)
		return 2;
	for (int i = LEASE_FD_START; i < LEASE_FD_END; i++)
		(void)fcntl(i, F_SETFD, FD_CLOEXEC);
	for (int i = 4; i < argc; i++)
		keeper.c[keeper.n++] = (struct client){ .link = argv[i], .pidfd = -1 };
	/* nobody hears why; the start says that there is no address */
	if (lease_confine(&e) < 0)
		return 1;
	if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, keeper.hook) < 0)
		return 1;
	return keep();
}
