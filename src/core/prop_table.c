/* prop_table.c - the table of properties made from prop_list.h, and finding one by name. */
#include <string.h>

#include "base/str.h"
#include "core/prop.h"

const struct prop prop_table[PROP__COUNT] = {
#define P(name, type, def, choices, min, max, flags, group, help) \
	[PROP_##name] = { #name, type, def, choices, min, max, flags, group, help },
#include "core/prop_list.h"
#undef P
};

/* vnetN_mac, vnetN_mtu, vnetN_vlan with N of 4 to 9999 in plain decimal: NICs beyond those with entries of their own */
static enum prop_id find_dynamic(const char *name)
{
	size_t digits;
	const char *end;

	if (!str_starts(name, "vnet") || name[4] == '0')
		return PROP__NONE;
	digits = strspn(name + 4, "0123456789");
	if (digits == 0 || digits > 4)
		return PROP__NONE;
	end = name + 4 + digits;
	if (streq(end, "_mac"))
		return PROP_vnet0_mac;
	if (streq(end, "_mtu"))
		return PROP_vnet0_mtu;
	if (streq(end, "_vlan"))
		return PROP_vnet0_vlan;
	return PROP__NONE;
}

enum prop_id prop_find(const char *name, bool *ret_dynamic)
{
	enum prop_id dyn;

	if (ret_dynamic)
		*ret_dynamic = false;
	for (int i = 0; i < PROP__COUNT; i++)
		if (streq(prop_table[i].name, name))
			return (enum prop_id)i;
	dyn = find_dynamic(name);
	if (dyn != PROP__NONE && ret_dynamic)
		*ret_dynamic = true;
	return dyn;
}
