/* view.h - how one link of a view is made to look like the host's; shared by what makes views and what keeps them right. */
#ifndef IOCAGE_OS_LINUX_VIEW_H
#define IOCAGE_OS_LINUX_VIEW_H

#include <linux/if.h>

#include "os/linux/nl.h"

/* Flags that are copied; the others follow from the kind of link, or from its carrier (view_put_state). */
#define VIEW_FLAGS (IFF_UP | IFF_NOARP | IFF_MULTICAST | IFF_PROMISC | IFF_ALLMULTI)

/* Is it a kind of link that view_add() makes. */
bool view_kind(const char *kind);

/*
 * A link of a view has the number of the host's link. Where one of the tunnels that the kernel puts into each namespace has that number
 * already (sit0, when its module is loaded), it has VIEW_MOVED more, which no host reaches.
 */
#define VIEW_MOVED 0x40000000U

static inline unsigned view_host_index(unsigned index)
{
	return index >= VIEW_MOVED ? index - VIEW_MOVED : index;
}

/* Append requests that give a link of the view the flags of the host's, and then its state (carrier, running). */
void view_put_flags(struct nl *n, unsigned index, unsigned flags);
void view_put_state(struct nl *n, unsigned index, unsigned flags);

#endif
