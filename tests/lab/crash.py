#!/usr/bin/env python3
"""crash.py - what a disk may hold when the power fails during a command. Usage: crash.py TRACE ROOT BEFORE OUT

TRACE is strace(1)'s record of the command (-y -xx), ROOT the directory it wrote in, BEFORE a copy of that from before. Every
tree that may be left after each of its system calls is made as OUT/0001, OUT/0002, ...; OUT/NNNN.why says when and how, and
OUT/done lists those that may be left when the command has ended.

The model is the strictest that POSIX allows: the data of a file is there once it was synced, a name in a directory once that
directory was. What was not synced may be there or not: all of it, none, any beginning, all but one directory's, one directory's
alone; unsynced data is there, is half there or is missing. Renames are atomic, and nothing else is.
"""
import hashlib
import os
import re
import stat
import sys


class Inode:
    def __init__(self, kind, mode=0o644, data=b"", source=None):
        self.kind = kind  # "dir", "file", "link", "other"
        self.mode = mode
        self.data = data  # of a link: its target
        self.source = source  # the file of BEFORE with this content
        self.entries = {}


class Disk:
    """The tree as the running system sees it, and all that happened to it, in order."""

    def __init__(self, before):
        self.inodes = []
        self.events = []
        self.top = self.read(before)

    def new(self, inode):
        self.inodes.append(inode)
        return len(self.inodes) - 1

    def read(self, path):
        st = os.lstat(path)
        mode = stat.S_IMODE(st.st_mode)
        if stat.S_ISLNK(st.st_mode):
            return self.new(Inode("link", mode, os.readlink(path).encode()))
        if stat.S_ISREG(st.st_mode):
            with open(path, "rb") as f:
                return self.new(Inode("file", mode, f.read(), path))
        if not stat.S_ISDIR(st.st_mode):
            return self.new(Inode("other", mode))
        me = self.new(Inode("dir", mode))
        for name in sorted(os.listdir(path)):
            self.inodes[me].entries[name] = self.read(os.path.join(path, name))
        return me

    def find(self, path):
        """The inode of a path below the top, or None."""
        at = self.top
        for part in path.split("/"):
            if part in ("", "."):
                continue
            if self.inodes[at].kind != "dir" or part not in self.inodes[at].entries:
                return None
            at = self.inodes[at].entries[part]
        return at

    def parent(self, path):
        head, _, name = path.rstrip("/").rpartition("/")
        return self.find(head), name

    def happen(self, event):
        apply(event, [i.entries for i in self.inodes])
        self.events.append(event)


def apply(event, entries):
    kind = event[0]
    if kind == "name":
        _, d, name, inode = event
        entries[d][name] = inode
    elif kind == "unname":
        entries[event[1]].pop(event[2], None)
    elif kind == "rename":
        _, d1, n1, i1, d2, n2 = event
        if entries[d1].get(n1) == i1:
            del entries[d1][n1]
        entries[d2][n2] = i1
    elif kind == "exchange":
        _, d1, n1, i1, d2, n2, i2 = event
        entries[d1][n1], entries[d2][n2] = i2, i1


def dirs_of(event):
    return {event[1], event[4]} if event[0] in ("rename", "exchange") else {event[1]}


FORKS = ("clone", "clone3", "fork", "vfork")
NAMES = ("name", "unname", "rename", "exchange")

# --- the trace ---


def unhex(s):
    return re.sub(rb"\\x([0-9a-f]{2})", lambda m: bytes([int(m.group(1), 16)]), s)


def arguments(text):
    """Split at commas that are in no string, bracket or <path>."""
    out, depth, quoted, cur = [], 0, False, b""
    for c in (text[i : i + 1] for i in range(len(text))):
        if c == b'"':
            quoted = not quoted
        elif not quoted and c in b"[{<(":
            depth += 1
        elif not quoted and c in b"]}>)":
            depth -= 1
        if c == b"," and not quoted and depth == 0:
            out.append(cur.strip())
            cur = b""
        else:
            cur += c
    return out + [cur.strip()]


