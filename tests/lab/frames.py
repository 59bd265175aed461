#!/usr/bin/env python3
"""frames.py - every kind of frame that a NIC can send, and which of them its port on the bridge has to take.

frames.py PID WIRE PROFILE    PID: of a process in the jail, whose epair0b sends; WIRE: where they are heard, behind the bridge

PROFILE, a letter: 4 static IPv4 only; 6 static IPv6 only; D both; R static IPv4 and router advertisements; C DHCP, no lease yet;
S configures itself; N none of either; T both, and VLAN 10 tagged. Addresses and MAC are those that antispoof.bats gives.
Each frame has its number behind what its headers say is its end. Prints what is not as it should be.
"""
import ctypes
import select
import socket
import struct
import sys
import time

MAC = bytes.fromhex("02aabbccdd02")
OTHER = bytes.fromhex("026666666666")
ALL = b"\xff" * 6
NONE4 = bytes(4)
OWN4, VICTIM4, GW4 = (socket.inet_aton("10.7.0." + n) for n in ("5", "12", "1"))


def a6(text):
    return socket.inet_pton(socket.AF_INET6, text)


OWN6, VICTIM6, LL, SLAAC = a6("2001:db8:a:7::5"), a6("2001:db8:a:7::12"), a6("fe80::aa:bbff:fecc:dd02"), a6(
    "2001:db8:a:7:aa:bbff:fecc:dd02")
OTHER_LL, ANY6, NODES, ROUTERS, SERVERS6 = a6("fe80::1"), bytes(16), a6("ff02::1"), a6("ff02::2"), a6("ff02::1:2")


