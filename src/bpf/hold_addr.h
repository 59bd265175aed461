/* hold_addr.h - addresses in the programs that hold a jail's sockets: 16 bytes, IPv4 as ::ffff:a.b.c.d. */
#ifndef IOCAGE_BPF_HOLD_ADDR_H
#define IOCAGE_BPF_HOLD_ADDR_H

#define LOOPBACK4 bpf_htonl(0x7f000001)
#define MAPPED    bpf_htonl(0x0000ffff) /* third word of ::ffff:a.b.c.d */

struct addr6 {
	__u32 w[4];
};

static __always_inline bool is_mapped(const struct addr6 *a)
{
	return !a->w[0] && !a->w[1] && a->w[2] == MAPPED;
}

static __always_inline bool is_any6(const struct addr6 *a)
{
	return !a->w[0] && !a->w[1] && !a->w[2] && !a->w[3];
}

/* 127/8 */
static __always_inline bool is_loop4(__u32 a)
{
	return (a & bpf_htonl(0xff000000)) == bpf_htonl(0x7f000000);
}

static __always_inline bool is_loop6(const struct addr6 *a)
{
	return !a->w[0] && !a->w[1] && !a->w[2] && a->w[3] == bpf_htonl(1);
}

static __always_inline bool held4(const struct hold_jail *j)
{
	return !(j->flags & HOLD_INHERIT4);
}

static __always_inline bool held6(const struct hold_jail *j)
{
	return !(j->flags & HOLD_INHERIT6);
}

/* volatile: the verifier wants each word of the context taken by itself, from the context's own pointer */
static __always_inline struct addr6 dest6(const volatile struct bpf_sock_addr *ctx)
{
	return (struct addr6){ { ctx->user_ip6[0], ctx->user_ip6[1], ctx->user_ip6[2], ctx->user_ip6[3] } };
}

static __always_inline void set_dest6(volatile struct bpf_sock_addr *ctx, const struct addr6 *a)
{
	ctx->user_ip6[0] = a->w[0];
	ctx->user_ip6[1] = a->w[1];
	ctx->user_ip6[2] = a->w[2];
	ctx->user_ip6[3] = a->w[3];
}

#endif