def calls(path):
    """(process, name, arguments, result, number) of each call that succeeded, when it ended."""
    waiting = {}
    with open(path, "rb") as f:
        for number, line in enumerate(f, 1):
            pid, line = re.match(rb"(?:(\d+) +)?(.*)", line.rstrip(b"\n"), re.S).groups()
            if line.endswith(b" <unfinished ...>"):
                waiting[pid] = line[: -len(b" <unfinished ...>")]
                continue
            m = re.match(rb"<\.\.\. \w+ resumed>(.*)", line, re.S)
            if m:
                line = waiting.pop(pid, b"") + m.group(1)
            m = re.match(rb"(\w+)\((.*)\) += (-?\d+|0x[0-9a-f]+)(?:<([^>]*)>)?", line, re.S)
            if m and not m.group(3).startswith(b"-"):
                yield pid, m.group(1).decode(), arguments(m.group(2)), int(m.group(3), 0), number


def fd_path(arg):
    m = re.match(rb"[^<]*<(.*)>$", arg, re.S)
    return unhex(m.group(1)).decode(errors="surrogateescape") if m else None


def string(arg):
    m = re.match(rb'"(.*)"$', arg, re.S)
    if not m:
        raise SystemExit(f"crash.py: not a whole string in the trace: {arg[:80]!r}")
    return unhex(m.group(1))


class Recorder:
    def __init__(self, disk, root, parents):
        self.disk, self.root = disk, root
        self.parents = parents  # of a process: who made it
        self.cwd = {}  # of a process, as its last AT_FDCWD said
        self.here = None
        self.dir = {}  # of a process, as its last chdir(2) said
        self.roots = {}  # of a process that called pivot_root(2): strace says paths below it as if it were /
        self.top = ""  # of the process at hand

    def below(self, path):
        if path is None:
            return None
        path = os.path.normpath(path)
        if path == self.root:
            return ""
        return path[len(self.root) + 1 :] if path.startswith(self.root + "/") else None

    def at(self, fd, name):
        name = string(name).decode(errors="surrogateescape")
        if name.startswith("/"):
            return self.below(self.top + name)
        if self.fd_path(fd) is None:
            raise SystemExit(f"crash.py: {name}: relative to what?")
        return self.below(os.path.join(self.fd_path(fd), name))

    def fd_path(self, arg):
        path = fd_path(arg)
        return self.top + path if path is not None else None

    def root_of(self, pid):
        while pid is not None and pid not in self.roots:
            pid = self.parents.get(pid)
        return self.roots.get(pid, "")

    def handle(self, pid, call, a, result):
        self.pid, self.top = pid, self.root_of(pid)
        for arg in a:
            if arg.startswith(b"AT_FDCWD<"):
                self.cwd[pid] = arg
        self.here = self.cwd.get(pid, b"")
        f = getattr(self, "do_" + call, None)
        if f:
            f(a, result)

    def do_chdir(self, a, _):
        self.dir[self.pid] = os.path.join(self.dir.get(self.pid, "/"), string(a[0]).decode())

    # pivot_root(".", "."): the directory at hand becomes all there is
    def do_pivot_root(self, _a, _r):
        self.roots[self.pid] = self.top + os.path.normpath(self.dir[self.pid])
        self.dir[self.pid] = "/"

    def write_at(self, fd, data, offset):
        path = self.below(self.fd_path(fd))
        i = self.disk.find(path) if path is not None else None
        if i is None:
            return
        node = self.disk.inodes[i]
        old = node.data.ljust(offset, b"\0")
        node.data = old[:offset] + data + old[offset + len(data) :]
        node.source = None
        self.disk.events.append(("data", i, node.data))

    # Each write in these traces goes on where the last ended, which is the file's end.
    def do_write(self, a, n):
        path = self.below(self.fd_path(a[0]))
        i = self.disk.find(path) if path is not None else None
        if i is not None:
            self.write_at(a[0], string(a[1])[:n], len(self.disk.inodes[i].data))

    def do_pwrite64(self, a, n):
        self.write_at(a[0], string(a[1])[:n], int(a[3], 0))

    def do_ftruncate(self, a, _):
        path = self.below(self.fd_path(a[0]))
        i = self.disk.find(path) if path is not None else None
        if i is not None:
            node = self.disk.inodes[i]
            node.data = node.data[: int(a[1], 0)].ljust(int(a[1], 0), b"\0")
            node.source = None
            self.disk.events.append(("data", i, node.data))

    def do_copy_file_range(self, a, n):
        src, dst = self.below(self.fd_path(a[0])), self.below(self.fd_path(a[2]))
        i, k = (self.disk.find(p) if p is not None else None for p in (src, dst))
        if k is not None and n:
            start = len(self.disk.inodes[k].data)
            self.write_at(a[2], self.disk.inodes[i].data[start : start + n], start)

    def create(self, path, inode):
        if path is None:
            return
        d, name = self.disk.parent(path)
        if d is None:
            raise SystemExit(f"crash.py: {path} was made in a directory that was not")
        if name not in self.disk.inodes[d].entries:
            self.disk.happen(("name", d, name, self.disk.new(inode)))

    def do_openat(self, a, _):
        if b"O_CREAT" in a[2]:
            path = self.at(a[0], a[1])
            mode = int(a[3], 8) if len(a) > 3 else 0o600
            if path is not None and self.disk.find(path) is None:
                self.create(path, Inode("file", mode))

    def do_mkdirat(self, a, _):
        self.create(self.at(a[0], a[1]), Inode("dir", int(a[2], 8)))

    def do_mkdir(self, a, _):
        self.create(self.at(self.here, a[0]), Inode("dir", int(a[1], 8)))

    def do_symlinkat(self, a, _):
        self.create(self.at(a[1], a[2]), Inode("link", 0o777, string(a[0])))

    def do_symlink(self, a, _):
        self.create(self.at(self.here, a[1]), Inode("link", 0o777, string(a[0])))

    def do_linkat(self, a, _):
        src, dst = self.at(a[0], a[1]), self.at(a[2], a[3])
        i = self.disk.find(src) if src is not None else None
        if i is not None and dst is not None:
            d, name = self.disk.parent(dst)
            self.disk.happen(("name", d, name, i))

    def do_unlinkat(self, a, _):
        path = self.at(a[0], a[1])
        if path is not None and self.disk.find(path) is not None:
            self.disk.happen(("unname", *self.disk.parent(path)))

    def do_renameat2(self, a, _):
        src, dst = self.at(a[0], a[1]), self.at(a[2], a[3])
        if src is None or dst is None:
            return
        (d1, n1), (d2, n2) = self.disk.parent(src), self.disk.parent(dst)
        if len(a) > 4 and b"RENAME_EXCHANGE" in a[4]:
            self.disk.happen(("exchange", d1, n1, self.disk.find(src), d2, n2, self.disk.find(dst)))
        else:
            self.disk.happen(("rename", d1, n1, self.disk.find(src), d2, n2))

    do_renameat = do_renameat2

    def do_fsync(self, a, _):
        path = self.below(self.fd_path(a[0]))
        i = self.disk.find(path) if path is not None else None
        if i is not None:
            self.disk.events.append(("sync", i))

    do_fdatasync = do_fsync

    def do_sync(self, _a, _r):
        self.disk.events.append(("sync", None))

    do_syncfs = do_sync

    # Modes are kept with the inode, at once: nothing here depends on when they come.
    def mode_of(self, path, mode):
        i = self.disk.find(path) if path is not None else None
        if i is not None:
            self.disk.inodes[i].mode = mode

    def do_fchmod(self, a, _):
        self.mode_of(self.below(self.fd_path(a[0])), int(a[1], 8))

    def do_fchmodat(self, a, _):
        self.mode_of(self.at(a[0], a[1]), int(a[2], 8))


