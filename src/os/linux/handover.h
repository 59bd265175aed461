/* handover.h - host interfaces that move into a jail and home again. Internal to os/linux. */
#ifndef IOCAGE_OS_LINUX_HANDOVER_H
#define IOCAGE_OS_LINUX_HANDOVER_H

#include "os/linux/jailproc.h"

/* NETNS_PIN: of the jail being made. NETNS_UNPIN: what is gone is success. */
must_check int netns_pin(struct os *os, struct err *e);
must_check int netns_unpin(const struct os *os, struct err *e);
/* LINK_IN; LINK_OUT: an interface that is not in the jail is success. */
must_check int link_in(struct os *os, const struct op *op, struct err *e);
must_check int link_out(struct os *os, const struct op *op, struct err *e);

#endif
