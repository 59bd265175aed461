/* prop.h - the one table of properties: name, type, default, flags, help; and the check of a value. Pure. */
#ifndef IOCAGE_CORE_PROP_H
#define IOCAGE_CORE_PROP_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

enum prop_type {
	PT_BOOL, /* stored and shown as 0/1; JSON number */
	PT_INT, /* decimal, range in the table */
	PT_STR, /* free text */
	PT_ENUM, /* one of `choices`, exact */
	PT_IP4,
	PT_IP6, /* address lists: [IFACE|]ADDR[/PREFIX],... | IFACE|DHCP | IFACE|accept_rtadv | none */
	PT_INTERFACES, /* NIC:BRIDGE[,NIC:BRIDGE...]; BRIDGE may be none */
	PT_MACPAIR, /* none, or two different MACs */
	PT_MACPREFIX, /* none or six hex digits, locally administered unicast */
	PT_MTU, /* auto or 68..65535 */
	PT_VLANS, /* none, or 1..4094[t],... with at most one untagged */
	PT_IFNAME, /* auto, none or an interface name */
	PT_ROUTER4,
	PT_ROUTER6, /* auto, none, address (6 may carry %zone) */
	PT_RESOLVER, /* path, none, or literal lines joined by ';' */
	PT_CPUSET,
	PT_RCTL,
	PT_SIZE,
	PT_TMPFS, /* off, bytes with k, m, g or t, or percent */
	PT_NATFORWARDS,
	PT_NATPREFIX,
	PT_LOCALHOST,
	PT_NAMES, /* blank-separated jail names or none */
	PT_CMD, /* host shell line or jail argv */
};

enum prop_flags {
	PF_READONLY = 1 << 0, /* "cannot be changed by the user" */
	PF_DEFAULTONLY = 1 << 1, /* only `set ... default` */
	PF_STOPPED = 1 << 2, /* the jail must be down to change it */
	PF_NOLINUX = 1 << 3, /* no meaning on Linux: kept, and named once at start when changed from its default */
	PF_RESTART = 1 << 4, /* takes effect at the next start */
	PF_LIVE = 1 << 6, /* with PF_RESTART: at once in a jail that runs, where its network allows it */
	PF_LATER = 1 << 5, /* validated and stored; this build does not act on it yet: named once at start */
};

/* Identifiers are PROP_ + the property's own name: PROP_ip4_addr. The list itself is prop_list.h (X-macro). */
enum prop_id {
#define P(name, type, def, choices, min, max, flags, group, help) PROP_##name,
#include "core/prop_list.h"
#undef P
	PROP__COUNT,
	PROP__NONE = -1,
};

struct prop {
	const char *name;
	enum prop_type type;
	const char *def; /* built-in default, as text */
	const char *choices; /* PT_ENUM: "new|inherit|disable"; otherwise NULL */
	long min, max; /* PT_INT */
	unsigned flags;
	const char *group; /* heading in man page and help: "network", "limits", ... */
	const char *help; /* one sentence */
};

extern const struct prop prop_table[PROP__COUNT];

/*
 * Property by exact name, or PROP__NONE. NICs past vnet3 share the entries of vnet0: prop_find("vnet7_mac") is
 * PROP_vnet0_mac with *ret_dynamic true; such values live in the configuration under their own key.
 */
enum prop_id prop_find(const char *name, bool *ret_dynamic);

/*
 * Check a value typed by a user for property `name` and bring it to its stored form (booleans 1/0, blanks removed from
 * address lists, ...). *ret is owned by the caller. The error carries F's text: "V is not a valid value for K.\n...".
 */
must_check int prop_check(const char *name, const char *value, char **ret, struct err *e);

/* true for 1/on/yes/true in any case. Only for values that passed prop_check. */
bool prop_truth(const char *value);

#endif
