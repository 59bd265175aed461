/* limit.h - resource limits of a jail, from its properties to the words of a control group. Pure. */
#ifndef IOCAGE_CORE_LIMIT_H
#define IOCAGE_CORE_LIMIT_H

#include <stdbool.h>

#include "base/str.h"
#include "core/conf.h"

/*
 * What memoryuse, swapuse, maxproc, nthr, pcpu and cpuset come to, as words FILE=VALUE with blanks between them (in a value a
 * blank is '/'), appended to out: files of cgroup v2 (the kernel's Documentation/admin-guide/cgroup-v2.rst). was: what a
 * jail that runs is limited to so far, and is set free of where c says nothing; NULL: nothing. Bytes are counted in 1024s.
 */
void limits_format(const struct conf *c, const struct conf *was, struct sbuf *out);

/* Is this property a limit whose value asks for something that is not done here: any action but deny. */
bool limit_is_ignored(const struct conf *c, enum prop_id id);

#endif
