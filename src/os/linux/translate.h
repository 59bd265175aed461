/* translate.h - a packet filter table of one jail: UDP sockets that have another port in the kernel than shown. */
#ifndef IOCAGE_OS_LINUX_TRANSLATE_H
#define IOCAGE_OS_LINUX_TRANSLATE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* Packets from addr (::ffff:a.b.c.d for IPv4) and `real` leave as from `shown`; packets to `shown` come in on `real`. */
struct translation {
	uint8_t addr[16];
	uint16_t shown, real; /* host order */
};

struct translate;

/*
 * Make the table, in the network namespace we are in. It belongs to the netlink socket that made it: it goes with this
 * process, however that ends. -EOPNOTSUPP and the like where the kernel has no nf_tables.
 */
/* log: the group of the kernel's log that packets to groups and to all are told to; 0: none. */
must_check int translate_open(uint64_t jail, uint16_t log, struct translate **ret, struct err *e);
/* From now on exactly these, at once. Of two with the same address and shown port the first counts for what comes in. */
must_check int translate_set(struct translate *t, const struct translation *list, size_t n, struct err *e);
/* Packets to groups and to all are told of that go to these ports. */
must_check int translate_groups(struct translate *t, const uint16_t *ports, size_t n, struct err *e);
void translate_close(struct translate *t);

#endif
