/* confine.h - what a process gives up before it runs the jail's programs; and the programs that run it. */
#ifndef IOCAGE_OS_LINUX_CONFINE_H
#define IOCAGE_OS_LINUX_CONFINE_H

#include <stdbool.h>

#include "base/err.h"

/*
 * Who is to be killed first when memory runs out is not what it is for whoever runs iocage. Before the jail's user
 * namespace is joined: there the file is not ours any more, and what stays could be taken up again. proc_pid_oom_score_adj(5).
 */
void confine_oom(void);

/*
 * The last steps before execve in a process that is already in the jail's namespaces (user namespace included) with all
 * capabilities there: bounding, permitted, effective, inheritable and ambient capabilities cut to the short list that
 * `allow` (enum allow_flags) extends; keyring; umask; seccomp filters. no_new_privs stays off (su must work).
 * *ret_listener is the seccomp notification fd, to be passed to the monitor: seccomp_unotify(2). shared: the jail uses the
 * socket broker. real_init: the program is a whole system's init. Writes no output.
 */
must_check int confine_self(unsigned allow, bool shared, bool real_init, int *ret_listener, struct err *e);

#endif
