#!/usr/bin/env python3
"""onpty.py - run a command on a terminal of its own and drive it.

usage: onpty.py STEP... -- COMMAND [ARG...]
steps: size=ROWSxCOLS  type=TEXT (python escapes)  expect=TEXT  wait=SECONDS
Prints what appeared; exits with the command's status (128 + signal), or 124 when an expected text did not come.
"""
import fcntl
import os
import pty
import select
import signal
import struct
import sys
import termios
import time

cut = sys.argv.index("--")
steps, argv = sys.argv[1:cut], sys.argv[cut + 1:]
seen, mark = b"", 0


def size(fd, text):
    rows, cols = (int(x) for x in text.split("x"))
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, cols, 0, 0))


def read(fd, seconds):
    """Take what comes within the time; False at the end."""
    global seen
    if not select.select([fd], [], [], max(0, seconds))[0]:
        return True
    try:
        data = os.read(fd, 65536)
    except OSError:
        return False
    seen += data
    return bool(data)


def finish(status):
    sys.stdout.buffer.write(seen.replace(b"\r\n", b"\n"))
    sys.stdout.flush()
    sys.exit(status)


pid, fd = pty.fork()
if pid == 0:
    # the size is set before the command looks
    if steps and steps[0].startswith("size="):
        size(0, steps[0][5:])
    os.execvp(argv[0], argv)

for step in steps:
    what, _, text = step.partition("=")
    if what == "size":
        size(fd, text)
    elif what == "type":
        os.write(fd, text.encode().decode("unicode_escape").encode())
    elif what == "wait":
        end = time.time() + float(text)
        while time.time() < end and read(fd, end - time.time()):
            pass
    elif what == "expect":
        end = time.time() + 10
        while text.encode() not in seen[mark:]:
            if time.time() > end or not read(fd, end - time.time()):
                sys.stderr.write("pty: did not see %r\n" % text)
                os.kill(pid, signal.SIGKILL)
                finish(124)
        mark = seen.index(text.encode(), mark) + len(text)

end = time.time() + 20
while read(fd, end - time.time()):
    if time.time() > end:
        os.kill(pid, signal.SIGKILL)
        break
_, status = os.waitpid(pid, 0)
finish(os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status))
