/* fuzz_config.c - config.json: any bytes; what is read and written back says the same. */
#include "fuzz.h"
#include "store/config_json.h"

static void check_same(const struct conf_layer *a, const struct conf_layer *b)
{
	for (int i = 0; i < PROP__COUNT; i++) {
		must(!a->val[i] == !b->val[i]);
		must(!a->val[i] || strcmp(a->val[i], b->val[i]) == 0);
	}
	must(a->nextra == b->nextra);
}

static void check_doc(json_t *doc)
{
	struct conf_layer l = { 0 }, again = { 0 };
	struct err e = ERR_INIT;
	json_t *back = NULL;

	if (config_json_to_layer(doc, &l, &e) == 0) {
		const char *key;
		json_t *v;

		must(config_json_from_layer(doc, &l, &back, &e) == 0);
		must(config_json_to_layer(back, &again, &e) == 0);
		check_same(&l, &again);
		json_object_foreach(doc, key, v)
		{
			bool dynamic;

			/* what is not ours is still there as it was */
			if (prop_find(key, &dynamic) == PROP__NONE)
				must(json_equal(v, json_object_get(back, key)));
		}
	}
	json_decref(back);
	conf_layer_done(&l);
	conf_layer_done(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size);
	struct err e = ERR_INIT;
	json_t *doc = config_json_parse(text, size, "config.json", &e);

	if (doc) {
		check_doc(doc);
		json_decref(doc);
	} else {
		must(e.code > 0 && e.msg[0]);
	}
	free(text);
	return 0;
}
