/* everycall.c - what a jail's filter answers to system calls, for every number there is; none that it allows is done. */

/*
 * everycall ABI TABLE [SLOT=ANSWER ...]   all numbers, against the table that the build prints; what differs is printed
 * everycall ABI NUMBER[:ARG...]...        single calls of native, compat or x32: what each meets is printed
 *
 * Calls are made by a traced child under a filter of its own that says "trace". Of two filters the stricter answer counts:
 * what the jail's filter allows stops in the tracer, which takes the call away and answers EXDEV.
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#define NUMBERS 560 /* the last there is, and 50 more, with room */
#define X32_BIT 0x40000000
#define LINES   2000

/* uretprobe, uprobe: the kernel sends SIGILL for them before any filter is asked */
#define UNFILTERED(c) ((c)->abi == NATIVE && ((c)->nr == 335 || (c)->nr == 336))

enum abi { NATIVE, COMPAT, X32 };

struct call {
	enum abi abi;
	unsigned long nr, arg[5];
	long result;
};

static const char *const abis[] = { "native", "compat", "x32" };

static struct {
	enum abi abi;
	unsigned long first, last;
	char what[24];
} table[LINES];
static size_t lines;

static long make(const struct call *c)
{
	register unsigned long a10 __asm__("r10") = c->arg[3];
	register unsigned long a8 __asm__("r8") = c->arg[4];
	register unsigned long a9 __asm__("r9") = 0;
	long r;

	if (c->abi == COMPAT) {
		int r32;

		__asm__ volatile("int $0x80"
		                 : "=a"(r32)
		                 : "a"((unsigned)c->nr), "b"((unsigned)c->arg[0]), "c"((unsigned)c->arg[1]),
		                   "d"((unsigned)c->arg[2]), "S"((unsigned)c->arg[3]), "D"((unsigned)c->arg[4])
		                 : "memory", "r8", "r9", "r10", "r11");
		return r32;
	}
	__asm__ volatile("syscall"
	                 : "=a"(r)
	                 : "a"(c->nr | (c->abi == X32 ? X32_BIT : 0)), "D"(c->arg[0]), "S"(c->arg[1]), "d"(c->arg[2]),
	                   "r"(a10), "r"(a8), "r"(a9)
	                 : "memory", "rcx", "r11");
	return r;
}

static void die(const char *what)
{
	perror(what);
	exit(2);
}

static void child(struct call *calls, size_t n)
{
	struct sock_filter code[] = { BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE) };
	struct sock_fprog prog = { 1, code };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0)
		die("be traced");
	(void)raise(SIGSTOP);
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog, 0, 0) < 0)
		die("filter");
	for (size_t i = 0; i < n; i++)
		calls[i].result = UNFILTERED(&calls[i]) ? -EXDEV : make(&calls[i]);
	__asm__ volatile("int3");
}

/* Until the child's last instruction. */
static void run(struct call *calls, size_t n)
{
	pid_t pid = fork();
	int status;

	if (pid < 0)
		die("fork");
	if (pid == 0) {
		child(calls, n);
		_exit(2);
	}
	if (waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status) ||
	    ptrace(PTRACE_SETOPTIONS, pid, NULL, PTRACE_O_TRACESECCOMP | PTRACE_O_EXITKILL) < 0)
		die("trace");
	for (;;) {
		struct user_regs_struct r;

		if (ptrace(PTRACE_CONT, pid, NULL, NULL) < 0 || waitpid(pid, &status, 0) != pid)
			die("go on");
		if (!WIFSTOPPED(status)) {
			fprintf(stderr, "everycall: the child has ended: %#x\n", (unsigned)status);
			exit(2);
		}
		if (status >> 8 != (SIGTRAP | PTRACE_EVENT_SECCOMP << 8))
			break;
		if (ptrace(PTRACE_GETREGS, pid, NULL, &r) < 0)
			die("read registers");
		r.orig_rax = (unsigned long long)-1;
		r.rax = (unsigned long long)-EXDEV;
		if (ptrace(PTRACE_SETREGS, pid, NULL, &r) < 0)
			die("write registers");
	}
	if (WSTOPSIG(status) != SIGTRAP) {
		fprintf(stderr, "everycall: the child got signal %d\n", WSTOPSIG(status));
		exit(2);
	}
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, &status, 0);
}

static const char *name(long result)
{
	if (result == -EXDEV)
		return "allowed";
	return result < 0 ? strerrorname_np((int)-result) : "OK";
}

static enum abi abi_of(const char *s)
{
	for (size_t i = 0; i < sizeof(abis) / sizeof(*abis); i++)
		if (strcmp(s, abis[i]) == 0)
			return (enum abi)i;
	fprintf(stderr, "everycall: no ABI %s\n", s);
	exit(2);
}

static void read_table(const char *path)
{
	FILE *f = fopen(path, "re");
	char abi[16];

	if (!f)
		die(path);
	while (lines < LINES &&
	       fscanf(f, "%15s %lu %lu %23s", abi, &table[lines].first, &table[lines].last, table[lines].what) == 4)
		table[lines++].abi = abi_of(abi);
	(void)fclose(f);
}

/* What the table says. A slot is what argv says that it comes to; "?": not known by the number alone. */
static const char *expected(const struct call *c, char **slots)
{
	const char *what = "ENOSYS";

	for (size_t i = 0; i < lines && c->abi != X32; i++)
		if (table[i].abi == c->abi && table[i].first <= c->nr && c->nr <= table[i].last)
			what = table[i].what;
	if (strcmp(what, "arguments") == 0)
		return "?";
	for (; *slots; slots++)
		if (strncmp(*slots, what, strlen(what)) == 0 && (*slots)[strlen(what)] == '=')
			return *slots + strlen(what) + 1;
	return strcmp(what, "allowed") == 0 || *what == 'E' ? what : "?";
}

static int all(struct call *calls, enum abi abi, char **slots)
{
	size_t n = 0, differ = 0, allowed = 0, looked = 0;

	for (unsigned long nr = 0; nr < NUMBERS; nr++)
		calls[n++] = (struct call){ .abi = abi, .nr = nr };
	run(calls, n);
	for (size_t i = 0; i < n; i++) {
		const char *want = expected(&calls[i], slots), *got = name(calls[i].result);

		allowed += strcmp(got, "allowed") == 0;
		looked += *want != '?';
		if (*want == '?' || strcmp(want, got) == 0)
			continue;
		printf("%s %lu: %s, not %s\n", abis[calls[i].abi], calls[i].nr, got, want);
		differ++;
	}
	printf("%zu calls, %zu by number alone, %zu allowed, %zu differ\n", n, looked, allowed, differ);
	return differ ? 1 : 0;
}

int main(int argc, char **argv)
{
	struct call *calls =
		mmap(NULL, NUMBERS * sizeof(*calls), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	enum abi abi;
	size_t n = 0;

	if (calls == MAP_FAILED || argc < 3)
		die("usage");
	abi = abi_of(argv[1]);
	if (strchr(argv[2], '/')) {
		read_table(argv[2]);
		return all(calls, abi, argv + 3);
	}
	for (int i = 2; i < argc && n < NUMBERS; i++, n++) {
		char *p = argv[i];

		calls[n] = (struct call){ .abi = abi, .nr = strtoul(p, &p, 0) };
		for (int k = 0; k < 5 && *p == ':'; k++)
			calls[n].arg[k] = strtoul(p + 1, &p, 0);
	}
	run(calls, n);
	for (size_t i = 0; i < n; i++)
		printf("%s %s\n", argv[i + 2], name(calls[i].result));
	return 0;
}
