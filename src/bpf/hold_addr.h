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

static __always_inline bool is_loop6(const struct addr6 *a)
{
	return !a->w[0] && !a->w[1] && !a->w[2] && a->w[3] == bpf_htonl(1);
}

#endif
