/* limit.c - what a jail may take, from its properties to what the kernel is told. */
#include "core/limit.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define CPU_PERIOD  100000U /* microseconds, the kernel's own default */
#define PERCENT_MAX 1000000U /* of one CPU; more is no limit */
#define NO_LIMIT    "max"
#define PAGE        4096U

/* Processes and threads are one count to the kernel, so the smaller of two limits of a file is taken. */
static const struct limit {
	enum prop_id id;
	const char *file;
} limits[] = {
	{ PROP_memoryuse, "memory.max" },
	{ PROP_swapuse, "memory.swap.max" },
	{ PROP_maxproc, "pids.max" },
	{ PROP_nthr, "pids.max" },
	{ PROP_pcpu, "cpu.max" },
	{ PROP_cpuset, "cpuset.cpus" },
	{ PROP_cgroup_max, "cgroup.max.descendants" },
	{ PROP_cgroup_depth, "cgroup.max.depth" },
};

#define NLIMITS (sizeof(limits) / sizeof(*limits))

/* Each process's own, by the words that the backend knows: setrlimit(2) in small letters. */
static const struct limit rlimits[] = {
	{ PROP_openfiles, "nofile" }, { PROP_memorylocked, "memlock" }, { PROP_datasize, "data" },
	{ PROP_stacksize, "stack" },  { PROP_coredumpsize, "core" },    { PROP_vmemoryuse, "as" },
};

/* 10, 4k, 2G; as large as can be when it is larger. */
static uint64_t amount(const char *s)
{
	static const char units[] = "bkmgtp";
	char *end;
	uint64_t n = strtoull(s, &end, 10);
	const char *unit = *end ? strchr(units, *end) : NULL;

	for (; unit && unit > units; unit--)
		n = n > UINT64_MAX / 1024 ? UINT64_MAX : n * 1024;
	return n;
}

static bool is_denied(const struct conf *c, enum prop_id id, uint64_t *ret)
{
	const char *v = conf_get(c, id);

	if (prop_table[id].type == PT_INT) {
		*ret = amount(v);
		return *ret > 0;
	}
	/* an action that is not done here leaves the default */
	if (!streq(v, "off") && !str_starts(v, "deny="))
		v = prop_table[id].def;
	if (!str_starts(v, "deny="))
		return false;
	*ret = amount(v + strlen("deny="));
	return true;
}

bool limit_is_ignored(const struct conf *c, enum prop_id id)
{
	const char *v = conf_get(c, id);

	return prop_table[id].type == PT_RCTL && !streq(v, "off") && !str_starts(v, "deny=");
}

/* Did somebody ask for it; a default is not worth a start that fails. */
static bool is_asked(const struct conf *c, enum prop_id id)
{
	return !streq(conf_get(c, id), prop_table[id].def) && !limit_is_ignored(c, id);
}

/* The value of a file; false: none. */
static bool value_of(const struct conf *c, const char *file, bool *ret_asked, struct sbuf *out)
{
	uint64_t least = UINT64_MAX, n;

	*ret_asked = true;
	if (streq(file, "cpuset.cpus")) {
		const char *v = conf_get(c, PROP_cpuset);

		if (streq(v, "off") || streq(v, "all"))
			return false;
		sbuf_add(out, v);
		return true;
	}
	for (size_t i = 0; i < NLIMITS; i++)
		if (streq(limits[i].file, file) && is_denied(c, limits[i].id, &n) && n < least) {
			least = n;
			*ret_asked = is_asked(c, limits[i].id);
		}
	if (streq(file, "cpu.max") &&
	    least < PERCENT_MAX) /* less than a hundredth is more than the kernel can tell apart */
		sbuf_addf(out, "%u/%u", (unsigned)(least ? least : 1) * (CPU_PERIOD / 100), CPU_PERIOD);
	else if (!streq(file, "cpu.max") && least < INT64_MAX)
		sbuf_addf(out, "%llu", (unsigned long long)least);
	else
		return false;
	return true;
}

