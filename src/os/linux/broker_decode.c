/* broker_decode.c - what a seccomp notification asks for: from its raw record to a request. Pure, no system calls. */
#include "os/linux/broker_decode.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/reboot.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>

/* System calls of this machine's 32-bit sibling, where there is one. */
#if defined(__x86_64__)
#define NATIVE_ARCH AUDIT_ARCH_X86_64
#define COMPAT_ARCH AUDIT_ARCH_I386
enum compat_nr {
	COMPAT_ioctl = 54,
	COMPAT_sethostname = 74,
	COMPAT_reboot = 88,
	COMPAT_socketcall = 102,
	COMPAT_setdomainname = 121,
	COMPAT_socket = 359,
	COMPAT_bind = 361,
	COMPAT_connect = 362,
	COMPAT_listen = 363,
	COMPAT_setsockopt = 366,
	COMPAT_sendto = 369,
};
#elif defined(__aarch64__)
#define NATIVE_ARCH AUDIT_ARCH_AARCH64
#define COMPAT_ARCH AUDIT_ARCH_ARM
enum compat_nr {
	COMPAT_ioctl = 54,
	COMPAT_sethostname = 74,
	COMPAT_reboot = 88,
	COMPAT_socketcall = 102,
	COMPAT_setdomainname = 121,
	COMPAT_socket = 281,
	COMPAT_bind = 282,
	COMPAT_connect = 283,
	COMPAT_listen = 284,
	COMPAT_setsockopt = 294,
	COMPAT_sendto = 290,
};
#endif

/* x32 has the architecture of its 64-bit sibling and other numbers: none of them is here. */
static enum broker_call native_call(int nr)
{
	switch (nr) {
	case SYS_socket:
		return CALL_SOCKET;
	case SYS_bind:
		return CALL_BIND;
	case SYS_listen:
		return CALL_LISTEN;
	case SYS_connect:
		return CALL_CONNECT;
	case SYS_ioctl:
		return CALL_IOCTL;
	case SYS_setsockopt:
		return CALL_SETSOCKOPT;
	case SYS_sendto:
		return CALL_SENDTO;
	case SYS_sethostname:
		return CALL_HOSTNAME;
	case SYS_setdomainname:
		return CALL_DOMAINNAME;
	case SYS_reboot:
		return CALL_REBOOT;
	default:
		return CALL_NONE;
	}
}

/* socketcall(2): the arguments are in memory. The copy made here is what counts. */
static enum broker_call unpack_socketcall(broker_reader read, void *ctx, struct request *r)
{
	static const struct {
		enum broker_call call;
		unsigned nargs;
	} calls[] = {
		[1] = { CALL_SOCKET, 3 }, [2] = { CALL_BIND, 3 },        [3] = { CALL_CONNECT, 3 },
		[4] = { CALL_LISTEN, 2 }, [14] = { CALL_SETSOCKOPT, 5 },
	};
	uint32_t which = (uint32_t)r->arg[0], args[5] = { 0 };
	uint64_t at = r->arg[1];

	if (which >= sizeof(calls) / sizeof(calls[0]) || !calls[which].call)
		return CALL_NONE;
	if (read(ctx, at, args, calls[which].nargs * sizeof(args[0])) < 0)
		return CALL_FAULT;
	memset(r->arg, 0, sizeof(r->arg));
	for (unsigned i = 0; i < calls[which].nargs; i++)
		r->arg[i] = args[i];
	r->by_memory = true;
	return calls[which].call;
}

static enum broker_call compat_call(int nr, broker_reader read, void *ctx, struct request *r)
{
	switch (nr) {
	case COMPAT_socket:
		return CALL_SOCKET;
	case COMPAT_bind:
		return CALL_BIND;
	case COMPAT_listen:
		return CALL_LISTEN;
	case COMPAT_connect:
		return CALL_CONNECT;
	case COMPAT_sendto:
		return CALL_SENDTO;
	case COMPAT_ioctl:
		return CALL_IOCTL;
	case COMPAT_setsockopt:
		return CALL_SETSOCKOPT;
	case COMPAT_sethostname:
		return CALL_HOSTNAME;
	case COMPAT_setdomainname:
		return CALL_DOMAINNAME;
	case COMPAT_reboot:
		return CALL_REBOOT;
	case COMPAT_socketcall:
		return unpack_socketcall(read, ctx, r);
	default:
		return CALL_NONE;
	}
}

enum broker_call broker_decode(const struct seccomp_data *d, broker_reader read, void *ctx, struct request *r)
{
	r->compat = d->arch == COMPAT_ARCH;
	r->by_memory = false;
	for (size_t i = 0; i < sizeof(r->arg) / sizeof(r->arg[0]); i++)
		r->arg[i] = r->compat ? (uint32_t)d->args[i] : d->args[i];
	if (d->arch == NATIVE_ARCH)
		return native_call(d->nr);
	return r->compat ? compat_call(d->nr, read, ctx, r) : CALL_NONE;
}

enum ending broker_decode_reboot(const struct request *r)
{
	switch ((uint32_t)r->arg[1]) {
	case LINUX_REBOOT_MAGIC2:
	case LINUX_REBOOT_MAGIC2A:
	case LINUX_REBOOT_MAGIC2B:
	case LINUX_REBOOT_MAGIC2C:
		break;
	default:
		return END_NONE;
	}
	if ((uint32_t)r->arg[0] != LINUX_REBOOT_MAGIC1)
		return END_NONE;
	switch ((uint32_t)r->arg[2]) {
	case LINUX_REBOOT_CMD_RESTART:
	case LINUX_REBOOT_CMD_RESTART2:
		return END_REBOOT;
	case LINUX_REBOOT_CMD_HALT:
	case LINUX_REBOOT_CMD_POWER_OFF:
		return END_HALT;
	default:
		return END_NONE;
	}
}

size_t broker_name_wanted(uint32_t len)
{
	if (len > NAME_LEN_MAX)
		return 0;
	return len < sizeof(struct sockaddr_in6) ? len : sizeof(struct sockaddr_in6);
}

bool broker_name_usable(const union ip_name *name, size_t n)
{
	if (name->sa.sa_family == AF_INET)
		return n >= sizeof(name->in);
	return name->sa.sa_family == AF_INET6 && n >= NAME6_LEN_MIN;
}

int broker_name_fits(int domain, size_t n, union ip_name *name)
{
	if (n < (domain == AF_INET ? sizeof(name->in) : NAME6_LEN_MIN))
		return -EINVAL;
	/* what old programs forget to say, the kernel and FreeBSD let pass with the wildcard */
	if (domain == AF_INET && name->sa.sa_family == AF_UNSPEC && name->in.sin_addr.s_addr == htonl(INADDR_ANY))
		name->sa.sa_family = AF_INET;
	return name->sa.sa_family == domain ? 0 : -EAFNOSUPPORT;
}

int broker_decode_ifconf(const uint8_t raw[static IFCONF_RAW], bool compat, int32_t *ret_len, uint64_t *ret_at)
{
	int32_t len;
	uint32_t at32;

	memcpy(&len, raw, sizeof(len));
	if (compat) {
		memcpy(&at32, raw + 4, sizeof(at32));
		*ret_at = at32;
	} else {
		memcpy(ret_at, raw + 8, sizeof(*ret_at));
	}
	if (*ret_at == 0)
		len = 0; /* only how much there is: the room is not looked at, and Java leaves it as it finds it */
	if (len < 0)
		return -EINVAL;
	*ret_len = len > IFCONF_MAX ? IFCONF_MAX : len;
	return 0;
}
