/* fuzz_names.c - names of jails, releases, interfaces and unfinished things: none is more than one component of a path. */
#include "base/fs.h"
#include "core/addr.h"
#include "core/jail.h"
#include "fuzz.h"
#include "store/internal.h"

static void one_component(const char *s, size_t max)
{
	must(*s && strlen(s) <= max && !strchr(s, '/') && s[0] != '.' && s[0] != '-');
	for (; *s; s++)
		must((unsigned char)*s > 32 && (unsigned char)*s < 127);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *s = fuzz_text(data, size), shown[40], bare[STORE_NAME_MAX + 1];
	struct err e = ERR_INIT;

	if (store_name_ok(s))
		one_component(s, STORE_NAME_MAX);
	if (jail_name_check(s, &e) == 0) {
		must(store_name_ok(s));
		must(strcmp(s, "ALL") != 0 && strcmp(s, "default") != 0);
	} else {
		must(e.code > 0 && e.msg[0]);
		for (const char *p = e.msg; *p; p++)
			must((unsigned char)*p >= 32 && *p != 127);
	}
	if (ifname_valid(s))
		must(strlen(s) < IFNAME_CAP && !strchr(s, '/') && strcmp(s, "..") != 0 && strcmp(s, ".") != 0);
	if (workdir_is_name(s)) {
		size_t n = strlen(s) - FS_RANDOM_CAP - 1;

		must(s[0] == '.' && n <= STORE_NAME_MAX);
		memcpy(bare, s + 1, n);
		bare[n] = '\0';
		must(store_name_ok(bare) && !store_name_ok(s));
	}
	store_printable(s, shown, sizeof(shown));
	must(strlen(shown) < sizeof(shown));
	for (const char *p = shown; *p; p++)
		must((unsigned char)*p >= 32 && (unsigned char)*p < 127);
	free(s);
	return 0;
}
