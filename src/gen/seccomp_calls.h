/* seccomp_calls.h - the system calls of jails: which are allowed, which ask a property, which are refused. */
#ifndef IOCAGE_GEN_SECCOMP_CALLS_H
#define IOCAGE_GEN_SECCOMP_CALLS_H

#include "os/linux/confine_filter.h"

/*
 * An allow list. A call without a line here, one that a newer kernel has, and every x32 call, answers ENOSYS: then libc
 * and language runtimes use an older one. Names are for all architectures; one that an architecture lacks means nothing there.
 * What is looked at by its arguments (clone, socket, ioctl, ...) is in seccomp_gen.c; its line here is for what is left.
 */
static const struct group {
	const char *what;
	unsigned answer; /* ANSWER_ALLOW, ANSWER_EPERM, ANSWER_ENOSYS, or SLOT(...): the jail's properties say */
	const char *names;
} groups[] = {
	{ "open files, make and remove them", ANSWER_ALLOW,
	  "open openat openat2 creat close close_range access faccessat faccessat2 mkdir mkdirat mknod mknodat rmdir "
	  "unlink "
	  "unlinkat link linkat symlink symlinkat readlink readlinkat rename renameat renameat2 getcwd chdir fchdir "
	  "getdents getdents64 readdir umask chroot name_to_handle_at" },
	{ "what is known of them", ANSWER_ALLOW,
	  "stat lstat fstat stat64 lstat64 fstat64 fstatat64 newfstatat oldstat oldlstat oldfstat statx statfs "
	  "statfs64 "
	  "fstatfs fstatfs64 statmount listmount chmod fchmod fchmodat fchmodat2 chown lchown fchown fchownat chown32 "
	  "lchown32 fchown32 utime utimes futimesat utimensat utimensat_time64 file_getattr file_setattr" },
	{ "extended attributes", ANSWER_ALLOW,
	  "getxattr lgetxattr fgetxattr getxattrat setxattr lsetxattr fsetxattr setxattrat listxattr llistxattr "
	  "flistxattr "
	  "listxattrat removexattr lremovexattr fremovexattr removexattrat" },
	{ "read and write", ANSWER_ALLOW,
	  "read write readv writev pread64 pwrite64 preadv pwritev preadv2 pwritev2 lseek _llseek truncate truncate64 "
	  "ftruncate ftruncate64 fallocate fsync fdatasync sync syncfs sync_file_range sync_file_range2 "
	  "arm_sync_file_range readahead fadvise64 fadvise64_64 arm_fadvise64_64 copy_file_range sendfile sendfile64 "
	  "splice tee vmsplice cachestat" },
	{ "descriptors, locks, pipes", ANSWER_ALLOW,
	  "dup dup2 dup3 fcntl fcntl64 flock pipe pipe2 eventfd eventfd2 memfd_create memfd_secret ioctl" },
	{ "wait for descriptors", ANSWER_ALLOW,
	  "poll ppoll ppoll_time64 select _newselect pselect6 pselect6_time64 epoll_create epoll_create1 epoll_ctl "
	  "epoll_wait epoll_pwait epoll_pwait2 epoll_ctl_old epoll_wait_old" },
	{ "asynchronous reading and writing", ANSWER_ALLOW,
	  "io_setup io_destroy io_submit io_cancel io_getevents io_pgetevents io_pgetevents_time64" },
	{ "changes of files", ANSWER_ALLOW,
	  "inotify_init inotify_init1 inotify_add_watch inotify_rm_watch fanotify_init fanotify_mark" },
	{ "memory", ANSWER_ALLOW,
	  "brk mmap mmap2 munmap mremap mprotect madvise process_madvise msync mincore mlock mlock2 munlock mlockall "
	  "munlockall remap_file_pages membarrier mseal map_shadow_stack pkey_alloc pkey_free pkey_mprotect "
	  "process_mrelease cacheflush" },
	{ "processes and threads", ANSWER_ALLOW,
	  "fork vfork clone execve execveat exit exit_group wait4 waitid waitpid getpid getppid gettid set_tid_address "
	  "getpgid setpgid getpgrp getsid setsid prctl arch_prctl set_thread_area get_thread_area modify_ldt set_tls "
	  "breakpoint rseq personality unshare pidfd_open pidfd_send_signal uretprobe uprobe" },
	/* the kernel asks whether the caller may trace the other, whom it has to see first: see SECURITY.md */
	{ "other processes, for debuggers", ANSWER_ALLOW, "ptrace process_vm_readv process_vm_writev pidfd_getfd" },
	{ "futexes", ANSWER_ALLOW,
	  "futex futex_time64 futex_waitv futex_wait futex_wake futex_requeue set_robust_list get_robust_list" },
	{ "signals", ANSWER_ALLOW,
	  "kill tkill tgkill pause alarm signal sigaction sigaltstack signalfd signalfd4 sigpending sigprocmask "
	  "sigreturn "
	  "sigsuspend sgetmask ssetmask rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_tgsigqueueinfo "
	  "rt_sigreturn rt_sigsuspend rt_sigtimedwait rt_sigtimedwait_time64 restart_syscall" },
	{ "users, groups, capabilities; limiting oneself", ANSWER_ALLOW,
	  "getuid geteuid getgid getegid getresuid getresgid getgroups getuid32 geteuid32 getgid32 getegid32 "
	  "getresuid32 "
	  "getresgid32 getgroups32 setuid setgid setreuid setregid setresuid setresgid setgroups setfsuid setfsgid "
	  "setuid32 setgid32 setreuid32 setregid32 setresuid32 setresgid32 setgroups32 setfsuid32 setfsgid32 capget "
	  "capset seccomp landlock_create_ruleset landlock_add_rule landlock_restrict_self lsm_get_self_attr "
	  "lsm_set_self_attr lsm_list_modules" },
	{ "limits, priorities, processors", ANSWER_ALLOW,
	  "getrlimit setrlimit ugetrlimit prlimit64 getrusage getpriority setpriority nice ioprio_get ioprio_set "
	  "getcpu "
	  "sched_yield sched_getparam sched_setparam sched_getscheduler sched_setscheduler sched_getattr sched_setattr "
	  "sched_getaffinity sched_setaffinity sched_get_priority_max sched_get_priority_min sched_rr_get_interval "
	  "sched_rr_get_interval_time64" },
	/* setting the clock needs a capability that jails never have; the first two read it, too */
	{ "time", ANSWER_ALLOW,
	  "adjtimex clock_adjtime clock_adjtime64 clock_getres clock_getres_time64 clock_gettime clock_gettime64 "
	  "clock_nanosleep clock_nanosleep_time64 gettimeofday nanosleep time times getitimer setitimer timer_create "
	  "timer_delete timer_getoverrun timer_gettime timer_gettime64 timer_settime timer_settime64 timerfd_create "
	  "timerfd_gettime timerfd_gettime64 timerfd_settime timerfd_settime64" },
	{ "the system", ANSWER_ALLOW, "uname olduname oldolduname sysinfo getrandom" },
	{ "POSIX message queues", ANSWER_ALLOW,
	  "mq_open mq_unlink mq_timedsend mq_timedsend_time64 mq_timedreceive mq_timedreceive_time64 mq_notify "
	  "mq_getsetattr" },
	{ "sockets", ANSWER_ALLOW,
	  "socket socketpair socketcall bind listen connect accept accept4 getsockname getpeername getsockopt "
	  "setsockopt "
	  "shutdown send sendto sendmsg sendmmsg recv recvfrom recvmsg recvmmsg recvmmsg_time64" },
	{ "System V IPC (ipc: all of it, for 32-bit programs)", ANSWER_ALLOW, "ipc" },
	{ "its message queues: sysvmsg", SLOT(MSG), "msgget msgctl msgsnd msgrcv" },
	{ "its semaphores: sysvsem", SLOT(SEM), "semget semctl semop semtimedop semtimedop_time64" },
	{ "its shared memory: sysvshm", SLOT(SHM), "shmget shmctl shmat shmdt" },

	{ "mounting: allow_mount", SLOT(MOUNT),
	  "mount umount umount2 pivot_root move_mount open_tree open_tree_attr fsopen fsconfig fsmount fspick "
	  "mount_setattr" },
	{ "disk quotas: allow_quotas", SLOT(QUOTAS), "quotactl quotactl_fd" },
	{ "namespaces: children_max, allow_mount", SLOT(NAMESPACES), "setns" },
	{ "its flags are in memory where no filter can look: libc uses clone then", SLOT(CLONE3), "clone3" },
	{ "the end of the jail, and what else an init says of its machine", SLOT(REBOOT), "reboot" },

	{ "own copies of the system call table: a filter does not see what is done through them", ANSWER_EPERM,
	  "io_uring_setup io_uring_enter io_uring_register" },
	{ "programs and images for the kernel", ANSWER_EPERM,
	  "bpf perf_event_open kexec_load kexec_file_load init_module finit_module delete_module create_module "
	  "get_kernel_syms query_module" },
	{ "keyrings belong to user ids of the host; a handle opens files outside the root", ANSWER_EPERM,
	  "keyctl add_key request_key open_by_handle_at" },
	{ "make races in the kernel easy to win, tell where its objects are", ANSWER_EPERM,
	  "userfaultfd kcmp lookup_dcookie" },
	{ "the host's swap, accounting, clock, log, ports, terminals", ANSWER_EPERM,
	  "swapon swapoff acct settimeofday clock_settime clock_settime64 stime syslog iopl ioperm vhangup "
	  "nfsservctl" },
	{ "dead or nearly so", ANSWER_EPERM, "uselib ustat sysfs _sysctl vm86 vm86old" },
};

/* Calls that the libseccomp of a build host may not know yet. They have the same number on every architecture. */
static const struct {
	int nr;
	const char *name;
} newer_calls[] = {
	{ 335, "uretprobe" }, /* x86-64 alone has these two */
	{ 336, "uprobe" },
	{ 451, "cachestat" },
	{ 452, "fchmodat2" },
	{ 453, "map_shadow_stack" },
	{ 454, "futex_wake" },
	{ 455, "futex_wait" },
	{ 456, "futex_requeue" },
	{ 457, "statmount" },
	{ 458, "listmount" },
	{ 459, "lsm_get_self_attr" },
	{ 460, "lsm_set_self_attr" },
	{ 461, "lsm_list_modules" },
	{ 462, "mseal" },
	{ 463, "setxattrat" },
	{ 464, "getxattrat" },
	{ 465, "listxattrat" },
	{ 466, "removexattrat" },
	{ 467, "open_tree_attr" },
	{ 468, "file_getattr" },
	{ 469, "file_setattr" },
};

#endif
