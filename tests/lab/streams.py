"""streams.py KIND COMMAND...: run COMMAND with one socket (unix or tcp) as its 0, 1 and 2; what it is sent it has to send back."""
import socket
import subprocess
import sys

kind, command = sys.argv[1], sys.argv[2:]
if kind == "unix":
    ours, theirs = socket.socketpair()
else:
    listener = socket.create_server(("127.0.0.1", 0))
    ours = socket.create_connection(listener.getsockname())
    theirs, _ = listener.accept()
process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs)
theirs.close()
text = b"0123456789" * 100000
sent = 0
got = b""
ours.setblocking(False)
import select
open_for_writing = True
while True:
    r, w, _ = select.select([ours], [ours] if open_for_writing else [], [])
    if w:
        sent += ours.send(text[sent : sent + 65536])
        if sent == len(text):
            ours.shutdown(socket.SHUT_WR)
            open_for_writing = False
    if r:
        piece = ours.recv(65536)
        if not piece:
            break
        got += piece
print("sent back, %d" % process.wait() if got == text else "%d of %d bytes: %r" % (len(got), len(text), got[:100]))
