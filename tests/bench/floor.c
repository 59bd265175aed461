/*
 * floor.c - the least work that starts a jail with a network stack of its own: namespaces with a private id range, an
 * overlay, a veth pair on a bridge made in one message, address, default route, and one program run inside. Nothing is
 * checked, journalled or confined. What `iocage start` takes is compared with this.
 *
 * usage: floor LOWER LAYERS BRIDGE ADDR PREFIX GATEWAY NAME  -> leaves the jail running, prints the pid of its first process
 * LAYERS has upper/, work/ and merged/, owned by id BASE.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define BASE 1000000 /* host id of the jail's root */

static void die(const char *what)
{
	perror(what);
	exit(1);
}

/* --- rtnetlink messages, several in one buffer --- */

struct batch {
	_Alignas(4) char b[2048];
	size_t len;
	unsigned msgs;
	struct nlmsghdr *nlh;
};

static void *msg(struct batch *m, int type, int flags, size_t body)
{
	m->nlh = (struct nlmsghdr *)(void *)(m->b + m->len);
	memset(m->nlh, 0, NLMSG_SPACE(body));
	m->nlh->nlmsg_len = NLMSG_LENGTH(body);
	m->nlh->nlmsg_type = (unsigned short)type;
	m->nlh->nlmsg_flags = (unsigned short)(NLM_F_REQUEST | NLM_F_ACK | flags);
	m->nlh->nlmsg_seq = ++m->msgs;
	m->len += NLMSG_SPACE(body);
	return NLMSG_DATA(m->nlh);
}

static struct rtattr *attr(struct batch *m, int type, const void *data, size_t len)
{
	struct rtattr *a = (struct rtattr *)(void *)(m->b + m->len);

	a->rta_type = (unsigned short)type;
	a->rta_len = (unsigned short)RTA_LENGTH(len);
	if (len)
		memcpy(RTA_DATA(a), data, len);
	m->len += RTA_SPACE(len);
	m->nlh->nlmsg_len = (unsigned)(m->b + m->len - (char *)m->nlh);
	return a;
}

static void nest_end(struct batch *m, struct rtattr *a)
{
	a->rta_len = (unsigned short)(m->b + m->len - (char *)a);
}

static void talk(struct batch *m)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	_Alignas(4) char buf[8192];
	unsigned acks = 0;

	if (fd < 0 || send(fd, m->b, m->len, 0) < 0)
		die("netlink");
	while (acks < m->msgs) {
		ssize_t n = recv(fd, buf, sizeof(buf), 0);
		struct nlmsghdr *h = (struct nlmsghdr *)(void *)buf;

		if (n < 0)
			die("netlink");
		for (; NLMSG_OK(h, (unsigned)n); h = NLMSG_NEXT(h, n)) {
			const struct nlmsgerr *e = NLMSG_DATA(h);

			if (h->nlmsg_type != NLMSG_ERROR)
				continue;
			if (e->error) {
				errno = -e->error;
				die("netlink answer");
			}
			acks++;
		}
	}
	close(fd);
}

/* vnet end on the bridge and up, its peer eth0 in the child's namespace: one message */
static void add_pair(const char *name, const char *bridge, pid_t child)
{
	struct batch m = { .len = 0 };
	struct ifinfomsg *ifi = msg(&m, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, sizeof(*ifi)), peer = { 0 };
	struct rtattr *info, *data, *p;
	unsigned master = if_nametoindex(bridge),
		 one = 1; /* queues: to give up the others again takes longest of all */
	int ns = child;

	ifi->ifi_flags = ifi->ifi_change = IFF_UP;
	attr(&m, IFLA_IFNAME, name, strlen(name) + 1);
	attr(&m, IFLA_NUM_TX_QUEUES, &one, sizeof(one));
	attr(&m, IFLA_NUM_RX_QUEUES, &one, sizeof(one));
	attr(&m, IFLA_MASTER, &master, sizeof(master));
	info = attr(&m, IFLA_LINKINFO, NULL, 0);
	attr(&m, IFLA_INFO_KIND, "veth", 4);
	data = attr(&m, IFLA_INFO_DATA, NULL, 0);
	p = attr(&m, VETH_INFO_PEER, &peer, sizeof(peer));
	attr(&m, IFLA_IFNAME, "eth0", 5);
	attr(&m, IFLA_NUM_TX_QUEUES, &one, sizeof(one));
	attr(&m, IFLA_NUM_RX_QUEUES, &one, sizeof(one));
	attr(&m, IFLA_NET_NS_PID, &ns, sizeof(ns));
	nest_end(&m, p);
	nest_end(&m, data);
	nest_end(&m, info);
	talk(&m);
}

