/* monitor.h - what the starter and the monitor program agree on. */
#ifndef IOCAGE_OS_LINUX_MONITOR_H
#define IOCAGE_OS_LINUX_MONITOR_H

/*
 * argv: iocage-monitor JAIL LOGFILE HOLD PID FLAGS LOGMAX [COMMAND...]; LOGFILE and HOLD may be "". PID is the jail's first
 * process. COMMAND runs when it has ended, or when root in it asked for that; one word is added to it: "reboot" or "halt", what
 * reboot(2) was asked for, else what ending_status() says. FLAGS: enum broker_flags, decimal. LOGMAX: bytes. fds from MONITOR_FD_FIRST on, in this order; those not needed are closed.
 */
#define MONITOR_FD_FIRST 3
enum {
	MONITOR_PIDFD, /* the jail's first process */
	MONITOR_CONSOLE, /* read end of its console: pipe or terminal */
	MONITOR_LISTENER, /* seccomp notifications of its processes */
	MONITOR_VIEW, /* the view namespace (shared IP) */
	/*
	 * Listening SOCK_SEQPACKET, each message answered by 'k'. 'L', enum broker_flags as a byte, SCM_RIGHTS listener;
	 * 'H' and what the jail is held to now. The monitor hands them on to the broker as they are. 'P': does it live.
	 */
	MONITOR_CONTROL,
	MONITOR_FDS,
};
#define MONITOR_SOCK        "monitor.sock"
#define MONITOR_LISTEN      'L'
#define MONITOR_HOLD        'H'
#define MONITOR_PING        'P'
#define MONITOR_MESSAGE_MAX 32768 /* a hold with all the addresses there can be */

#endif