# --- what may be left ---


class Crash:
    """After the first n events."""

    def __init__(self, disk, initial, n):
        self.disk, self.initial, self.n = disk, initial, n
        events = disk.events[:n]
        self.pending = []  # numbers of the changes of names that no sync has made safe
        self.safe, self.last = {}, {}  # of inodes: data that is safe, data as it is
        for k, ev in enumerate(events):
            if ev[0] in NAMES:
                self.pending.append(k)
            elif ev[0] == "data":
                self.last[ev[1]] = ev[2]
            elif ev[1] is None:
                self.pending = []
                self.safe = dict(self.last)
            else:
                self.pending = [p for p in self.pending if ev[1] not in dirs_of(events[p])]
                if ev[1] in self.last:
                    self.safe[ev[1]] = self.last[ev[1]]

    def choices(self):
        """(what, numbers of pending events that are lost, what happens to unsynced data)"""
        yield "killed, no power lost", set(), "whole"
        for data in ("lost", "half", "whole"):
            yield f"unsynced data {data}", set(), data
            yield f"nothing unsynced, data {data}", set(self.pending), data
        for j in range(1, len(self.pending)):
            yield f"the first {j} of {len(self.pending)} unsynced names, data lost", set(self.pending[j:]), "lost"
        touched = set().union(*(dirs_of(self.disk.events[p]) for p in self.pending)) if self.pending else set()
        for d in sorted(touched):
            mine = {p for p in self.pending if d in dirs_of(self.disk.events[p])}
            for data in ("lost", "whole"):
                yield f"all but directory {d}, data {data}", mine, data
                yield f"only directory {d}, data {data}", set(self.pending) - mine, data

    def tree(self, lost, data):
        entries = [dict(e) for e in self.initial]
        entries += [{} for _ in range(len(self.disk.inodes) - len(entries))]
        for k in range(self.n):
            if self.disk.events[k][0] in NAMES and k not in lost:
                apply(self.disk.events[k], entries)
        content = {}
        for i, now in self.last.items():
            safe = self.safe.get(i, ORIGINAL[i] if i in ORIGINAL else b"")
            content[i] = now if data == "whole" else safe if data == "lost" else half(safe, now)
        return entries, content