static void inside_network(const char *addr, int prefix, const char *gw)
{
	unsigned eth = if_nametoindex("eth0"), lo = 1;
	struct batch m = { .len = 0 };
	struct ifinfomsg *ifi;
	struct ifaddrmsg *ifa;
	struct rtmsg *rt;
	struct in_addr a;

	ifi = msg(&m, RTM_NEWLINK, 0, sizeof(*ifi));
	ifi->ifi_index = (int)lo;
	ifi->ifi_flags = ifi->ifi_change = IFF_UP;
	ifi = msg(&m, RTM_NEWLINK, 0, sizeof(*ifi));
	ifi->ifi_index = (int)eth;
	ifi->ifi_flags = ifi->ifi_change = IFF_UP;
	ifa = msg(&m, RTM_NEWADDR, NLM_F_CREATE, sizeof(*ifa));
	ifa->ifa_family = AF_INET;
	ifa->ifa_prefixlen = (unsigned char)prefix;
	ifa->ifa_index = eth;
	inet_pton(AF_INET, addr, &a);
	attr(&m, IFA_LOCAL, &a, sizeof(a));
	attr(&m, IFA_ADDRESS, &a, sizeof(a));
	rt = msg(&m, RTM_NEWROUTE, NLM_F_CREATE, sizeof(*rt));
	rt->rtm_family = AF_INET;
	rt->rtm_table = RT_TABLE_MAIN;
	rt->rtm_protocol = RTPROT_STATIC;
	rt->rtm_type = RTN_UNICAST;
	inet_pton(AF_INET, gw, &a);
	attr(&m, RTA_GATEWAY, &a, sizeof(a));
	talk(&m);
}

static void enter_root(const char *lower, const char *layers)
{
	char opts[3 * 4096], merged[4096];

	(void)snprintf(opts, sizeof(opts), "lowerdir=%s,upperdir=%s/upper,workdir=%s/work,userxattr", lower, layers,
	               layers);
	(void)snprintf(merged, sizeof(merged), "%s/merged", layers);
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 || mount("overlay", merged, "overlay", 0, opts) < 0 ||
	    chdir(merged) < 0)
		die("overlay");
	if (mount("proc", "proc", "proc", 0, NULL) < 0 || syscall(SYS_pivot_root, ".", ".") < 0 ||
	    umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
		die("pivot_root");
}

static void wait_byte(int fd)
{
	char c;

	if (read(fd, &c, 1) != 1)
		exit(1);
}

/* The jail's first process: finish the set-up, run the program, say so, stay. */
static void child(char **argv, int from, int to)
{
	pid_t pid;
	int status;

	wait_byte(from);
	if (setgid(0) < 0 || setuid(0) < 0)
		die("setuid");
	sethostname("floor", 5);
	enter_root(argv[1], argv[2]);
	inside_network(argv[4], atoi(argv[5]), argv[6]);
	pid = vfork();
	if (pid == 0) {
		execl("/bin/true", "true", (char *)NULL);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0 || status)
		die("true");
	if (write(to, "", 1) != 1)
		exit(1);
	close(from);
	close(to);
	close(0);
	close(1);
	close(2);
	for (;;)
		pause();
}

static void put(pid_t pid, const char *file)
{
	char path[64], map[64];
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/%d/%s", pid, file);
	(void)snprintf(map, sizeof(map), "0 %d 65536", BASE);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, map, strlen(map)) < 0)
		die(path);
	close(fd);
}

int main(int argc, char **argv)
{
	int down[2], back[2];
	long pid;

	if (argc != 8) {
		fprintf(stderr, "usage: floor LOWER LAYERS BRIDGE ADDR PREFIX GATEWAY NAME\n");
		return 2;
	}
	if (pipe2(down, O_CLOEXEC) < 0 || pipe2(back, O_CLOEXEC) < 0)
		die("pipe");
	pid = syscall(SYS_clone,
	              CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWUTS | CLONE_NEWIPC |
	                      CLONE_NEWCGROUP | SIGCHLD,
	              NULL, NULL, NULL, NULL);
	if (pid < 0)
		die("clone");
	if (pid == 0) {
		close(down[1]);
		close(back[0]);
		child(argv, down[0], back[1]);
	}
	close(back[1]);
	put((pid_t)pid, "uid_map");
	put((pid_t)pid, "gid_map");
	add_pair(argv[7], argv[3], (pid_t)pid);
	if (write(down[1], "", 1) != 1)
		die("write");
	wait_byte(back[0]);
	printf("%ld\n", pid);
	return 0;
}
