/* seccomp_gen.c - build-time: prints the jails' seccomp filter as a C array, so that run time needs no libseccomp. */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <linux/reboot.h>
#include <linux/sched.h>
#include <netinet/in.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gen/seccomp_calls.h"
#include "os/linux/broker_filter.h"

/* From the kernel's own headers; written out because build hosts may be older than the kernels jails run on. */
#define IOCTL_TIOCSTI         0x5412
#define IOCTL_TIOCLINUX       0x541C
#define IOCTL_TIOCSETD        0x5423
#define IOCTL_SIOCGSKNS       0x894C
#define IOCTL_SOCKET_FIRST    0x8900 /* requests to sockets: about interfaces, nearly all of them */
#define IOCTL_OWN_FIRST       0x8901 /* FIOSETOWN .. SIOCGSTAMPNS: about the socket itself */
#define IOCTL_OWN_LAST        0x8907
#define IOCTL_SOCKET_LAST     0x89FF
#define IOCTL_WIRELESS_FIRST  0x8B00
#define IOCTL_WIRELESS_LAST   0x8BFF
#define SOCKETCALL_SOCKET     1
#define SOCKETCALL_SOCKETPAIR 8
#define SOCKETCALL_SETSOCKOPT 14
#define PERSONALITY_QUERY     0xffffffffU
#define NAMESPACES_MASK       (CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWCGROUP)
#define NEW_TIME              0x80 /* CLONE_NEWTIME: a signal's number to clone(2) */
#define NUMBERS_MAX           1024 /* of system calls; real ones end at half of that */
#define ARM_PRIVATE           0x0f0000 /* ARM's own calls: cacheflush, set_tls, ... */
#define ARM_PRIVATE_MAX       16

static void must(int r, const char *what)
{
	if (r < 0) {
		fprintf(stderr, "seccomp_gen: %s: %s\n", what, strerror(-r));
		exit(1);
	}
}

/* --- a filter as a tree: what is looked at, ranges of its values, and for each an answer or what is looked at next --- */

struct map {
	uint32_t offset; /* in struct seccomp_data */
	uint32_t mask; /* of the value there */
	struct range {
		uint32_t from; /* up to the next one's */
		uint32_t answer;
		const struct map *next; /* if not NULL, instead of the answer */
	} * ranges;
	size_t n;
};

struct code {
	struct sock_filter v[BPF_MAXINSNS];
	size_t n;
};

static struct map *new_map(uint32_t offset, uint32_t mask, uint32_t answer)
{
	struct map *m = calloc(1, sizeof(*m));

	must(m ? 0 : -ENOMEM, "new map");
	m->ranges = calloc(2 * NUMBERS_MAX, sizeof(*m->ranges));
	must(m->ranges ? 0 : -ENOMEM, "new map");
	m->offset = offset;
	m->mask = mask;
	m->n = 1;
	m->ranges[0].answer = answer;
	return m;
}

/* The kernel looks at 32 bits of the arguments we look at, so the filter must as well. Both architectures are little-endian. */
static struct map *arg_map(unsigned arg, uint32_t mask, uint32_t answer)
{
	return new_map((uint32_t)(offsetof(struct seccomp_data, args) + arg * sizeof(uint64_t)), mask, answer);
}

/* Index of the range that begins at `at`; one is cut in two for that. */
static size_t cut(struct map *m, uint32_t at)
{
	size_t i = m->n;

	while (m->ranges[i - 1].from > at)
		i--;
	if (m->ranges[i - 1].from == at)
		return i - 1;
	must(m->n < 2 * NUMBERS_MAX ? 0 : -E2BIG, "ranges");
	memmove(&m->ranges[i + 1], &m->ranges[i], (m->n - i) * sizeof(*m->ranges));
	m->ranges[i] = m->ranges[i - 1];
	m->ranges[i].from = at;
	m->n++;
	return i;
}

static void set_range(struct map *m, uint32_t first, uint32_t last, uint32_t answer, const struct map *next)
{
	size_t i = cut(m, first), j = last == UINT32_MAX ? m->n : cut(m, last + 1);

	memmove(&m->ranges[i + 1], &m->ranges[j], (m->n - j) * sizeof(*m->ranges));
	m->n -= j - i - 1;
	m->ranges[i].answer = answer;
	m->ranges[i].next = next;
}

static void set(struct map *m, uint32_t value, uint32_t answer)
{
	set_range(m, value, value, answer, NULL);
}

static void add(struct code *c, struct sock_filter f)
{
	must(c->n < BPF_MAXINSNS ? 0 : -E2BIG, "filter");
	c->v[c->n++] = f;
}

