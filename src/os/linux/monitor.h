/* monitor.h - what the starter and the monitor program agree on. */
#ifndef IOCAGE_OS_LINUX_MONITOR_H
#define IOCAGE_OS_LINUX_MONITOR_H

/*
 * argv: iocage-monitor JAIL LOGFILE HOLD [COMMAND...]; LOGFILE and HOLD may be "". COMMAND runs when the jail's first
 * process has ended. fds from MONITOR_FD_FIRST on, in this order; those not needed are closed.
 */
#define MONITOR_FD_FIRST 3
enum {
	MONITOR_PIDFD, /* the jail's first process */
	MONITOR_CONSOLE, /* read end of its console: pipe or terminal */
	MONITOR_LISTENER, /* seccomp notifications of its processes (shared IP) */
	MONITOR_VIEW, /* the view namespace (shared IP) */
	/* listening SOCK_SEQPACKET, each message answered by 'k': 'L' + SCM_RIGHTS listener; 'H' + what it is held to now */
	MONITOR_CONTROL,
	MONITOR_FDS,
};
#define MONITOR_SOCK "monitor.sock"

#endif
