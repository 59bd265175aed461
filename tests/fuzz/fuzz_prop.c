/* fuzz_prop.c - "NAME=VALUE" as set takes it: what is accepted has a stored form that is accepted as it is. */
#include "core/jail.h"
#include "core/prop.h"
#include "fuzz.h"

static void check_lists(enum prop_id id, const char *stored)
{
	struct err e = ERR_INIT;
	struct jaddr *a = NULL;
	struct jnic *nic = NULL;
	size_t n = 0;

	if (prop_table[id].type == PT_IP4 || prop_table[id].type == PT_IP6) {
		must(jaddr_list_parse(stored, prop_table[id].type == PT_IP4 ? 4 : 6, &a, &n, &e) == 0);
		free(a);
	} else if (prop_table[id].type == PT_INTERFACES) {
		must(jnic_list_parse(stored, &nic, &n, &e) == 0);
		free(nic);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size), *value = strchr(text, '='), *stored = NULL, *again = NULL;
	struct err e = ERR_INIT;
	bool dynamic = false;

	if (value) {
		*value++ = '\0';
		if (prop_check(text, value, &stored, &e) == 0) {
			enum prop_id id = prop_find(text, &dynamic);

			must(id != PROP__NONE && stored);
			must(prop_check(text, stored, &again, &e) == 0);
			must(strcmp(stored, again) == 0);
			check_lists(id, stored);
		} else {
			must(e.code > 0 && e.msg[0]);
		}
	}
	free(stored);
	free(again);
	free(text);
	return 0;
}