static void append(struct code *c, const struct code *more)
{
	for (size_t i = 0; i < more->n; i++)
		add(c, more->v[i]);
}

static void emit(struct code *c, const struct map *m);

/* A search tree: half of the ranges, then the other half. */
static void emit_ranges(struct code *c, const struct range *r, size_t n)
{
	struct code *low;

	if (n == 1 && r->next) {
		emit(c, r->next);
		return;
	}
	if (n == 1) {
		add(c, (struct sock_filter){ BPF_RET | BPF_K, 0, 0, r->answer });
		return;
	}
	low = calloc(1, sizeof(*low));
	must(low ? 0 : -ENOMEM, "filter");
	emit_ranges(low, r, n / 2);
	if (low->n <= UINT8_MAX) {
		add(c, (struct sock_filter){ BPF_JMP | BPF_JGE | BPF_K, (uint8_t)low->n, 0, r[n / 2].from });
	} else { /* conditional jumps are short */
		add(c, (struct sock_filter){ BPF_JMP | BPF_JGE | BPF_K, 0, 1, r[n / 2].from });
		add(c, (struct sock_filter){ BPF_JMP | BPF_JA, 0, 0, (uint32_t)low->n });
	}
	append(c, low);
	free(low);
	emit_ranges(c, r + n / 2, n - n / 2);
}

static void emit(struct code *c, const struct map *m)
{
	struct range *r = calloc(m->n, sizeof(*r));
	size_t n = 0;

	must(r ? 0 : -ENOMEM, "filter");
	for (size_t i = 0; i < m->n; i++)
		if (!n || r[n - 1].answer != m->ranges[i].answer || r[n - 1].next != m->ranges[i].next)
			r[n++] = m->ranges[i];
	if (n > 1) /* else nothing depends on it, and the kernel can keep the answer */
		add(c, (struct sock_filter){ BPF_LD | BPF_W | BPF_ABS, 0, 0, m->offset });
	if (n > 1 && m->mask != UINT32_MAX)
		add(c, (struct sock_filter){ BPF_ALU | BPF_AND | BPF_K, 0, 0, m->mask });
	emit_ranges(c, r, n);
	free(r);
}

/* --- the jails' filter --- */

static bool lists(const char *names, const char *name)
{
	size_t len = strlen(name);

	for (const char *p = names; *p; p += strcspn(p, " "), p += *p == ' ')
		if (strcspn(p, " ") == len && memcmp(p, name, len) == 0)
			return true;
	return false;
}

static uint32_t answer_of(const char *name)
{
	for (size_t i = 0; i < sizeof(groups) / sizeof(*groups); i++)
		if (lists(groups[i].names, name))
			return groups[i].answer;
	return ANSWER_ENOSYS;
}

/* NULL: this architecture has no such call. To be freed. */
static char *name_of(uint32_t arch, int nr)
{
	char *name = seccomp_syscall_resolve_num_arch(arch, nr);

	for (size_t i = 0; !name && i < sizeof(newer_calls) / sizeof(*newer_calls); i++)
		if (newer_calls[i].nr == nr && (nr > 400 || arch == SCMP_ARCH_X86_64))
			name = strdup(newer_calls[i].name);
	return name;
}

/* Calls that are answered by their arguments. By name; NULL: by its line in the table alone. */
static struct map *by_arguments(const char *name);

static struct map *architecture(uint32_t arch)
{
	struct map *m = new_map(offsetof(struct seccomp_data, nr), UINT32_MAX, ANSWER_ENOSYS);

	for (int i = 0; i < NUMBERS_MAX + ARM_PRIVATE_MAX; i++) {
		int nr = i < NUMBERS_MAX ? i : ARM_PRIVATE + i - NUMBERS_MAX;
		char *name = name_of(arch, nr);

		if (name)
			set_range(m, (uint32_t)nr, (uint32_t)nr, answer_of(name), by_arguments(name));
		free(name);
	}
	return m;
}

static struct map *new_namespaces(uint32_t mask)
{
	struct map *user = arg_map(0, CLONE_NEWUSER, 0), *others = arg_map(0, mask, SLOT(NAMESPACES));

	set(others, 0, ANSWER_ALLOW);
	set_range(user, 0, UINT32_MAX, SLOT(USERNS), NULL);
	set_range(user, 0, 0, 0, others);
	return user;
}

