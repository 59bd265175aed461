#!/usr/bin/env python3
"""forge.py - put a made-up frame on the wire, or list those that arrive. Each carries a token.

forge.py send IFACE TOKEN KIND [key=value...]   KIND: arp ip4 ip6 ra ask dhcp4 ack dhcp6 other
    mac, smac: source of the frame, sender of the ARP packet (IFACE's own); src, dst, target: addresses;
    chaddr, yiaddr: of ack, a server's answer that gives an address; chaddr (IFACE's own): of ask, a client's question;
    sport: of ask and ack;
    vlan=10 or vlan=10.20: tags, outer first; dmac: where to (broadcast)
forge.py listen IFACE FILE                       tokens, one a line, until killed; FILE appears when it listens
"""
import os
import re
import socket
import struct
import sys

ANY = "ff:ff:ff:ff:ff:ff"


def mac(text):
    return bytes.fromhex(text.replace(":", ""))


def ip4(src, dst, proto, data):
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(data), 1, 0, 64, proto, 0, socket.inet_aton(src),
                       socket.inet_aton(dst))
    total = sum(struct.unpack("!10H", head))
    total = (total & 0xffff) + (total >> 16)
    return head[:10] + struct.pack("!H", ~(total + (total >> 16)) & 0xffff) + head[12:] + data


def ip6(src, dst, proto, data, hops=255):
    return struct.pack("!IHBB16s16s", 6 << 28, len(data), proto, hops, socket.inet_pton(socket.AF_INET6, src),
                       socket.inet_pton(socket.AF_INET6, dst)) + data


def udp(sport, dport, data):
    return struct.pack("!HHHH", sport, dport, 8 + len(data), 0) + data


def packet(kind, o, token):
    if kind == "arp":
        return 0x0806, struct.pack("!HHBBH6s4s6s4s", 1, 0x0800, 6, 4, int(o.get("op", "2")), mac(o["smac"]),
                                   socket.inet_aton(o["src"]), mac(ANY), socket.inet_aton(o.get("dst", o["src"]))) + token
    if kind == "ip4":
        return 0x0800, ip4(o["src"], o.get("dst", "255.255.255.255"), 17, udp(9, 9, token))
    if kind == "dhcp4":
        return 0x0800, ip4(o["src"], "255.255.255.255", 17, udp(67, 68, b"\2" * 240 + token))
    if kind in ("ask", "ack"):
        asks = kind == "ask"
        head = struct.pack("!BBBBIHH", 1 if asks else 2, 1, 6, 0, 1, 0, 0) + bytes(4) + socket.inet_aton(o.get("yiaddr", "0.0.0.0"))
        head += bytes(8) + mac(o.get("chaddr", o["mac"])) + bytes(10 + 192)
        head += bytes([99, 130, 83, 99, 53, 1, 1 if asks else 5, 51, 4, 0, 0, 0, 60, 255])
        ports = (int(o.get("sport", "68")), 67) if asks else (int(o.get("sport", "67")), 68)
        return 0x0800, ip4(o["src"], "255.255.255.255", 17, udp(*ports, head + token))
    if kind == "ip6":
        return 0x86dd, ip6(o["src"], o.get("dst", "ff02::1"), 17, udp(9, 9, token))
    if kind == "dhcp6":
        return 0x86dd, ip6(o["src"], "ff02::1", 17, udp(547, 546, b"\2" * 20 + token))
    if kind == "ra":
        return 0x86dd, ip6(o["src"], "ff02::1", 58, struct.pack("!BBHBBHII", 134, 0, 0, 64, 0, 1800, 0, 0) + token)
    return 0x88b5, b"y" * 46 + token


def send(iface, token, kind, pairs):
    o = dict(p.split("=", 1) for p in pairs)
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    s.bind((iface, 0))
    own = s.getsockname()[4].hex(":")
    o.setdefault("mac", own)
    o.setdefault("smac", own)
    ethertype, body = packet(kind, o, b"TOKEN=" + token.encode() + b";")
    tags = b"".join(struct.pack("!HH", 0x8100, int(v)) for v in o["vlan"].split(".")) if "vlan" in o else b""
    s.send(mac(o.get("dmac", ANY)) + mac(o["mac"]) + tags + struct.pack("!H", ethertype) + body)


def listen(iface, path):
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    s.bind((iface, 0))
    open(path, "w").close()
    while True:
        data, addr = s.recvfrom(65535)
        found = re.search(rb"TOKEN=([^;]+);", data)
        if found and addr[2] != socket.PACKET_OUTGOING:
            os.write(1, found.group(1) + b"\n")


if sys.argv[1] == "send":
    send(sys.argv[2], sys.argv[3], sys.argv[4], sys.argv[5:])
else:
    listen(sys.argv[2], sys.argv[3])
