/* hold_lookup.h - which socket a packet of the wire is for: bpf(2)'s sk_lookup. Part of hold.bpf.c. */
#ifndef IOCAGE_BPF_HOLD_LOOKUP_H
#define IOCAGE_BPF_HOLD_LOOKUP_H

/* Give the packet to the first socket found under key. true: done. */
static __always_inline bool steer_to(struct bpf_sk_lookup *ctx, struct hold_port_key *key)
{
	struct bpf_sock *sk;
	long err;

	if (!bpf_map_lookup_elem(&hold_ports, key))
		return false;
	for (__u32 slot = 0; slot < HOLD_SLOTS; slot++) {
		key->slot = slot;
		sk = bpf_map_lookup_elem(&hold_listen, key);
		if (!sk)
			continue;
		err = bpf_sk_assign(ctx, sk, 0);
		bpf_sk_release(sk);
		if (!err)
			return true;
	}
	key->slot = 0;
	return false;
}

/* FreeBSD's order: bound to the address, then the family's wildcard, then the wildcard of both. */
static __always_inline bool steer(struct bpf_sk_lookup *ctx, __u64 jail, const struct addr6 *a)
{
	struct hold_port_key key = { .jail = jail, .port = ctx->local_port, .proto = ctx->protocol };

	if (key.proto == IPPROTO_UDP) { /* translated on its way in: the kernel finds it by the port it has there */
		key.kind = HOLD_ALIAS;
		if (bpf_map_lookup_elem(&hold_ports, &key))
			return true;
		key.kind = HOLD_ADDR;
	}
	__builtin_memcpy(key.addr, a->w, sizeof(key.addr));
	if (steer_to(ctx, &key))
		return true;
	key.slot = 0;
	__builtin_memset(key.addr, 0, sizeof(key.addr));
	if (is_mapped(a)) {
		key.addr[10] = 0xff;
		key.addr[11] = 0xff;
	}
	if (steer_to(ctx, &key))
		return true;
	key.slot = 0;
	key.kind = HOLD_DUAL;
	__builtin_memset(key.addr, 0, sizeof(key.addr));
	return steer_to(ctx, &key);
}

/*
 * A jail that has addresses of its own of one family and inherits the other: its sockets for both families are reached on
 * every address of the inherited one. Such jails are entered as owners of that wildcard.
 */
static __always_inline bool steer_everywhere(struct bpf_sk_lookup *ctx, const struct addr6 *a)
{
	struct addr6 any = { { 0, 0, is_mapped(a) ? MAPPED : 0, 0 } };
	struct hold_owner *o = bpf_map_lookup_elem(&hold_owners, &any);

	for (int i = 0; o && i < HOLD_OWNERS; i++) {
		__u64 jail = o->jail[i];
		struct hold_port_key key = { .jail = jail, .port = ctx->local_port, .proto = ctx->protocol };

		if (!jail)
			break;
		key.kind = HOLD_DUAL;
		if (steer_to(ctx, &key))
			return true;
	}
	return false;
}

SEC("sk_lookup")
int hold_lookup(struct bpf_sk_lookup *ctx)
{
	const volatile struct bpf_sk_lookup *v = ctx; /* as in dest6 */
	struct addr6 a = { { 0, 0, MAPPED, v->local_ip4 } };
	struct hold_hidden *hidden;
	__u32 port = ctx->local_port;
	struct hold_owner *o;

	if (ctx->family == AF_INET6) {
		a.w[0] = v->local_ip6[0];
		a.w[1] = v->local_ip6[1];
		a.w[2] = v->local_ip6[2];
		a.w[3] = v->local_ip6[3];
	}
	o = bpf_map_lookup_elem(&hold_owners, &a);
	if (o) {
		for (int i = 0; i < HOLD_OWNERS; i++) {
			__u64 jail = o->jail[i];

			if (!jail)
				break;
			if (steer(ctx, jail, &a))
				return SK_PASS;
		}
	}
	if (steer_everywhere(ctx, &a))
		return SK_PASS;
	if (ctx->protocol != IPPROTO_TCP)
		return SK_PASS;
	/* a port that only exists inside the kernel answers as a closed one, and on others' addresses it does not exist */
	hidden = bpf_map_lookup_elem(&hold_hidden, &port);
	return hidden && (hidden->everywhere || (o && hidden->somewhere)) ? SK_DROP : SK_PASS;
}

#endif