/* None that makes memory executable, or limits addresses for programs run later with other rights. */
static struct map *personalities(void)
{
	static const uint32_t fine[] = { PER_LINUX,
		                         PER_LINUX32,
		                         UNAME26 | PER_LINUX,
		                         UNAME26 | PER_LINUX32,
		                         ADDR_NO_RANDOMIZE | PER_LINUX, /* debuggers */
		                         ADDR_NO_RANDOMIZE | PER_LINUX32,
		                         PERSONALITY_QUERY };
	struct map *m = arg_map(0, UINT32_MAX, ANSWER_EPERM);

	for (size_t i = 0; i < sizeof(fine) / sizeof(*fine); i++)
		set(m, fine[i], ANSWER_ALLOW);
	return m;
}

/* ROUTE and SOCK_DIAG show the network namespace; the others are for who has a network stack of its own. */
static struct map *netlink_protocols(void)
{
	static const uint32_t own_stack[] = { NETLINK_XFRM, NETLINK_NETFILTER, NETLINK_GENERIC };
	struct map *m = arg_map(2, UINT32_MAX, SLOT(AF));

	set(m, NETLINK_ROUTE, ANSWER_ALLOW);
	set(m, NETLINK_SOCK_DIAG, ANSWER_ALLOW);
	for (size_t i = 0; i < sizeof(own_stack) / sizeof(*own_stack); i++)
		set(m, own_stack[i], SLOT(NETLINK));
	set(m, NETLINK_KOBJECT_UEVENT, SLOT(UEVENT));
	return m;
}

static struct map *families(void)
{
	struct map *m = arg_map(0, UINT32_MAX, SLOT(AF));

	set(m, AF_UNSPEC, ANSWER_ALLOW);
	set(m, AF_UNIX, ANSWER_ALLOW);
	set(m, AF_INET, ANSWER_ALLOW);
	set(m, AF_INET6, ANSWER_ALLOW);
	set_range(m, AF_NETLINK, AF_NETLINK, 0, netlink_protocols());
	set(m, AF_PACKET, SLOT(PACKET));
	set(m, AF_XDP, SLOT(XDP));
	return m;
}

/* socket() of IPv4 and IPv6, by type: the broker makes them, and in a VNET jail the kernel. Flags are above the type. */
static void limit_types_of(struct map *m, uint32_t family, uint32_t icmp)
{
	struct map *types = arg_map(1, 0xf, SLOT(BROKER)), *raw = arg_map(2, UINT32_MAX, SLOT(RAW_SOCKET));

	set(raw, icmp,
	    SLOT(BROKER)); /* ping(8), where it knows no ping sockets: the kernel makes the header (see options) */
	set_range(types, SOCK_RAW, SOCK_RAW, 0, raw);
	set(types, SOCK_PACKET, SLOT(PACKET_OLD));
	set_range(m, family, family, 0, types);
}

static void limit_types(struct map *m)
{
	limit_types_of(m, AF_INET, IPPROTO_ICMP);
	limit_types_of(m, AF_INET6, IPPROTO_ICMPV6);
}

/* Options that name an interface are set by the broker: it knows which ones the jail has. */
static struct map *options(void)
{
	struct map *m = arg_map(1, UINT32_MAX, ANSWER_ALLOW);
	static const uint32_t levels[] = { 0, 1, 41 };

	for (size_t i = 0; i < sizeof(levels) / sizeof(*levels); i++) {
		struct map *names = arg_map(2, UINT32_MAX, ANSWER_ALLOW);

#define X(level, name)            \
	if (levels[i] == (level)) \
		set(names, name, SLOT(BROKER));
		HOLD_OPTIONS(X)
#undef X
		if (levels[i] == IPPROTO_IP)
			set(names, IP_HDRINCL, SLOT(RAW_HEADER));
		if (levels[i] == IPPROTO_IPV6)
			set(names, 36 /* IPV6_HDRINCL */, SLOT(RAW_HEADER));
		set_range(m, levels[i], levels[i], 0, names);
	}
	return m;
}

static struct map *requests(void)
{
	struct map *m = arg_map(1, UINT32_MAX, ANSWER_ALLOW);

	set(m, IOCTL_TIOCSTI, ANSWER_EPERM);
	set(m, IOCTL_TIOCLINUX, ANSWER_EPERM);
	set(m, IOCTL_TIOCSETD, ANSWER_EPERM);
	set_range(m, IOCTL_SOCKET_FIRST, IOCTL_SOCKET_LAST, SLOT(NETIOCTL), NULL);
	set_range(m, IOCTL_OWN_FIRST, IOCTL_OWN_LAST, ANSWER_ALLOW, NULL);
	set(m, IOCTL_SIOCGSKNS, ANSWER_EPERM);
	set_range(m, IOCTL_WIRELESS_FIRST, IOCTL_WIRELESS_LAST, SLOT(NETIOCTL), NULL);
	return m;
}

