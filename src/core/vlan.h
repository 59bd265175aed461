/* vlan.h - the VLANs of a NIC on a bridge that filters them: the value of vnetN_vlan. Pure. */
#ifndef IOCAGE_CORE_VLAN_H
#define IOCAGE_CORE_VLAN_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

#define VLAN_MAX  4094 /* IEEE 802.1Q: 0 and 4095 are reserved */
#define VLANS_MAX 64 /* of one NIC */

struct vlans {
	uint16_t untagged; /* frames without a tag belong to it, both ways; 0 = none */
	uint16_t tagged[VLANS_MAX];
	size_t ntagged;
};

/* "666" (access port), "10t,20t" (trunk), "5,10t,20t" (both), "none" (nothing of it). 0 or negative with one line. */
must_check int vlans_parse(const char *value, struct vlans *ret, struct err *e);

/* The same as text that vlans_parse() takes: the untagged one first, the others as they came. */
void vlans_format(const struct vlans *v, struct sbuf *out);

#endif
