/* fuzz_apt.c - the host's package sources, in both forms apt has: what is found is whole. */
#include "fuzz.h"
#include "store/internal.h"

static void check(const char *text, bool deb822)
{
	char *copy = fuzz_text((const uint8_t *)text, strlen(text));
	struct apt_sources l = { 0 };

	must(apt_sources_parse(&l, deb822, copy) == 0);
	must(l.n <= strlen(text) * strlen(text) + 1);
	for (size_t i = 0; i < l.n; i++) {
		must(l.v[i].uri && *l.v[i].uri && l.v[i].suite && *l.v[i].suite && l.v[i].components);
		must(!strpbrk(l.v[i].uri, " \t\n") && !strpbrk(l.v[i].suite, " \t\n"));
		must(!l.v[i].keyring || (l.v[i].keyring[0] == '/' && !strpbrk(l.v[i].keyring, " \t\n")));
	}
	apt_sources_done(&l);
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size > 8192 ? 8192 : size);

	check(text, false);
	check(text, true);
	free(text);
	return 0;
}
