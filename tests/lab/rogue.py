#!/usr/bin/env python3
"""rogue.py - a DHCP server for tests that gives everybody 10.7.0.99. rogue.py IFACE PORT FILE: answers come from PORT; FILE
has a line for each question, and is there when it listens."""
import socket
import struct
import sys

iface, port, path = sys.argv[1], int(sys.argv[2]), sys.argv[3]
ANSWER = {1: 2, 3: 5}  # discover: offer, request: ack


def server(number):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, iface.encode())
    s.bind(("", number))
    return s


listener = server(67)
sender = listener if port == 67 else server(port)
with open(path, "w") as log:
    while True:
        asked = listener.recv(2000)
        kind = ANSWER.get(asked[242]) if asked[240:242] == b"\x35\1" else None
        if not kind:
            continue
        log.write("%d\n" % asked[242])
        log.flush()
        me = socket.inet_aton("10.7.0.5")
        head = struct.pack("!BBBB", 2, 1, 6, 0) + asked[4:12] + bytes(4) + socket.inet_aton("10.7.0.99") + me + bytes(4)
        head += asked[28:44] + bytes(192) + bytes([99, 130, 83, 99, 53, 1, kind, 54, 4]) + me
        sender.sendto(head + bytes([51, 4, 0, 0, 1, 0, 1, 4, 255, 255, 255, 0, 255]), ("255.255.255.255", 68))
