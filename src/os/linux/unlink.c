/* unlink.c - removes an interface, and does not wait for what the kernel still does when it is gone. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "os/linux/links.h"
#include "os/linux/quiet.h"

/*
 * RTM_DELLINK takes an interface out of sight at once, and then keeps its caller until every processor has let go of it
 * (rcu_barrier(9): 15 to 60 ms). So a process that shares our memory makes the request; we go on when the kernel says
 * that the interface is gone.
 */
#define STACK_SIZE 16384U
#define BUSY_MAX   16

static struct remover {
	pid_t pid; /* 0: free */
	char *stack; /* of STACK_SIZE bytes; the request is at its low end */
} removers[BUSY_MAX];

struct request {
	struct nlmsghdr h;
	struct ifinfomsg ifi;
	int fd; /* where it goes: a netlink socket of its own */
};

static int remover_main(void *arg)
{
	const struct request *rq = arg;

	/* nothing of the caller's is kept open, above all no lock; and the caller looks at errno meanwhile */
	if (rq->fd > 0)
		(void)quiet_call(SYS_close_range, 0, rq->fd - 1, 0, 0, 0, 0);
	(void)quiet_call(SYS_close_range, rq->fd + 1, ~0U, 0, 0, 0, 0);
	return quiet_call(SYS_sendto, rq->fd, (long)&rq->h, (long)rq->h.nlmsg_len, 0, 0, 0) < 0;
}

static void let_go(struct remover *rm)
{
	munmap(rm->stack, STACK_SIZE);
	*rm = (struct remover){ 0 };
}

/* A free place; when all are busy, the first is waited for. */
static struct remover *place(void)
{
	struct remover *free_one = NULL;

	for (size_t i = 0; i < BUSY_MAX; i++) {
		struct remover *rm = &removers[i];

		if (rm->pid && waitpid(rm->pid, NULL, __WALL | WNOHANG) != 0)
			let_go(rm);
		if (!rm->pid && !free_one)
			free_one = rm;
	}
	if (free_one)
		return free_one;
	while (waitpid(removers[0].pid, NULL, __WALL) < 0 && errno == EINTR)
		;
	let_go(&removers[0]);
	return &removers[0];
}

static int launch(int fd, unsigned index, struct err *e)
{
	struct remover *rm = place();
	struct request *rq;
	char *stack = mmap(NULL, STACK_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (stack == MAP_FAILED)
		return err_oom(e);
	rq = (struct request *)(void *)stack;
	rq->h.nlmsg_len = NLMSG_LENGTH(sizeof(rq->ifi));
	rq->h.nlmsg_type = RTM_DELLINK;
	rq->h.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	rq->ifi.ifi_index = (int)index;
	rq->fd = fd;
	rm->stack = stack;
	rm->pid = clone(remover_main, stack + STACK_SIZE, CLONE_VM | SIGCHLD, rq);
	if (rm->pid < 0) {
		int code = errno;

		let_go(rm);
		return err_set(e, code, "make a process: %s", strerror(code));
	}
	return 0;
}

/* --- descriptors --- */

struct parting {
	int fd, gate; /* the gate is readable, at its end, when nobody else has fd any more */
};

static int parting_main(void *arg)
{
	const struct parting *p = arg;
	long low = p->fd < p->gate ? p->fd : p->gate, high = p->fd < p->gate ? p->gate : p->fd;
	char byte;

	if (low > 0)
		(void)quiet_call(SYS_close_range, 0, low - 1, 0, 0, 0, 0);
	if (high > low + 1)
		(void)quiet_call(SYS_close_range, low + 1, high - 1, 0, 0, 0, 0);
	(void)quiet_call(SYS_close_range, high + 1, ~0U, 0, 0, 0, 0);
	while (quiet_call(SYS_read, p->gate, (long)&byte, 1, 0, 0, 0) > 0)
		;
	return 0;
}

void close_behind(int fd)
{
	_cleanup_close_ int ours = fd;
	struct remover *rm;
	struct parting *p;
	char *stack;
	int gate[2];

	if (fd < 0 || pipe2(gate, O_CLOEXEC) < 0)
		return;
	rm = place();
	stack = mmap(NULL, STACK_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (stack != MAP_FAILED) {
		p = (struct parting *)(void *)stack;
		*p = (struct parting){ fd, gate[0] };
		rm->stack = stack;
		rm->pid = clone(parting_main, stack + STACK_SIZE, CLONE_VM | SIGCHLD, p);
		if (rm->pid < 0)
			let_go(rm);
	}
	(void)close(gate[0]);
	closep(&ours);
	(void)close(gate[1]);
}

/* --- events --- */

/* One datagram of events: is it the end of this interface? A port that leaves a bridge says so in nearly the same words. */
static bool says_gone(int fd, unsigned index)
{
	char buf[16384];
	ssize_t len = recv(fd, buf, sizeof(buf), MSG_DONTWAIT);
	int left = (int)len;

	for (struct nlmsghdr *h = (struct nlmsghdr *)(void *)buf; len > 0 && mnl_nlmsg_ok(h, left);
	     h = mnl_nlmsg_next(h, &left)) {
		const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(h);

		if (h->nlmsg_type == RTM_DELLINK && ifi->ifi_family == AF_UNSPEC && ifi->ifi_index == (int)index)
			return true;
	}
	return false;
}

/* The answer to the request: 0 or -errno. */
static int answer(int fd)
{
	char buf[4096];
	ssize_t len = recv(fd, buf, sizeof(buf), 0);
	const struct nlmsghdr *h = (const struct nlmsghdr *)(const void *)buf;

	if (len < 0)
		return -errno;
	if (!mnl_nlmsg_ok(h, (int)len) || h->nlmsg_type != NLMSG_ERROR)
		return -EPROTO;
	return ((const struct nlmsgerr *)mnl_nlmsg_get_payload(h))->error;
}

int link_remove(unsigned index, const char *name, struct err *e)
{
	_cleanup_close_ int events = nl_socket(RTMGRP_LINK), fd = nl_socket(0);
	int r = events < 0 ? events : fd;

	if (r < 0)
		return err_set(e, -r, "open a netlink socket: %s", strerror(-r));
	r = launch(fd, index, e);
	if (r < 0)
		return err_wrap(e, "remove interface %s", name);
	for (;;) {
		struct pollfd p[2] = { { .fd = fd, .events = POLLIN }, { .fd = events, .events = POLLIN } };

		if (poll(p, 2, -1) < 0 && errno != EINTR)
			return err_sys(e, "wait for the end of interface %s", name);
		if (p[0].revents) {
			r = answer(fd);
			return r < 0 && r != -ENODEV ? err_set(e, -r, "remove interface %s: %s", name, strerror(-r))
			                             : 0;
		}
		/* events that were lost for want of room (ENOBUFS) leave the answer to wait for */
		if (p[1].revents && says_gone(events, index))
			return 0;
	}
}
