/* test_config.c - config.json: what is read, repaired, refused and written back. */
#include "store_world.h"

static void jail_with(const char *name, const char *json)
{
	char path[128];

	snprintf(path, sizeof(path), "jails/%s", name);
	assert_int_equal(fs_mkdirs(S.rootfd, path, 0755), 0);
	snprintf(path, sizeof(path), "jails/%s/config.json", name);
	put_file(path, json, strlen(json));
}

static void expect_prop(const struct config *c, const char *key, const char *want)
{
	char *v = config_value(c, key);

	if (!v || strcmp(v, want) != 0)
		fail_msg("%s is '%s', not '%s'", key, v ? v : "(null)", want);
	free(v);
}

static void forms_of_values(void **state)
{
	struct err e = ERR_INIT;
	struct config c;

	(void)state;
	jail_with("forms", "{\"vnet\": true, \"boot\": \"yes\", \"bpf\": 1, \"dhcp\": \"0\", \"priority\": 7, "
	                   "\"children_max\": \"5\", \"notes\": \"a \\u00e9 b\", \"ip4\": \"none\", \"ip6\": \"new\", "
	                   "\"ip4_addr\": [1, 2], \"vnet7_mac\": \"none\", \"template\": \"maybe\"}");
	assert_int_equal(config_load(&S, "forms", &c, &e), 0);
	expect_prop(&c, "vnet", "1");
	expect_prop(&c, "boot", "1");
	expect_prop(&c, "bpf", "1");
	expect_prop(&c, "dhcp", "0");
	expect_prop(&c, "priority", "7");
	expect_prop(&c, "children_max", "5");
	expect_prop(&c, "notes", "a \xc3\xa9 b");
	expect_prop(&c, "ip4", "disable");
	expect_prop(&c, "ip6", "new");
	expect_prop(&c, "ip4_addr", "[1,2]");
	expect_prop(&c, "vnet7_mac", "none");
	expect_prop(&c, "template", "maybe");
	assert_null(config_value(&c, "no_such_property"));
	config_done(&c);
}

