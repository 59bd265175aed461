/* minijail.c - the least shared-IP jail: cgroup, view namespace, user namespace, filter and broker, around one command. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "os/linux/broker_filter.h"
#include "os/linux/cgroup.h"
#include "os/linux/shared.h"

/*
 * minijail NAME INTERFACE HOLD COMMAND...: run it in the network namespace that shall be the host. HOLD is the text of
 * the `hold` operation. The aliases on INTERFACE are the caller's business. MINIJAIL_TIME=1 prints costs to stderr;
 * MINIJAIL_LIBEXEC is where iocage-bpf is.
 */

#define UID_BASE 1000000

static _Noreturn void die(const char *what, const struct err *e)
{
	fprintf(stderr, "minijail: %s: %s\n", what, e && e->code ? e->msg : strerror(errno));
	exit(125);
}

static double now_us(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		die(path, NULL);
	(void)close(fd);
}

/* Make DIR/{jail,mon} and enter mon. */
static char *make_group(const char *name)
{
	char *dir = NULL, *procs = NULL;
	const char *mnt;
	struct err e = ERR_INIT;

	if (cgroup_mount(&mnt, &e) < 0)
		die("cgroup", &e);
	if (asprintf(&dir, "%s/ioc-lab", mnt) < 0)
		die("memory", NULL);
	(void)mkdir(dir, 0755);
	if (asprintf(&dir, "%s/ioc-lab/%s", mnt, name) < 0 || (mkdir(dir, 0755) < 0 && errno != EEXIST))
		die(dir, NULL);
	for (int i = 0; i < 2; i++) {
		if (asprintf(&procs, "%s/%s", dir, i ? "mon" : "jail") < 0 ||
		    (mkdir(procs, 0755) < 0 && errno != EEXIST))
			die(procs, NULL);
	}
	if (asprintf(&procs, "%s/mon/cgroup.procs", dir) < 0)
		die("memory", NULL);
	put(procs, "0");
	return dir;
}

/* A view namespace with the interface and the jail's addresses. */
static int make_view(const char *ifname, const struct hold *h)
{
	int home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC), s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0),
	    ns;
	struct err e = ERR_INIT;
	struct ifreq r;
	struct op op = { .kind = OP_VIEW_ADD, .link = ifname };
	pid_t pid;

	memset(&r, 0, sizeof(r));
	(void)snprintf(r.ifr_name, sizeof(r.ifr_name), "%s", ifname);
	op.index = if_nametoindex(ifname);
	if (ioctl(s, SIOCGIFMTU, &r) == 0)
		op.mtu = (uint32_t)r.ifr_mtu;
	if (ioctl(s, SIOCGIFHWADDR, &r) == 0)
		memcpy(op.mac.b, r.ifr_hwaddr.sa_data, 6);
	op.mac.set = true;
	if (ioctl(s, SIOCGIFFLAGS, &r) == 0)
		op.flags = (uint16_t)r.ifr_flags;
	(void)close(s);
	if (unshare(CLONE_NEWNET) < 0)
		die("unshare", NULL);
	ns = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (setns(home, CLONE_NEWNET) < 0)
		die("setns", NULL);
	if (view_lo(ns, &e) < 0 || view_add(ns, &op, &e) < 0)
		die("view", &e);
	pid = fork();
	if (pid == 0) {
		_cleanup_(sbuf_done) struct sbuf cmds = { 0 };
		char a[INET6_ADDRSTRLEN];
		int p[2];

		if (setns(ns, CLONE_NEWNET) < 0)
			die("setns", NULL);
		for (uint32_t i = 0; h->ip4 == IP_NEW && i < h->n4; i++)
			sbuf_addf(&cmds, "address add %s/32 dev %s\n", inet_ntop(AF_INET, h->a4[i], a, sizeof(a)),
			          ifname);
		for (uint32_t i = 0; h->ip6 == IP_NEW && i < h->n6; i++)
			sbuf_addf(&cmds, "address add %s/128 dev %s nodad\n",
			          inet_ntop(AF_INET6, h->a6[i], a, sizeof(a)), ifname);
		if (pipe(p) < 0 || write(p[1], cmds.p ? cmds.p : "", cmds.len) != (ssize_t)cmds.len)
			die("pipe", NULL);
		(void)dup2(p[0], 0);
		(void)close(p[0]);
		(void)close(p[1]);
		(void)execl("/usr/sbin/ip", "ip", "-batch", "-", NULL);
		die("ip", NULL);
	}
	(void)waitpid(pid, NULL, 0);
	(void)close(home);
	return ns;
}

/* The filter that another part of the program generates, in plain BPF; natives only. */
static int install_filter(bool raw)
{
	static const struct {
		int nr, arg;
		unsigned value;
	} rules[] = {
#define SYS_socketcall      (-1)
#define X(call, arg, value) { SYS_##call, arg, value },
		BROKER_NOTIFY(X) BROKER_NOTIFY_RAW(X)
#undef X
	};
	struct sock_filter f[4 + 8 * (sizeof(rules) / sizeof(rules[0]))];
	struct sock_fprog prog = { 0, f };
	unsigned short n = 0;

	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		if (rules[i].nr < 0 || (!raw && rules[i].nr == SYS_sendto))
			continue;
		f[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
		f[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)rules[i].nr, 0,
		                                      rules[i].arg < 0 ? 1 : 3);
		if (rules[i].arg >= 0) {
			f[n++] = (struct sock_filter)BPF_STMT(
				BPF_LD | BPF_W | BPF_ABS,
				(unsigned)(offsetof(struct seccomp_data, args) + 8 * (size_t)rules[i].arg));
			f[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, rules[i].value, 0, 1);
		}
		f[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF);
	}
	f[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	prog.len = n;
	return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
	                    SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, &prog);
}

