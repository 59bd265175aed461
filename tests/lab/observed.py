#!/usr/bin/env python3
"""observed.py - run the lines of a table of observed answers in real jails, and compare: observed.py TABLE SECTION...

A line: case TAB who TAB action TAB answer (- for any, several joined by ` | `). `# name` begins a section. Who: host, lan, or a running jail.
`starts ...` leaves a server running until a line `end` (all of them) or `end TAB CASE` (that one). A line
`says TAB CASE TAB TAB answer` is about what such a server says next. An action is one of probe.c, or `try` and calls of
calls.c. Without a section: their names.
"""
import os
import select
import subprocess
import sys

DIR = os.environ["PROBES"]
SECONDS = 30  # nothing takes that long; what does has hung


def command(who, words):
    program, words = ("calls", words[1:]) if words[0] == "try" else ("probe", words)
    if who == "host":
        return [f"{DIR}/{program}"] + words
    if who == "lan":
        return ["nsenter", "--net=" + os.environ["LAB_LAN_NS"], f"{DIR}/{program}"] + words
    return ["iocage", "exec", who, "--", program] + words


class Server:
    """It ends when its input does, and only then is gone: the port is free again after stop()."""

    def __init__(self, who, words):
        self.p = subprocess.Popen(command(who, words), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, bufsize=0)

    def line(self):
        got = b""
        while not got.endswith(b"\n"):
            if not select.select([self.p.stdout], [], [], SECONDS)[0]:
                return "(nothing)"
            b = os.read(self.p.stdout.fileno(), 1)
            if not b:
                break
            got += b
        return got.decode(errors="replace").strip()

    def stop(self):
        self.p.stdin.close()
        try:
            self.p.wait(SECONDS)
        except subprocess.TimeoutExpired:
            self.p.kill()
            self.p.wait()
        self.p.stdout.close()


def once(who, words):
    try:
        p = subprocess.run(command(who, words), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                           stderr=subprocess.STDOUT, timeout=SECONDS, check=False)
        return p.stdout.decode(errors="replace").strip()
    except subprocess.TimeoutExpired:
        return "(hangs)"


def sections(table):
    ret, name = {}, None
    with open(table, encoding="ascii") as f:
        for line in f:
            line = line.rstrip("\n")
            if line.startswith("# "):
                name = line[2:]
                ret[name] = []
            elif line:
                ret[name].append((line.split("\t") + ["", "", ""])[:4])
    return ret


def run(lines):
    """How many lines were asked, and which were answered otherwise."""
    servers, asked, bad = {}, 0, 0
    for n, (case, who, action, want) in enumerate(lines):
        if case == "end":
            for name in [who] if who else list(servers):
                servers.pop(name).stop()
            continue
        words = action.split()
        if case == "says":
            case, got = who + " says", servers[who].line()
        elif words[0] == "starts":
            name = case if case != "-" else f"-{n}"
            servers[name] = Server(who, words[1:])
            got = servers[name].line()
        else:
            got = once(who, words)
        asked += 1
        if want != "-" and got not in want.split(" | "):
            bad += 1
            print(f"{case} {who}: {action}\n  want {want}\n  got  {got}", flush=True)
    for s in servers.values():
        s.stop()
    return asked, bad


def main():
    table = sections(sys.argv[1])
    if len(sys.argv) == 2:
        print("\n".join(table))
        return 0
    asked = bad = 0
    for name in sys.argv[2:]:
        a, b = run(table[name])
        asked, bad = asked + a, bad + b
    print(f"{asked} answers, {bad} of them wrong")
    return 1 if bad or not asked else 0


if __name__ == "__main__":
    sys.exit(main())