void limits_format(const struct conf *c, const struct conf *was, struct sbuf *out)
{
	for (size_t i = 0; i < NLIMITS; i++) {
		const char *file = limits[i].file;
		struct sbuf v = { 0 }, old = { 0 };
		bool asked, ignored;
		bool is = value_of(c, file, &asked, &v), had = was && value_of(was, file, &ignored, &old);

		if ((i == 0 || !streq(file, limits[i - 1].file)) && (is || had))
			sbuf_addf(out, "%s%s%s=%s", out->len ? " " : "", is && !asked ? "?" : "", file,
			          is                           ? v.p
			          : streq(file, "cpuset.cpus") ? ""
			                                       : NO_LIMIT);
		out->failed = out->failed || v.failed || old.failed;
		sbuf_done(&v);
		sbuf_done(&old);
	}
}

static void word(struct sbuf *out, const char *name, const char *value)
{
	sbuf_addf(out, "%s%s=%s", out->len ? " " : "", name, value);
}

static void number(struct sbuf *out, const char *name, uint64_t n)
{
	sbuf_addf(out, "%s%s=%llu", out->len ? " " : "", name, (unsigned long long)n);
}

void limits_process(const struct conf *c, struct sbuf *out)
{
	uint64_t n;

	for (size_t i = 0; i < sizeof(rlimits) / sizeof(*rlimits); i++) {
		enum prop_id id = rlimits[i].id;

		/* the right to lock memory is void in a user namespace: it is this limit */
		if (id == PROP_memorylocked && conf_true(c, PROP_allow_mlock) && !is_asked(c, id))
			word(out, rlimits[i].file, "max");
		else if (is_denied(c, id, &n))
			number(out, rlimits[i].file, n);
		else if (str_starts(prop_table[id].def, "deny="))
			word(out, rlimits[i].file, "max");
	}
}

/* System V IPC, sysctl of its namespace; what the kernel has by itself needs no word. ipc/, include/uapi/linux/{msg,sem,shm}.h */
void limits_ipc(const struct conf *c, struct sbuf *out)
{
	static const struct {
		enum prop_id id;
		const char *name;
		uint64_t max, kernel;
	} plain[] = {
		{ PROP_nmsgq, "kernel.msgmni", 32768, 32000 },
		{ PROP_msgqsize, "kernel.msgmnb", INT32_MAX, 16384 },
		{ PROP_nshm, "kernel.shmmni", 32768, 4096 },
	};
	uint64_t n, sems = 1024000000, ops = 500;

	for (size_t i = 0; i < sizeof(plain) / sizeof(*plain); i++)
		if (is_denied(c, plain[i].id, &n) && n != plain[i].kernel)
			number(out, plain[i].name, n < plain[i].max ? n : plain[i].max);
	if (is_denied(c, PROP_shmsize, &n)) {
		number(out, "kernel.shmmax", n < INT64_MAX ? n : INT64_MAX);
		number(out, "kernel.shmall", n / PAGE);
	}
	if (is_denied(c, PROP_nsem, &n) && n < sems)
		sems = n;
	if (is_denied(c, PROP_nsemop, &n) && n < INT32_MAX)
		ops = n;
	n = sems < 32000 ? sems : 32000;
	if (sems != 1024000000 || ops != 500)
		sbuf_addf(out, "%skernel.sem=%llu/%llu/%llu/%llu", out->len ? " " : "", (unsigned long long)n,
		          (unsigned long long)sems, (unsigned long long)ops, (unsigned long long)n);
}

void limits_tmpfs(const struct conf *c, struct sbuf *out)
{
	const char *size = conf_get(c, PROP_tmpfs_size), *inodes = conf_get(c, PROP_tmpfs_inodes);

	/* 0: as many as there may be, as the mount option has it */
	sbuf_addf(out, "size=%s,nr_inodes=%s", streq(size, "off") ? "0" : size, inodes);
}

void limits_terminals(const struct conf *c, struct sbuf *out)
{
	uint64_t n;

	if (is_denied(c, PROP_pseudoterminals, &n))
		sbuf_addf(out, "max=%llu%s", (unsigned long long)(n < 1048576 ? n : 1048576),
		          is_asked(c, PROP_pseudoterminals) ? "" : ",fair");
}
