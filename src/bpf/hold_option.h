/* hold_option.h - interfaces that a jail's sockets name: by the broker alone, which knows the ones it may name. */
#ifndef IOCAGE_BPF_HOLD_OPTION_H
#define IOCAGE_BPF_HOLD_OPTION_H

#include "hold_options.h"

#define EPERM            1
#define AF_NETLINK       16
#define SO_ATTACH_FILTER 26
#define SO_DETACH_FILTER 27 /* and SO_DETACH_BPF */
#define SO_ATTACH_BPF    50

/* The filter by which a socket for news of devices hears nothing stays; a program's own seems to take its place. */
static __always_inline bool is_own_filter(const struct bpf_sockopt *ctx)
{
	return ctx->sk && ctx->sk->family == AF_NETLINK && ctx->level == 1 &&
	       (ctx->optname == SO_ATTACH_FILTER || ctx->optname == SO_DETACH_FILTER || ctx->optname == SO_ATTACH_BPF);
}

/*
 * The jail's processes come here only by going round its filter, which sends these to the broker: with arguments in memory
 * (socketcall) that changed after the broker had looked. The broker is in the group that the sockets are of, they are not.
 */
SEC("cgroup/setsockopt")
int hold_option(struct bpf_sockopt *ctx)
{
	struct hold_jail *j = bpf_get_local_storage(&hold_jails, 0);
	int level = ctx->level, name = ctx->optname;

	if (is_own_filter(ctx) && bpf_get_current_cgroup_id() != j->jail) {
		ctx->optlen = -1; /* done: nothing is left to do for the kernel */
		return NEXT_IS_ALLOWED;
	}
	leave_option(ctx);
#define X(l, n)                          \
	if (level == (l) && name == (n)) \
		return bpf_get_current_cgroup_id() == j->jail ? NEXT_IS_ALLOWED : deny(EPERM);
	HOLD_OPTIONS(X)
#undef X
	return NEXT_IS_ALLOWED;
}

#endif