ORIGINAL = {}  # the data of BEFORE
DIGEST = {}


def digest(data):
    if id(data) not in DIGEST:
        DIGEST[id(data)] = (hashlib.sha256(data).digest(), data)  # kept, so that its id stays its own
    return DIGEST[id(data)][0]


def half(safe, now):
    return now[: len(now) // 2] if now != safe else now


def walk(disk, entries, content, i, path, out):
    node = disk.inodes[i]
    data = content.get(i, ORIGINAL.get(i, b""))
    out.append((path, node.kind, node.mode, data if node.kind in ("file", "link") else b"", i))
    for name in sorted(entries[i]):
        walk(disk, entries, content, entries[i][name], f"{path}/{name}", out)


def make(tree, disk, to):
    for path, kind, mode, data, i in tree:
        at = to + path
        if kind == "dir":
            os.mkdir(at)
            os.chmod(at, mode)
        elif kind == "link":
            os.symlink(data, at)
        elif kind == "file":
            node = disk.inodes[i]
            if node.source and i in ORIGINAL:
                os.link(node.source, at)
                continue
            with open(at, "wb") as f:
                f.write(data)
            os.chmod(at, mode)


def main():
    trace, root, before, out = sys.argv[1:]
    disk = Disk(before)
    initial = [dict(i.entries) for i in disk.inodes]
    for i, node in enumerate(disk.inodes):
        ORIGINAL[i] = node.data
    # a child's first call may come before its parent's clone() ends
    parents = {b"%d" % result: pid for pid, call, _, result, _ in calls(trace) if call in FORKS}
    recorder = Recorder(disk, os.path.realpath(root), parents)
    where = {}
    for pid, call, args, result, number in calls(trace):
        recorder.handle(pid, call, args, result)
        where.setdefault(len(disk.events), f"call {number}: {call}")
    for i, node in enumerate(disk.inodes):
        if i not in ORIGINAL and node.kind == "link":
            ORIGINAL[i] = node.data
    seen, done = {}, set()
    for n in range(len(disk.events) + 1):
        crash = Crash(disk, initial, n)
        for what, lost, data in crash.choices():
            tree = []
            walk(disk, *crash.tree(lost, data), disk.top, "", tree)
            key = hashlib.sha256(repr([(*t[:3], digest(t[3])) for t in tree]).encode()).digest()
            new = key not in seen
            number = seen.setdefault(key, f"{len(seen) + 1:04d}")
            if n == len(disk.events):
                done.add(number)
            if not new:
                continue
            to = os.path.join(out, number)
            make(tree, disk, to)
            with open(to + ".why", "w", encoding="utf-8") as f:
                f.write(f"after event {n} of {len(disk.events)} ({where.get(n, 'the beginning')}): {what}\n")
                for ev in disk.events[:n]:
                    f.write(f"  {ev[0]} {' '.join(str(x)[:70] for x in ev[1:])}\n")
    changes = sum(e[0] != "sync" for e in disk.events)
    with open(os.path.join(out, "done"), "w", encoding="utf-8") as f:
        f.writelines(f"{number}\n" for number in sorted(done))
    print(f"{changes} changes, {len(disk.events) - changes} syncs, {len(seen)} states, {len(done)} after the end")


main()