static void rewrite_keeps_the_unknown(void **state)
{
	struct err e = ERR_INIT;
	struct config c;
	struct stat st;
	char *text;

	(void)state;
	jail_with("keep",
	          "{\"zz_new\": {\"b\": [1, null, true], \"a\": 1.5}, \"CONFIG_VERSION\": \"34\", "
	          "\"vnet\": \"on\", \"priority\": 7, \"allow_mlock\": 1, \"vnet9_mtu\": \"1400\", \"aa\": null}");
	assert_int_equal(config_load(&S, "keep", &c, &e), 0);
	assert_int_equal(conf_layer_set(&c.conf.own, "priority", "9"), 0);
	assert_int_equal(conf_layer_set(&c.conf.own, "allow_mlock", NULL), 0);
	assert_int_equal(conf_layer_set(&c.conf.own, "vnet9_mtu", NULL), 0);
	assert_int_equal(conf_layer_set(&c.conf.own, "notes", "foo \"bar\""), 0);
	assert_int_equal(config_save(&S, &c, &e), 0);
	config_done(&c);
	text = get_file("jails/keep/config.json");
	assert_string_equal(text, "{\n"
	                          "    \"CONFIG_VERSION\": \"34\",\n"
	                          "    \"aa\": null,\n"
	                          "    \"notes\": \"foo \\\"bar\\\"\",\n"
	                          "    \"priority\": 9,\n"
	                          "    \"vnet\": 1,\n"
	                          "    \"zz_new\": {\n"
	                          "        \"a\": 1.5,\n"
	                          "        \"b\": [\n"
	                          "            1,\n"
	                          "            null,\n"
	                          "            true\n"
	                          "        ]\n"
	                          "    }\n"
	                          "}\n");
	free(text);
	assert_int_equal(fstatat(S.rootfd, "jails/keep/config.json", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(count_entries("jails/keep"), 1);
}

static void broken(const char *name, const char *data, size_t len, const char *want)
{
	struct err e = ERR_INIT;
	struct config c;
	char path[128], first[160];

	snprintf(path, sizeof(path), "jails/%s", name);
	assert_int_equal(fs_mkdirs(S.rootfd, path, 0755), 0);
	snprintf(path, sizeof(path), "jails/%s/config.json", name);
	put_file(path, data, len);
	assert_int_equal(config_load(&S, name, &c, &e), -EBADMSG);
	snprintf(first, sizeof(first),
	         "%s has a corrupt configuration, please fix this jail or destroy and recreate it.\n", name);
	assert_int_equal(strncmp(e.msg, first, strlen(first)), 0);
	if (!strstr(e.msg, want))
		fail_msg("no '%s' in: %s", want, e.msg);
	for (const char *p = e.msg; *p; p++)
		assert_true(*p == '\n' || (*p >= 32 && *p < 127));
}

static void broken_files(void **state)
{
	static char huge[(1 << 20) + 2];

	(void)state;
	memset(huge, ' ', sizeof(huge));
	broken("empty", "", 0, "config.json:1:1: the file is empty");
	broken("blank", " \n\n", 3, "the file is empty");
	broken("trunc", "{\n  \"vnet\": 1,\n  \"bo", 20, "config.json:3:");
	broken("array", "[1]\n", 4, "not a JSON object");
	broken("binary",
	       "\x7f"
	       "ELF\0\1\2\3\xff\xfe\033[31m",
	       14, "config.json:1:");
	broken("escape", "{\"a\": \033[31m}", 12, "config.json:1:");
	broken("dup", "{\"vnet\": 1, \"vnet\": 0}", 22, "duplicate");
	broken("huge", huge, sizeof(huge), "larger than 1 MiB");
	broken("tail", "{} x", 4, "config.json:1:");
}

static void missing(void **state)
{
	struct err e = ERR_INIT;
	struct config c;

	(void)state;
	assert_int_equal(config_load(&S, "nosuch", &c, &e), -ENOENT);
	assert_int_equal(fs_mkdirs(S.rootfd, "jails/bare", 0755), 0);
	assert_int_equal(config_load(&S, "bare", &c, &e), -EBADMSG);
	assert_string_equal(e.msg, "bare is missing it's configuration, please destroy this jail and recreate it.");
	assert_int_equal(config_load(&S, "../x", &c, &e), -ENOENT);
	assert_int_equal(fs_mkdirs(S.rootfd, "jails/dirconf/config.json", 0755), 0);
	assert_int_equal(config_load(&S, "dirconf", &c, &e), -EBADMSG);
	assert_int_equal(fs_mkdirs(S.rootfd, "jails/linked", 0755), 0);
	assert_int_equal(symlinkat("/etc/passwd", S.rootfd, "jails/linked/config.json"), 0);
	assert_int_equal(config_load(&S, "linked", &c, &e), -EBADMSG);
}

static void defaults(void **state)
{
	struct err e = ERR_INIT;
	struct config d, c;
	char *text;

	(void)state;
	assert_int_equal(config_load_defaults(&S, &d, &e), 0);
	assert_int_equal(conf_layer_set(&d.conf.own, "defaultrouter", "10.1.1.254"), 0);
	assert_int_equal(conf_layer_set(&d.conf.own, "vnet5_mac", "none"), 0);
	assert_int_equal(config_save(&S, &d, &e), 0);
	config_done(&d);
	text = get_file("defaults.json");
	assert_non_null(strstr(text, "\"defaultrouter\": \"10.1.1.254\""));
	free(text);
	jail_with("user", "{\"vnet\": 1}");
	assert_int_equal(config_load(&S, "user", &c, &e), 0);
	expect_prop(&c, "defaultrouter", "10.1.1.254");
	expect_prop(&c, "vnet5_mac", "none");
	assert_int_equal(config_save(&S, &c, &e), 0);
	config_done(&c);
	text = get_file("jails/user/config.json");
	assert_string_equal(text, "{\n    \"vnet\": 1\n}\n");
	free(text);
	/* broken defaults are told, not passed over */
	store_close(&S);
	world_open();
	put_file("defaults.json", "{", 1);
	assert_int_equal(config_load(&S, "user", &c, &e), -EBADMSG);
	assert_non_null(strstr(e.msg, "defaults.json is corrupt"));
	assert_int_equal(unlinkat(S.rootfd, "defaults.json", 0), 0);
	assert_int_equal(config_load(&S, "user", &c, &e), 0);
	config_done(&c);
}

static void not_utf8(void **state)
{
	struct err e = ERR_INIT;
	struct config c;
	char *before, *after;

	(void)state;
	jail_with("utf", "{\"notes\": \"x\"}");
	before = get_file("jails/utf/config.json");
	assert_int_equal(config_load(&S, "utf", &c, &e), 0);
	assert_int_equal(conf_layer_set(&c.conf.own, "notes", "\xff\xfe"), 0);
	assert_int_equal(config_save(&S, &c, &e), -EILSEQ);
	assert_non_null(strstr(e.msg, "notes"));
	config_done(&c);
	after = get_file("jails/utf/config.json");
	assert_string_equal(before, after);
	free(before);
	free(after);
}

/* 1,000 jails: listed, their configurations and states read. The limit is generous: the machine may be busy. */
static void a_thousand(void **state)
{
	struct strv names = { 0 };
	struct err e = ERR_INIT;
	char name[32];

	(void)state;
	for (int i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), "many_%d", i);
		jail_with(name, "{\n    \"cloned_release\": \"busybox\",\n    \"host_hostname\": \"many\",\n"
		                "    \"host_hostuuid\": \"many\",\n    \"ip4_addr\": \"em0|10.0.0.5/24\",\n"
		                "    \"release\": \"busybox\"\n}\n");
	}
	assert_int_equal(store_jails(&S, &names, &e), 0);
	for (size_t i = 0; i < names.n; i++) {
		struct config c;
		struct state st;

		if (strncmp(names.v[i], "many_", 5) != 0)
			continue;
		assert_int_equal(config_load(&S, names.v[i], &c, &e), 0);
		assert_int_equal(state_load(&S, names.v[i], &st, &e), -ENOENT);
		config_done(&c);
	}
	strv_done(&names);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(forms_of_values), cmocka_unit_test(rewrite_keeps_the_unknown),
		cmocka_unit_test(broken_files),    cmocka_unit_test(missing),
		cmocka_unit_test(defaults),        cmocka_unit_test(not_utf8),
		cmocka_unit_test(a_thousand),
	};

	return cmocka_run_group_tests(tests, world_setup, world_teardown);
}
