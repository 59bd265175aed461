/* limit.c - resource limits of a jail, from its properties to the words of a control group. */
#include "core/limit.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define CPU_PERIOD  100000U /* microseconds, the kernel's own default */
#define PERCENT_MAX 1000000U /* of one CPU; more is no limit */
#define NO_LIMIT    "max"

/* Processes and threads are one count to the kernel, so the smaller of two limits of a file is taken. */
static const struct limit {
	enum prop_id id;
	const char *file;
} limits[] = {
	{ PROP_memoryuse, "memory.max" }, { PROP_swapuse, "memory.swap.max" },
	{ PROP_maxproc, "pids.max" },     { PROP_nthr, "pids.max" },
	{ PROP_pcpu, "cpu.max" },         { PROP_cpuset, "cpuset.cpus" },
};

#define NLIMITS (sizeof(limits) / sizeof(*limits))

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

	if (!str_starts(v, "deny="))
		return false;
	*ret = amount(v + strlen("deny="));
	return true;
}

bool limit_is_ignored(const struct conf *c, enum prop_id id)
{
	const char *v = conf_get(c, id);

	for (size_t i = 0; i < NLIMITS; i++)
		if (limits[i].id == id)
			return id != PROP_cpuset && !streq(v, "off") && !str_starts(v, "deny=");
	return false;
}

/* The value of a file; false: none. */
static bool value_of(const struct conf *c, const char *file, struct sbuf *out)
{
	uint64_t least = UINT64_MAX, n;

	if (streq(file, "cpuset.cpus")) {
		const char *v = conf_get(c, PROP_cpuset);

		if (streq(v, "off") || streq(v, "all"))
			return false;
		sbuf_add(out, v);
		return true;
	}
	for (size_t i = 0; i < NLIMITS; i++)
		if (streq(limits[i].file, file) && is_denied(c, limits[i].id, &n) && n < least)
			least = n;
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
		struct sbuf v = { 0 }, old = { 0 };
		bool is = value_of(c, limits[i].file, &v), had = was && value_of(was, limits[i].file, &old);

		if ((i == 0 || !streq(limits[i].file, limits[i - 1].file)) && (is || had))
			sbuf_addf(out, "%s%s=%s", out->len ? " " : "", limits[i].file,
			          is                                     ? v.p
			          : streq(limits[i].file, "cpuset.cpus") ? ""
			                                                 : NO_LIMIT);
		out->failed = out->failed || v.failed || old.failed;
		sbuf_done(&v);
		sbuf_done(&old);
	}
}
