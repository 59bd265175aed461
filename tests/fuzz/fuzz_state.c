/* fuzz_state.c - a running jail's state file: what is understood is written back as text that says the same. */
#include "fuzz.h"
#include "store/internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size);
	struct sbuf out = { 0 }, again = { 0 };
	static struct state st, back;
	unsigned lines = 1, bad;

	for (const char *p = text; (p = strchr(p, '\n')); p++)
		lines++;
	bad = state_parse(text, &st);
	must(bad <= lines);
	if (!bad) {
		must(state_format(&st, &out) == 0);
		must(out.len < STATE_MAX);
		must(strlen(st.cgroup) < sizeof(st.cgroup) && strlen(st.release) < sizeof(st.release));
		must(state_format(&st, &again) == 0); /* parsing cuts it up */
		must(state_parse(out.p, &back) == 0);
		sbuf_done(&out);
		must(state_format(&back, &out) == 0);
		must(strcmp(out.p, again.p) == 0);
	}
	sbuf_done(&out);
	sbuf_done(&again);
	free(text);
	return 0;
}