/* ipc(2) is the calls of System V IPC in one: the number's low half says which. */
static struct map *ipc_calls(void)
{
	struct map *m = arg_map(0, 0xffff, ANSWER_ENOSYS);

	set_range(m, 1, 4, SLOT(SEM), NULL);
	set_range(m, 11, 14, SLOT(MSG), NULL);
	set_range(m, 21, 24, SLOT(SHM), NULL);
	return m;
}

/*
 * 32-bit programs may make sockets through socketcall(2), with arguments in memory: no filter can look there. The broker can;
 * where there is none, these two of its calls are refused (they need allow_socket_af; the first one the raw kinds, too).
 */
static void limit_socketcall(struct map *m)
{
	set(m, SOCKETCALL_SOCKET, SLOT(SOCKETCALL));
	set(m, SOCKETCALL_SOCKETPAIR, SLOT(AF));
	set(m, SOCKETCALL_SETSOCKOPT, SLOT(SOCKETOPT));
}

/* The end of the jail is the monitor's to bring about: its pid namespace is owned by the host's user namespace. */
static struct map *reboots(void)
{
	static const uint32_t ends[] = { LINUX_REBOOT_CMD_RESTART, LINUX_REBOOT_CMD_RESTART2, LINUX_REBOOT_CMD_HALT,
		                         LINUX_REBOOT_CMD_POWER_OFF };
	struct map *m = arg_map(2, UINT32_MAX, SLOT(REBOOT));

	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++)
		set(m, ends[i], SECCOMP_RET_USER_NOTIF);
	return m;
}

static struct map *by_arguments_alone(const char *name)
{
	if (strcmp(name, "clone") == 0)
		return new_namespaces(NAMESPACES_MASK);
	if (strcmp(name, "unshare") == 0)
		return new_namespaces(NAMESPACES_MASK | NEW_TIME);
	if (strcmp(name, "personality") == 0)
		return personalities();
	if (strcmp(name, "socket") == 0 || strcmp(name, "socketpair") == 0)
		return families();
	if (strcmp(name, "ioctl") == 0)
		return requests();
	if (strcmp(name, "setsockopt") == 0)
		return options();
	if (strcmp(name, "reboot") == 0)
		return reboots();
	return strcmp(name, "ipc") == 0 ? ipc_calls() : NULL;
}

/* One line of what the broker answers: value -1 means every call of that name. */
static void ask(struct map **m, const char *name, const char *call, int arg, uint32_t value, uint32_t answer)
{
	if (strcmp(name, call) != 0)
		return;
	if (!*m)
		*m = arg_map(arg < 0 ? 0 : (unsigned)arg, UINT32_MAX, ANSWER_ALLOW);
	if (arg < 0)
		set_range(*m, 0, UINT32_MAX, answer, NULL);
	else
		set(*m, value, answer);
}

static struct map *by_arguments(const char *name)
{
	struct map *m = by_arguments_alone(name);

#define X(call, arg, value) ask(&m, name, #call, arg, value, SLOT(BROKER));
	BROKER_NOTIFY(X)
#undef X
#define X(call, arg, value) ask(&m, name, #call, arg, value, SLOT(RAW));
	BROKER_NOTIFY_RAW(X)
#undef X
#define X(call, arg, value) ask(&m, name, #call, arg, value, SLOT(HOSTNAME));
	BROKER_NOTIFY_NAMES(X)
#undef X
	if (strcmp(name, "socketcall") == 0)
		limit_socketcall(m);
	if (strcmp(name, "socket") == 0)
		limit_types(m);
	return m;
}

static void print(const char *name, const struct sock_filter *f, size_t n)
{
	printf("static const struct sock_filter seccomp_%s[] = {\n", name);
	for (size_t i = 0; i < n; i++)
		printf("%s{ 0x%02x, %u, %u, 0x%08x },%s", i % 4 ? " " : "\t", f[i].code, f[i].jt, f[i].jf, f[i].k,
		       i % 4 == 3 ? "\n" : "");
	printf("%s};\n\n", n % 4 ? "\n" : "");
}

