/* probe.h - who on the wire has an address that a jail is to get. */
#ifndef IOCAGE_OS_LINUX_PROBE_H
#define IOCAGE_OS_LINUX_PROBE_H

#include "os/linux/jailproc.h"

/*
 * Ask on op->link for op->addr: by the kernel's own neighbour discovery (ARP, RFC 826; NDP, RFC 4861), in its name. A
 * packet socket could ask in nobody's name (RFC 5227), but closing one waits for every processor: longer than a start takes.
 */
must_check int probe_ask(struct os *os, const struct op *op, struct err *e);
/* Up to ms milliseconds after the first question; -EADDRINUSE: somebody has one of them, e says who. Forgets all. */
must_check int probe_answers(struct os *os, unsigned ms, struct err *e);
void probe_forget(struct os *os);

/* REACH: until op->gw answers on op->link, op->timeout milliseconds at most; -EHOSTUNREACH. */
must_check int probe_reach(struct os *os, const struct op *op, struct err *e);

#endif
