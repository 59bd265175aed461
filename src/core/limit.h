/* limit.h - what a jail may take, from its properties to what the kernel is told. Pure. */
#ifndef IOCAGE_CORE_LIMIT_H
#define IOCAGE_CORE_LIMIT_H

#include <stdbool.h>

#include "base/str.h"
#include "core/conf.h"

/*
 * What memoryuse, swapuse, maxproc, nthr, pcpu, cpuset, cgroup_max and cgroup_depth come to, as words FILE=VALUE with blanks
 * between them (in a value a blank is '/'), appended to out: files of cgroup v2 (the kernel's
 * Documentation/admin-guide/cgroup-v2.rst). ?FILE=VALUE: a default, which a host that has no such file does without. was: what
 * a jail that runs is limited to so far, and is set free of where c says nothing; NULL: nothing. Bytes are counted in 1024s.
 */
void limits_format(const struct conf *c, const struct conf *was, struct sbuf *out);

/*
 * In the same form. limits_process: hard limits of each process, setrlimit(2) without RLIMIT_ and in small letters, "max": none.
 * limits_ipc: sysctl variables of the jail's IPC namespace. Both are appended.
 */
void limits_process(const struct conf *c, struct sbuf *out);
void limits_ipc(const struct conf *c, struct sbuf *out);

/* Mount options, appended: of each tmpfs that is the jail's; of devpts ("fair": no more than a part of what the host has). */
void limits_tmpfs(const struct conf *c, struct sbuf *out);
void limits_terminals(const struct conf *c, struct sbuf *out);

/* Is this property a limit whose value asks for something that is not done here: any action but deny. */
bool limit_is_ignored(const struct conf *c, enum prop_id id);

#endif
