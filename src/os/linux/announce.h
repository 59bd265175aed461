/* announce.h - tells the neighbours that a jail's addresses are here now. */
#ifndef IOCAGE_OS_LINUX_ANNOUNCE_H
#define IOCAGE_OS_LINUX_ANNOUNCE_H

#include "core/hold.h"

/*
 * One ARP announcement (RFC 5227, 2.3) or unsolicited neighbour advertisement (RFC 4861, 7.2.6) for each address, on the
 * host interface that has it: who remembers another machine for it forgets that. Best effort. Takes some milliseconds:
 * closing a packet socket waits for every processor.
 */
void announce(const struct hold *h);

#endif