static void send_fd(int via, int fd)
{
	char c = 0, room[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec v = { &c, 1 };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = room, .msg_controllen = sizeof(room) };
	struct cmsghdr *h = CMSG_FIRSTHDR(&m);

	h->cmsg_level = SOL_SOCKET;
	h->cmsg_type = SCM_RIGHTS;
	h->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(h), &fd, sizeof(fd));
	if (sendmsg(via, &m, 0) < 0)
		die("sendmsg", NULL);
}

static int recv_fd(int via)
{
	char c, room[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec v = { &c, 1 };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = room, .msg_controllen = sizeof(room) };
	int fd = -1;

	if (recvmsg(via, &m, MSG_CMSG_CLOEXEC) > 0 && CMSG_FIRSTHDR(&m))
		memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(fd));
	return fd;
}

/* In the child: wait for our ids, become root of them, and run. */
static _Noreturn void inside(int via, int view, const char *group, bool raw, char **argv)
{
	char *procs, c;
	int listener;

	if (asprintf(&procs, "%s/jail/cgroup.procs", group) < 0)
		die("memory", NULL);
	put(procs, "0");
	if (setns(view, CLONE_NEWNET) < 0 || unshare(CLONE_NEWUSER | CLONE_NEWIPC) < 0)
		die("namespaces", NULL);
	if (write(via, "u", 1) != 1 || read(via, &c, 1) != 1)
		die("parent", NULL);
	if (setgid(0) < 0 || setuid(0) < 0)
		die("setuid", NULL);
	listener = install_filter(raw);
	if (listener < 0)
		die("seccomp", NULL);
	send_fd(via, listener);
	(void)close(listener);
	(void)close(via);
	(void)execv(argv[0], argv);
	die(argv[0], NULL);
}

static void map_ids(pid_t pid)
{
	char path[64], map[64];

	(void)snprintf(map, sizeof(map), "0 %d 65536", UID_BASE);
	(void)snprintf(path, sizeof(path), "/proc/%d/uid_map", (int)pid);
	put(path, map);
	(void)snprintf(path, sizeof(path), "/proc/%d/gid_map", (int)pid);
	put(path, map);
}

/* Serve until the command has ended; its status. */
static int serve(struct broker *b, int listener, int pidfd, pid_t pid)
{
	struct pollfd p[2] = { { .fd = listener, .events = POLLIN }, { .fd = pidfd, .events = POLLIN } };
	int status;

	for (;;) {
		if (poll(p, 2, -1) < 0 && errno != EINTR)
			die("poll", NULL);
		if (p[0].revents & POLLIN)
			broker_serve(b, listener, BROKER_ROAMS);
		else if (p[0].revents)
			p[0].fd = -1;
		if (p[1].revents)
			break;
	}
	(void)waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void remove_group(const char *dir)
{
	char path[512];

	(void)snprintf(path, sizeof(path), "%s/../../cgroup.procs", dir);
	put(path, "0");
	for (int i = 0; i < 2; i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", dir, i ? "mon" : "jail");
		(void)rmdir(path);
	}
	(void)rmdir(dir);
}

int main(int argc, char **argv)
{
	struct err e = ERR_INIT;
	struct broker *b = NULL;
	static struct hold h;
	int via[2], view, group, listener, status;
	char *dir, c;
	double t0;
	pid_t pid;

	if (argc < 5)
		return 2;
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	hold_set_libexec(getenv("MINIJAIL_LIBEXEC"));
	if (hold_parse(argv[3], &h, &e) < 0)
		die("hold", &e);
	dir = make_group(argv[1]);
	view = make_view(argv[2], &h);
	group = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	t0 = now_us();
	if (hold_attach(group, &h, &e) < 0)
		die("hold_attach", &e);
	if (getenv("MINIJAIL_TIME"))
		fprintf(stderr, "hold_attach: %.0f us\n", now_us() - t0);
	t0 = now_us();
	if (broker_open(view, &h, &b, &e) < 0)
		die("broker_open", &e);
	if (getenv("MINIJAIL_TIME"))
		fprintf(stderr, "broker_open: %.0f us\n", now_us() - t0);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, via) < 0)
		die("socketpair", NULL);
	pid = fork();
	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		inside(via[1], view, dir, h.raw_sockets, argv + 4);
	}
	if (read(via[0], &c, 1) != 1)
		die("child", NULL);
	map_ids(pid);
	if (write(via[0], "m", 1) != 1)
		die("child", NULL);
	listener = recv_fd(via[0]);
	if (listener < 0)
		die("listener", NULL);
	status = serve(b, listener, (int)syscall(SYS_pidfd_open, pid, 0), pid);
	broker_close(b);
	remove_group(dir);
	return status;
}
