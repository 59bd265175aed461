/* vlan.c - reading and printing the VLANs of a NIC. */
#include "core/vlan.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/cleanup.h"

static bool has(const struct vlans *v, uint16_t id)
{
	if (v->untagged == id)
		return true;
	for (size_t i = 0; i < v->ntagged; i++)
		if (v->tagged[i] == id)
			return true;
	return false;
}

static int add(struct vlans *v, char *item, struct err *e)
{
	size_t n = strlen(item);
	bool tagged = n && item[n - 1] == 't';
	uint64_t id;

	if (tagged)
		item[n - 1] = '\0';
	if (!str_to_uint(item, 1, VLAN_MAX, &id))
		return err_set(e, EINVAL, "'%.20s%s': a VLAN is a number from 1 to %d, with a t behind it when tagged",
		               item, tagged ? "t" : "", VLAN_MAX);
	if (has(v, (uint16_t)id))
		return err_set(e, EINVAL, "VLAN %u is there twice", (unsigned)id);
	if (!tagged && v->untagged)
		return err_set(e, EINVAL, "%u and %u: only one VLAN can be untagged; tagged ones end with a t",
		               v->untagged, (unsigned)id);
	if (!tagged)
		v->untagged = (uint16_t)id;
	else if (v->ntagged == VLANS_MAX)
		return err_set(e, EINVAL, "too many VLANs: at most %d tagged ones", VLANS_MAX);
	else
		v->tagged[v->ntagged++] = (uint16_t)id;
	return 0;
}

int vlans_parse(const char *value, struct vlans *ret, struct err *e)
{
	_cleanup_free_ char *copy = strdup(value);
	struct vlans v = { 0 };

	if (!copy)
		return err_oom(e);
	for (char *rest = streq(value, "none") ? NULL : copy, *item; (item = strsep(&rest, ","));) {
		int r = add(&v, item, e);

		if (r < 0)
			return r;
	}
	*ret = v;
	return 0;
}

void vlans_format(const struct vlans *v, struct sbuf *out)
{
	if (v->untagged)
		sbuf_addf(out, "%u", v->untagged);
	for (size_t i = 0; i < v->ntagged; i++)
		sbuf_addf(out, "%s%ut", i || v->untagged ? "," : "", v->tagged[i]);
}
