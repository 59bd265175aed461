/* fuzz_broker.c - requests to the socket broker: whatever a jail's process says, what is made of it stays in bounds. */
#include "os/linux/broker_decode.h"

#include <errno.h>

#include "fuzz.h"

/* The input: a notification's record, then the caller's memory from address BASE on. */
#define BASE 0x10000U

struct memory {
	const uint8_t *data;
	size_t size;
	size_t most; /* largest single copy */
};

static int read_memory(void *ctx, uint64_t at, void *buf, size_t n)
{
	struct memory *m = ctx;

	if (n > m->most)
		m->most = n;
	if (at < BASE || at - BASE > m->size || n > m->size - (at - BASE))
		return -EFAULT;
	memcpy(buf, m->data + (at - BASE), n);
	return 0;
}

static void check_bind(struct memory *m, const struct request *r)
{
	union ip_name name;
	size_t n = broker_name_wanted((uint32_t)r->arg[2]);

	must(n <= sizeof(name.in6));
	memset(&name, 0, sizeof(name));
	if (n && read_memory(m, r->arg[1], &name, n) < 0)
		return;
	if (broker_name_usable(&name, n))
		must(n >= sizeof(name.in) && (name.sa.sa_family == AF_INET || name.sa.sa_family == AF_INET6));
	if (broker_name_fits(AF_INET6, n, &name) == 0)
		must(name.sa.sa_family == AF_INET6 && n >= NAME6_LEN_MIN);
	if (broker_name_fits(AF_INET, n, &name) == 0)
		must(name.sa.sa_family == AF_INET && n >= sizeof(name.in));
}

static void check_ioctl(struct memory *m, const struct request *r)
{
	uint8_t raw[IFCONF_RAW] = { 0 };
	uint64_t at = 0;
	int32_t len = 0;

	if (read_memory(m, r->arg[2], raw, r->compat ? IFCONF_RAW / 2 : IFCONF_RAW) < 0)
		return;
	if (broker_decode_ifconf(raw, r->compat, &len, &at) < 0)
		return;
	must(len >= 0 && len <= IFCONF_MAX);
	must(!r->compat || at <= UINT32_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct seccomp_data d;
	struct memory m = { 0 };
	struct request r;

	if (size < sizeof(d))
		return 0;
	memcpy(&d, data, sizeof(d));
	m.data = data + sizeof(d);
	m.size = size - sizeof(d);
	memset(&r, 0xa5, sizeof(r));
	r.call = broker_decode(&d, read_memory, &m, &r);
	must(r.call <= CALL_DOMAINNAME);
	must(m.most <= 3 * sizeof(uint32_t));
	must(r.compat || (m.most == 0 && !r.by_memory));
	for (size_t i = 0; r.compat && i < sizeof(r.arg) / sizeof(r.arg[0]); i++)
		must(r.arg[i] <= UINT32_MAX);
	if (r.by_memory)
		must(r.call == CALL_SOCKET || r.call == CALL_BIND || r.call == CALL_LISTEN || r.call == CALL_CONNECT);
	if (r.call == CALL_BIND || r.call == CALL_CONNECT)
		check_bind(&m, &r);
	if (r.call == CALL_IOCTL)
		check_ioctl(&m, &r);
	return 0;
}
