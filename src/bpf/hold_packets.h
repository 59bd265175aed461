/* hold_packets.h - packets of a shared-IP jail: which come in and which leave. Part of hold.bpf.c. */
#ifndef IOCAGE_BPF_HOLD_PACKETS_H
#define IOCAGE_BPF_HOLD_PACKETS_H

/* May a packet to a group or to all come in: as on FreeBSD only to jails of several addresses. */
static __always_inline bool group4(const struct hold_jail *j, const struct __sk_buff *skb, __u32 a)
{
	if (j->n4 < 2)
		return false;
	/* to all, to a group, or one of either that this host has sent and hears itself */
	return skb->pkt_type == 1 || skb->pkt_type == 2 || skb->pkt_type == 5 ||
	       (bpf_ntohl(a) & 0xf0000000) == 0xe0000000 || a == 0xffffffff;
}

/* A connection lives on when its address is taken from the jail, until it is ended; but none outlives the jail. */
static __always_inline bool is_connection(const struct hold_jail *j, struct __sk_buff *skb)
{
	struct bpf_sock *sk = skb->sk;

	if (!sk || !j->jail)
		return false;
	sk = bpf_sk_fullsock(sk);
	return sk && sk->protocol == IPPROTO_TCP && sk->state != STATE_LISTEN && sk->state != STATE_CLOSE &&
	       sk->state != STATE_SYN_SENT;
}

/* Does it listen where the broker has not put it: on a port that it got past the broker, if there is a way. */
static __always_inline bool is_stray(struct __sk_buff *skb)
{
	struct bpf_sock *sk = skb->sk;
	struct hold_sock *s;

	if (!sk)
		return false;
	sk = bpf_sk_fullsock(sk);
	if (!sk || sk->protocol != IPPROTO_TCP || sk->state != STATE_LISTEN)
		return false;
	s = bpf_sk_storage_get(&hold_socks, sk, NULL, 0);
	return !s || s->state != HOLD_BOUND || !(s->flags & HOLD_S_HIDDEN);
}

SEC("cgroup_skb/ingress")
int hold_in(struct __sk_buff *skb)
{
	struct hold_jail *j = bpf_get_local_storage(&hold_jails, 0);
	struct addr6 a;

	if (skb->protocol == bpf_htons(ETH_P_IP)) {
		if (!held4(j))
			return 1;
		if (bpf_skb_load_bytes(skb, 16, &a.w[3], 4))
			return 0;
		return (own4(j, a.w[3]) && !is_stray(skb)) || group4(j, skb, a.w[3]) || is_connection(j, skb);
	}
	if (skb->protocol == bpf_htons(ETH_P_IPV6)) {
		if (!held6(j))
			return 1;
		if (bpf_skb_load_bytes(skb, 24, a.w, 16))
			return 0;
		return (own6(j, &a) && !is_stray(skb)) || (j->n6 > 1 && (bpf_ntohl(a.w[0]) >> 24) == 0xff) ||
		       is_connection(j, skb);
	}
	return 0;
}

/* A copy of a packet to a group, which the monitor sends to the sockets of this host: with this hop limit it stays here. */
static __always_inline bool is_relayed(struct __sk_buff *skb)
{
	struct bpf_sock *sk = skb->sk;
	struct hold_sock *s;
	__u8 hops, group;

	if (bpf_skb_load_bytes(skb, 7, &hops, 1) || bpf_skb_load_bytes(skb, 24, &group, 1) || hops || group != 0xff ||
	    !sk)
		return false;
	sk = bpf_sk_fullsock(sk);
	s = sk ? bpf_sk_storage_get(&hold_socks, sk, NULL, 0) : NULL;
	return s && s->state == HOLD_RELAY;
}

/*
 * Raw and ping sockets meet no hook on their way to the loopback's addresses. They may ask 127.0.0.1 and ::1 for an echo, as
 * programs do to see whether there is a network, and nothing else.
 */
static __always_inline bool to_loopback(const struct hold_jail *j, struct __sk_buff *skb, const struct addr6 *dst)
{
	struct bpf_sock *sk = skb->sk ? bpf_sk_fullsock(skb->sk) : NULL;
	__u8 proto;

	/* a listener's answer to who asked it from there: a service on the jail's own localhost */
	if (sk && sk->protocol == IPPROTO_TCP && sk->state == STATE_LISTEN)
		return false;
	if (is_mapped(dst) ? !is_loop4(dst->w[3]) || own4(j, dst->w[3]) : !is_loop6(dst) || own6(j, dst))
		return false;
	if (bpf_skb_load_bytes(skb, is_mapped(dst) ? 9 : 6, &proto, 1))
		return true;
	return is_mapped(dst) ? dst->w[3] != LOOPBACK4 || proto != IPPROTO_ICMP : proto != IPPROTO_ICMPV6;
}

SEC("cgroup_skb/egress")
int hold_out(struct __sk_buff *skb)
{
	struct hold_jail *j = bpf_get_local_storage(&hold_jails, 0);
	struct addr6 a[2] = { 0 };

	if (skb->protocol == bpf_htons(ETH_P_IP)) {
		if (!held4(j))
			return 1;
		if (bpf_skb_load_bytes(skb, 12, &a[0].w[0], 8))
			return 0;
		a[1] = (struct addr6){ { 0, 0, MAPPED, a[0].w[1] } };
		return (own4(j, a[0].w[0]) && !to_loopback(j, skb, &a[1])) || is_connection(j, skb);
	}
	if (skb->protocol == bpf_htons(ETH_P_IPV6)) {
		if (!held6(j))
			return 1;
		if (bpf_skb_load_bytes(skb, 8, a, 32))
			return 0;
		/* group membership reports leave from the unspecified or a link-local address, made by the kernel */
		return (own6(j, &a[0]) && !to_loopback(j, skb, &a[1])) || is_connection(j, skb) || is_relayed(skb);
	}
	return 0;
}

#endif