def sum16(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def eth(kind, body, src=MAC, dst=ALL):
    return dst + src + struct.pack("!H", kind) + body


def llc(body, src=MAC, dst=ALL):
    return dst + src + struct.pack("!H", len(body)) + body


def tag(vid, frame, kind=0x8100):
    return frame[:12] + struct.pack("!HH", kind, vid) + frame[12:]


def arp(op, sha=MAC, spa=OWN4, tpa=GW4, head=b"\0\1\x08\0\6\4"):
    return head + struct.pack("!H6s4s6s4s", op, sha, spa, ALL, tpa)


def ip4(proto, body, src=OWN4, dst=b"\xff" * 4, frag=0, options=b""):
    head = struct.pack("!BBHHHBBH4s4s", 0x45 + len(options) // 4, 0, 20 + len(options) + len(body), 7, frag, 64, proto, 0,
                       src, dst) + options
    return eth(0x800, head[:10] + struct.pack("!H", sum16(head)) + head[12:] + body)


def ip6(following, body, src=LL, dst=NODES, hops=255):
    return eth(0x86dd, struct.pack("!IHBB", 6 << 28, len(body), following, hops) + src + dst + body)


def udp(sport, dport, body=b"x"):
    return struct.pack("!HHHH", sport, dport, 8 + len(body), 0) + body


def icmp6(kind, body, src=LL, dst=NODES):
    data = struct.pack("!BBH", kind, 0, 0) + body
    pseudo = src + dst + struct.pack("!II", len(data), 58)
    return data[:2] + struct.pack("!H", sum16(pseudo + data)) + data[4:]


def cut(seen, missing, after):
    """seen is what the header says there is; the kernel that follows the headers comes to `after`"""
    frame = ip6(44, seen)
    return frame + bytes(missing) + after


def nd(kind, body, src=LL, dst=NODES):
    return ip6(58, icmp6(kind, body, src, dst), src, dst)


def frag6(following, body, off=0, more=0):
    return struct.pack("!BBHI", following, 0, off << 3 | more, 77) + body


def bootp(op=1, chaddr=MAC, ci=NONE4, yi=NONE4, gi=NONE4, kind=1, htype=1, hlen=6):
    return struct.pack("!BBBBIHH", op, htype, hlen, 0, 0x1234, 0, 0) + ci + yi + NONE4 + gi + chaddr + bytes(10 + 192) + bytes(
        [99, 130, 83, 99, 53, 1, kind, 255])


def ask(src=NONE4, dport=67, sport=68, frag=0, options=b"", **kw):
    return ip4(17, udp(sport, dport, bootp(**kw)), src=src, frag=frag, options=options)


def offer(sport, **kw):
    return ip4(17, udp(sport, 68, bootp(2, OTHER, yi=VICTIM4, kind=2)), **kw)


def target(address, option=b"", flags=0):
    return struct.pack("!I", flags) + address + option


def option(kind, value):
    return bytes([kind, 1]) + value


RA = struct.pack("!BBHII", 64, 0, 1800, 0, 0) + option(1, MAC)
HOP, DST = bytes([58, 0, 5, 2, 0, 0, 1, 0]), bytes([58, 0, 1, 4, 0, 0, 0, 0])
DST_UDP = bytes([17, 0, 1, 4, 0, 0, 0, 0])
SOLICITED = a6("ff02::1:ff00:12")
SNAP = bytes.fromhex("aaaa03000000")
BPDU = bytes.fromhex("424203" + "0000000000" + "0000" + "00" * 12 + "00000000" + "0000" + "00" * 12 + "8001" + "000014000200" + "0f00")
V4, STATIC4, HAS6 = "4DRCST", "4DRST", "6DRST"

# name, frame, profiles that may send it
TABLE = [
    # IPv4 and ARP
    ("ARP request", eth(0x806, arp(1)), STATIC4),
    ("ARP reply", eth(0x806, arp(2)), STATIC4),
    ("gratuitous ARP", eth(0x806, arp(1, tpa=OWN4)), STATIC4),
    ("ARP probe for its own address", eth(0x806, arp(1, spa=NONE4, tpa=OWN4)), STATIC4),
    ("ARP probe for another's address", eth(0x806, arp(1, spa=NONE4, tpa=VICTIM4)), "S"),
    ("ARP: the gateway is me", eth(0x806, arp(2, spa=GW4)), "S"),
    ("ARP: my address, another MAC", eth(0x806, arp(2, sha=OTHER)), ""),
    ("ARP from another MAC", eth(0x806, arp(1), src=OTHER), ""),
    ("ARP of another hardware type", eth(0x806, arp(2, spa=GW4, head=b"\0\6\x08\0\6\4")), ""),
    ("ARP with addresses of another length", eth(0x806, arp(2, spa=GW4, head=b"\0\1\x08\0\4\4")), ""),
    ("RARP by ARP's number", eth(0x806, arp(4, spa=GW4)), ""),
    ("InARP", eth(0x806, arp(9)), ""),
    ("RARP", eth(0x8035, arp(4, spa=GW4)), ""),
    ("ARP in SNAP", llc(SNAP + b"\x08\6" + arp(2, spa=GW4)), ""),
    ("own ARP in SNAP", llc(SNAP + b"\x08\6" + arp(1)), ""),
    ("IPv4 in SNAP", llc(SNAP + b"\x08\0" + ip4(17, udp(9, 9))[14:]), ""),
    ("UDP", ip4(17, udp(9, 9)), STATIC4),
    ("TCP", ip4(6, bytes(20)), STATIC4),
    ("ICMP echo", ip4(1, b"\x08\0\0\0" + bytes(4)), STATIC4),
    ("SCTP", ip4(132, bytes(12)), STATIC4),
    ("ESP", ip4(50, bytes(16)), STATIC4),
    ("mDNS", ip4(17, udp(5353, 5353), dst=socket.inet_aton("224.0.0.251")), STATIC4),
    ("UDP with options", ip4(17, udp(9, 9), options=bytes(4)), STATIC4),
    ("first fragment", ip4(17, udp(9, 9, bytes(40)), frag=0x2000), STATIC4),
    ("last fragment", ip4(17, bytes(16), frag=4), STATIC4),
    ("TFTP request, as of a network boot", ip4(17, udp(2070, 69)), STATIC4),
    ("request to a boot server", ip4(17, udp(68, 4011, bootp())), STATIC4),
    ("IPv4 of another", ip4(17, udp(9, 9), src=GW4), "S"),
    ("fragment of another", ip4(17, bytes(16), src=GW4, frag=4), "S"),
    ("IPv4 without a source", ip4(17, udp(9, 9), src=NONE4), "S"),
    ("ICMP redirect", ip4(1, b"\5\1\0\0" + bytes(32)), ""),
    ("ICMP router advertisement", ip4(1, b"\x09\0\0\0" + bytes(12)), ""),
    ("IGMPv2 report", ip4(2, b"\x16\0\0\0\xe1\0\0\1"), STATIC4),
    ("IGMPv3 report", ip4(2, b"\x22\0" + bytes(6)), STATIC4),
    ("IGMP query", ip4(2, b"\x11\0" + bytes(6)), ""),
    ("VRRP", ip4(112, bytes.fromhex("2101ff0100010000") + GW4, dst=socket.inet_aton("224.0.0.18")), ""),
    ("HSRP", ip4(17, udp(1985, 1985, bytes(20)), dst=socket.inet_aton("224.0.0.2")), ""),
    ("IPv4 that says it is IPv6", eth(0x800, ip6(17, udp(9, 9), OWN6)[14:]), ""),
    ("IPv4 whose header is longer than it", eth(0x800, b"\x4f" + ip4(17, udp(9, 9))[15:34]), ""),
    # DHCP
    ("DHCP discover", ask(), V4),
    ("DHCP request with options in IP", ask(options=bytes(4)), V4),
    ("DHCP inform", ask(src=OWN4, ci=OWN4, kind=8), STATIC4),
    ("DHCP release", ask(src=OWN4, ci=OWN4, kind=7), STATIC4),
    ("DHCP discover, MAC of another", ask(chaddr=OTHER), ""),
    ("DHCP discover, no hardware address", ask(htype=0, hlen=0), ""),
    ("DHCP discover in a fragment", ask(frag=0x2000), ""),
    ("DHCP request by a relay", ask(gi=GW4), ""),
    ("DHCP request by a relay for itself", ask(src=OWN4, sport=67, gi=OWN4), ""),
    ("DHCP release of another's lease", ask(src=OWN4, ci=VICTIM4, kind=7), "S"),
    ("DHCP release from another's address", ask(src=VICTIM4, ci=VICTIM4, kind=7), "S"),
    ("DHCP release for another MAC", ask(src=OWN4, ci=OWN4, chaddr=OTHER, kind=7), ""),
    ("DHCP answer to a relay", ask(op=2, src=OWN4), ""),
    ("DHCP offer, source port 67", offer(67), ""),
    ("DHCP offer, source port 1067", offer(1067), ""),
    ("DHCP offer, source port 68", offer(68), ""),
    ("DHCP offer without a source", offer(1067, src=NONE4), ""),
    ("DHCP offer with options in IP", offer(1067, options=bytes(8)), ""),
    ("DHCP offer, first fragment", offer(1067, frag=0x2000), ""),
    ("DHCP offer, a fragment too short to tell", ip4(17, b"\x04\x2b", frag=0x2000), ""),
    ("DHCP offer, a fragment of eight bytes", ip4(17, udp(9, 9, b""), frag=0x2000), ""),
    ("DHCP discover, MAC of another, its own behind the end", ip4(17, udp(68, 67, b"\1\1\6"), src=NONE4) + bootp()[3:], ""),
    # IPv6
    ("UDP over IPv6, link-local", ip6(17, udp(9, 9)), HAS6),
    ("UDP over IPv6", ip6(17, udp(9, 9), OWN6), "6DST"),
    ("UDP over IPv6, of a router's prefix", ip6(17, udp(9, 9), SLAAC), "RS"),
    ("TCP over IPv6", ip6(6, bytes(20), LL), HAS6),
    ("IPv6 of another", ip6(17, udp(9, 9), VICTIM6), "S"),
    ("IPv6 of another, link-local", ip6(17, udp(9, 9), OTHER_LL), "S"),
    ("IPv6 without a source", ip6(17, udp(9, 9), ANY6), "S"),
    ("echo", nd(128, bytes(8)), HAS6),
    ("echo behind destination options", ip6(60, DST + icmp6(128, bytes(8))), HAS6),
    ("first fragment of IPv6", ip6(44, frag6(17, udp(9, 9, bytes(24)), 0, 1)), HAS6),
    ("last fragment of IPv6", ip6(44, frag6(17, bytes(16), 4)), HAS6),
    ("router solicitation", nd(133, bytes(4) + option(1, MAC), dst=ROUTERS), HAS6),
    ("router solicitation without a source", nd(133, bytes(4), ANY6, ROUTERS), HAS6),
    ("router solicitation, MAC of another", nd(133, bytes(4) + option(1, OTHER), dst=ROUTERS), ""),
    ("neighbour solicitation", nd(135, target(VICTIM6, option(1, MAC)), dst=SOLICITED), HAS6),
    ("neighbour solicitation, no option", nd(135, target(VICTIM6)), HAS6),
    ("neighbour solicitation, MAC of another", nd(135, target(VICTIM6, option(1, OTHER))), ""),
    ("neighbour solicitation, two options", nd(135, target(VICTIM6, option(1, MAC) + option(1, OTHER))), ""),
    ("neighbour solicitation, a strange option", nd(135, target(VICTIM6, option(5, OTHER))), ""),
    ("neighbour solicitation behind options", ip6(0, HOP + icmp6(135, target(VICTIM6, option(1, OTHER)))), ""),
    ("DAD for its own address", nd(135, target(LL), ANY6), HAS6),
    ("DAD for its own address with a nonce", nd(135, target(LL, option(14, b"nonce!")), ANY6), HAS6),
    ("DAD for another's address", nd(135, target(VICTIM6), ANY6, SOLICITED), "S"),
    ("DAD for another's address with a nonce", nd(135, target(VICTIM6, option(14, b"nonce!")), ANY6, SOLICITED), "S"),
    ("DAD for another's address behind options", ip6(60, DST + icmp6(135, target(VICTIM6), ANY6), ANY6), ""),
    ("DAD for another's address, fragmented", ip6(44, frag6(58, icmp6(135, target(VICTIM6), ANY6)), ANY6), ""),
    ("neighbour advertisement", nd(136, target(LL, option(2, MAC), 0x20000000)), HAS6),
    ("neighbour advertisement, no option", nd(136, target(LL)), HAS6),
    ("neighbour advertisement for another", nd(136, target(VICTIM6, option(2, MAC), 0x20000000)), "S"),
    ("neighbour advertisement, MAC of another", nd(136, target(LL, option(2, OTHER), 0x20000000)), ""),
    ("neighbour advertisement behind options", ip6(0, HOP + icmp6(136, target(VICTIM6, option(2, MAC)))), ""),
    ("neighbour advertisement, fragmented", ip6(44, frag6(58, icmp6(136, target(VICTIM6)))), ""),
    ("router advertisement", nd(134, RA), ""),
    ("router advertisement behind hop-by-hop options", ip6(0, HOP + icmp6(134, RA)), ""),
    ("router advertisement behind destination options", ip6(60, DST + icmp6(134, RA)), ""),
    ("router advertisement in an atomic fragment", ip6(44, frag6(58, icmp6(134, RA))), ""),
    ("router advertisement, its options first", ip6(44, frag6(60, DST, 0, 1)), ""),
    ("router advertisement, a second fragment header", ip6(44, frag6(44, frag6(58, icmp6(134, RA)))), ""),
    ("redirect", nd(137, bytes(4) + OTHER_LL + VICTIM6), ""),
    ("inverse neighbour solicitation", nd(141, bytes(4) + option(1, MAC)), ""),
    ("MLDv1 report", ip6(0, HOP + icmp6(131, bytes(20)), hops=1), HAS6),
    ("MLDv2 report", ip6(0, HOP + icmp6(143, bytes(4)), hops=1), HAS6),
    ("MLDv2 report without a source", ip6(0, HOP + icmp6(143, bytes(4), ANY6), ANY6, hops=1), HAS6),
    ("MLD query", nd(130, bytes(20)), ""),
    ("VRRP over IPv6", ip6(112, bytes(24)), ""),
    ("DHCPv6 solicit", ip6(17, udp(546, 547, b"\1" + bytes(20)), dst=SERVERS6), "S"),
    ("DHCPv6 release", ip6(17, udp(546, 547, b"\x08" + bytes(20)), dst=SERVERS6), "S"),
    ("DHCPv6 release behind options", ip6(60, DST_UDP + udp(546, 547, b"\x08" + bytes(20)), dst=SERVERS6), "S"),
    ("DHCPv6 information request", ip6(17, udp(546, 547, b"\x0b" + bytes(20)), dst=SERVERS6), "RS"),
    ("DHCPv6 reply, port 547", ip6(17, udp(547, 546, b"\7" * 20)), ""),
    ("DHCPv6 reply, port 1547", ip6(17, udp(1547, 546, b"\7" * 20)), ""),
    ("DHCPv6 reply behind options", ip6(60, DST_UDP + udp(1547, 546, b"\7" * 20)), ""),
    ("DHCPv6 reply, first fragment", ip6(44, frag6(17, udp(1547, 546, bytes(24)), 0, 1)), ""),
    ("DHCPv6 reply, its header is in the next fragment", cut(frag6(60, bytes([17, 1]), 0, 1), 14, udp(9, 9)), ""),
    ("router advertisement in the next fragment", cut(frag6(60, bytes([58, 1]), 0, 1), 14, icmp6(128, bytes(8))), ""),
    ("TCP that may be anything in the next fragment", cut(frag6(60, bytes([6, 1]), 0, 1), 14, bytes(20)), ""),
    ("DHCPv6 reply behind the end of a fragment", cut(frag6(17, b"", 0, 1), 0, udp(9, 9)), ""),
    ("first fragment behind options", ip6(0, bytes([44, 0, 1, 4, 0, 0, 0, 0]) + frag6(17, udp(9, 9, bytes(24)), 0, 1)), ""),
    ("IPv6 cut short", eth(0x86dd, ip6(58, icmp6(134, RA))[14:30]), ""),
    # tags
    ("own ARP, VLAN 10", tag(10, eth(0x806, arp(1))), "T"),
    ("own IPv6, VLAN 10", tag(10, ip6(17, udp(9, 9))), "T"),
    ("the gateway's ARP, VLAN 10", tag(10, eth(0x806, arp(2, spa=GW4))), ""),
    ("router advertisement, VLAN 10", tag(10, nd(134, RA)), ""),
    ("DHCP offer, VLAN 10", tag(10, offer(1067)), ""),
    ("DAD for another, VLAN 10", tag(10, nd(135, target(VICTIM6), ANY6)), ""),
    ("own ARP, VLAN 66", tag(66, eth(0x806, arp(1))), ""),
    ("own ARP, VLAN 0", tag(0, eth(0x806, arp(1))), ""),
    ("own ARP, priority 5 and VLAN 10", tag(0xa00a, eth(0x806, arp(1))), "T"),
    ("own ARP, priority 5 and no VLAN", tag(0xa000, eth(0x806, arp(1))), ""),
    ("router advertisement, VLAN 0", tag(0, nd(134, RA)), ""),
    ("own ARP, VLAN 4095", tag(4095, eth(0x806, arp(1))), ""),
    ("two tags", tag(10, tag(10, eth(0x806, arp(1)))), ""),
    ("two tags, the outer one 802.1ad", tag(10, tag(10, eth(0x806, arp(1))), 0x88a8), ""),
    ("two tags, the inner one 802.1ad", tag(10, tag(10, eth(0x806, arp(1)), 0x88a8)), ""),
    ("802.1ad", tag(10, eth(0x806, arp(1)), 0x88a8), ""),
    ("0x9100", tag(10, eth(0x806, arp(1)), 0x9100), ""),
    ("BPDU in VLAN 10", tag(10, llc(BPDU, dst=bytes.fromhex("0180c2000000"))), ""),
    # other protocols
    ("BPDU", llc(BPDU, dst=bytes.fromhex("0180c2000000")), ""),
    ("BPDU to everybody", llc(BPDU), ""),
    ("PVST+", llc(bytes.fromhex("aaaa0300000c010b") + BPDU[3:], dst=bytes.fromhex("01000ccccccd")), ""),
    ("CDP", llc(bytes.fromhex("aaaa0300000c2000") + bytes(30), dst=bytes.fromhex("01000ccccccc")), ""),
    ("DTP to everybody", llc(bytes.fromhex("aaaa0300000c2004") + bytes(30)), ""),
    ("LLDP", eth(0x88cc, bytes(40), dst=bytes.fromhex("0180c200000e")), ""),
    ("LLDP to everybody", eth(0x88cc, bytes(40)), ""),
    ("pause", eth(0x8808, b"\0\1\xff\xff" + bytes(42), dst=bytes.fromhex("0180c2000001")), ""),
    ("pause to everybody", eth(0x8808, b"\0\1\xff\xff" + bytes(42)), ""),
    ("LACP", eth(0x8809, b"\1\1" + bytes(100), dst=bytes.fromhex("0180c2000002")), ""),
    ("GVRP", llc(bytes.fromhex("424203") + bytes(20), dst=bytes.fromhex("0180c2000021")), ""),
    ("EAPOL", eth(0x888e, b"\1\2\0\0" + bytes(42), dst=bytes.fromhex("0180c2000003")), ""),
    ("EAPOL to everybody", eth(0x888e, b"\1\2\0\0" + bytes(42)), ""),
    ("MACsec", eth(0x88e5, bytes(46)), ""),
    ("PPPoE offer", eth(0x8863, b"\x11\7\0\0\0\0" + bytes(40)), ""),
    ("PPPoE session", eth(0x8864, b"\x11\0\0\1\0\2\0\x21" + bytes(40)), ""),
    ("MPLS", eth(0x8847, b"\0\0\x11\x40" + ip4(17, udp(9, 9), src=GW4)[14:]), ""),
    ("NSH", eth(0x894f, bytes(46)), ""),
    ("batman", eth(0x4305, bytes(46)), ""),
    ("wake on LAN", eth(0x0842, ALL + OTHER * 16), ""),
    ("loopback test", eth(0x9000, bytes(46)), ""),
    ("IPX, raw", llc(b"\xff\xff" + bytes(44)), ""),
    ("NetBEUI", llc(b"\xf0\xf0\3" + bytes(43)), ""),
    ("unknown", eth(0x88b5, bytes(46)), ""),
    ("IPv4 to a reserved group", ip4(17, udp(9, 9)).replace(ALL, bytes.fromhex("0180c2000000"), 1), ""),
    ("DHCP discover to a reserved group", ask().replace(ALL, bytes.fromhex("0180c2000000"), 1), ""),
]


def enter(pid):
    libc = ctypes.CDLL(None, use_errno=True)
    with open("/proc/%s/ns/net" % pid) as ns:
        if libc.setns(ns.fileno(), 0x40000000):
            raise OSError(ctypes.get_errno(), "setns")


def heard(wire, seconds):
    found, end = set(), time.monotonic() + seconds
    while select.select([wire], [], [], max(0, end - time.monotonic()))[0]:
        data, addr = wire.recvfrom(65535)
        at = data.rfind(b"FRAME=")
        if at >= 0 and addr[2] != socket.PACKET_OUTGOING:
            found.add(int(data[at + 6:at + 10]))
    return found


def main(pid, wire_name, profile):
    wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    wire.bind((wire_name, 0))
    wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    enter(pid)
    nic = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    nic.bind(("epair0b", 0))
    for i, (_, frame, _) in enumerate(TABLE):
        nic.send(frame.ljust(60, b"\0") + b"FRAME=%04d" % i)
    got, wrong = heard(wire, 2), 0
    for i, (name, _, who) in enumerate(TABLE):
        if (i in got) != (profile in who):
            wrong += 1
            print("%s: %s, should %s" % (name, "arrived" if i in got else "was dropped",
                                         "have arrived" if profile in who else "have been dropped"))
    print("%d frames, %d as they should not be" % (len(TABLE), wrong))
    return 1 if wrong else 0


sys.exit(main(*sys.argv[1:]))