/* What the broker itself does, after it has started: everything else is refused to it. */
static const char *const broker_calls[] = {
	/* waiting and answering; its memory; its end */
	"poll",
	"ppoll",
	"ioctl",
	"close",
	"brk",
	"mmap",
	"munmap",
	"mremap",
	"madvise",
	"futex",
	"sched_yield",
	"rt_sigreturn",
	"rt_sigprocmask",
	"restart_syscall",
	"getpid",
	"getppid",
	"gettid",
	"exit",
	"exit_group",
	/* what is asked for, and descriptors of the caller */
	"process_vm_readv",
	"process_vm_writev",
	"pidfd_open",
	"pidfd_getfd",
	/* sockets made, looked at and given a name on behalf of the jail; the maps of the programs that hold them */
	"socket",
	"bind",
	"listen",
	"connect",
	"getsockopt",
	"setsockopt",
	"getsockname",
	"getpeername",
	"fchown",
	"bpf",
	/* the caller's /proc */
	"read",
	"pread64",
	"newfstatat",
	"fstat",
	"lseek",
	/* listeners that exec brings */
	"accept4",
	"recvmsg",
	"sendto",
	"sendmsg",
	"sethostname",
	"setdomainname",
#ifdef SANITIZED /* a build for tests (meson.build): its reports, and the end of its runtime */
	"write",
	"sigaltstack",
#endif
};

/* An allow list. Files are opened for reading only: the process may still be the host's root by its id. */
static void print_broker(void)
{
	struct map *archs = new_map(offsetof(struct seccomp_data, arch), UINT32_MAX, SECCOMP_RET_KILL_PROCESS);
	struct map *m = new_map(offsetof(struct seccomp_data, nr), UINT32_MAX, ANSWER_EPERM);
	struct map *opening = arg_map(2, O_ACCMODE | O_CREAT | O_TRUNC, ANSWER_EPERM);
	struct code *c = calloc(1, sizeof(*c));

	must(c ? 0 : -ENOMEM, "filter");
	for (size_t i = 0; i < sizeof(broker_calls) / sizeof(*broker_calls); i++) {
		int nr = seccomp_syscall_resolve_name(broker_calls[i]);

		if (nr >= 0) /* negative: this architecture has it not, but one that does the same */
			set(m, (uint32_t)nr, ANSWER_ALLOW);
	}
	set(opening, O_RDONLY, ANSWER_ALLOW);
	set_range(m, (uint32_t)SCMP_SYS(openat), (uint32_t)SCMP_SYS(openat), 0, opening);
	set_range(archs, seccomp_arch_native(), seccomp_arch_native(), 0, m);
	emit(c, archs);
	print("broker", c->v, c->n);
	free(c);
}

static uint32_t second_architecture(void)
{
	switch (seccomp_arch_native()) {
	case SCMP_ARCH_X86_64:
		return SCMP_ARCH_X86;
	case SCMP_ARCH_AARCH64:
		return SCMP_ARCH_ARM;
	default:
		return 0;
	}
}

static void print_jail(const struct map *archs)
{
	struct code *c = calloc(1, sizeof(*c));

	must(c ? 0 : -ENOMEM, "filter");
	emit(c, archs);
	print("jail", c->v, c->n);
	free(c);
}

/* For tests: a line is architecture, first and last number, what they meet. */
static void print_table(const struct map *m, const char *arch)
{
	static const char *const slots[] = {
#define X(name) #name,
		CONFINE_SLOTS(X)
#undef X
	};

	for (size_t i = 0; i < m->n; i++) {
		const struct range *r = &m->ranges[i];
		uint32_t last = i + 1 < m->n ? m->ranges[i + 1].from - 1 : UINT32_MAX;

		printf("%s %u %u ", arch, r->from, last);
		if (r->next)
			printf("arguments\n");
		else if (IS_SLOT(r->answer))
			printf("%s\n", slots[r->answer & SECCOMP_RET_DATA]);
		else
			printf("%s\n", r->answer == ANSWER_ALLOW   ? "allowed"
			               : r->answer == ANSWER_EPERM ? "EPERM"
			                                           : "ENOSYS");
	}
}

int main(int argc, char **argv)
{
	struct map *archs = new_map(offsetof(struct seccomp_data, arch), UINT32_MAX, ANSWER_ENOSYS);
	struct map *native = architecture(seccomp_arch_native()), *second = NULL;

	set_range(archs, seccomp_arch_native(), seccomp_arch_native(), 0, native);
	if (second_architecture()) {
		second = architecture(second_architecture());
		set_range(archs, second_architecture(), second_architecture(), 0, second);
	}
	if (argc > 1 && strcmp(argv[1], "table") == 0) {
		print_table(native, "native");
		if (second)
			print_table(second, "compat");
	} else {
		printf("/* Generated by seccomp_gen.c: what system calls meet inside jails. */\n");
		print_jail(archs);
		print_broker();
	}
	return fflush(stdout) == 0 && !ferror(stdout) ? 0 : 1;
}
