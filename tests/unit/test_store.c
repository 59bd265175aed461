/* test_store.c - opening a store, naming jails, making and destroying them. */
#include "store_world.h"

#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>

static void expect_mode(const char *path, mode_t mode)
{
	struct stat st;

	assert_int_equal(fstatat(S.rootfd, path, &st, AT_SYMLINK_NOFOLLOW), 0);
	assert_int_equal(st.st_mode & 07777, mode);
}

static void thin(void **state)
{
	struct err e = ERR_INIT;
	struct root_paths p;
	struct config c;
	char *text;

	(void)state;
	put_release("rel");
	new_jail("web_1", "rel", false);
	text = get_file("jails/web_1/config.json");
	assert_string_equal(text, "{\n    \"cloned_release\": \"rel\",\n    \"host_hostname\": \"web-1\",\n"
	                          "    \"host_hostuuid\": \"web_1\",\n    \"release\": \"rel\"\n}\n");
	free(text);
	expect_mode("jails/web_1", 0700);
	expect_mode("jails/web_1/layers", 0700);
	expect_mode("jails/web_1/layers/upper", 0755);
	assert_true(there("jails/web_1/fstab") && there("jails/web_1/layers/work"));
	assert_false(there("jails/web_1/root"));
	assert_int_equal(config_load(&S, "web_1", &c, &e), 0);
	assert_int_equal(store_root_paths(&S, &c, &p, &e), 0);
	assert_null(p.dir);
	assert_true(str_ends(p.lower, "/root/releases/rel/root") && p.lower[0] == '/');
	assert_true(str_ends(p.layers, "/jails/web_1/layers"));
	assert_string_equal(p.fstab_text, "");
	root_paths_done(&p);
	assert_int_equal(conf_layer_set(&c.conf.own, "cloned_release", "gone"), 0);
	assert_int_equal(store_root_paths(&S, &c, &p, &e), -ENOENT);
	assert_non_null(strstr(e.msg, "iocage fetch -r gone"));
	config_done(&c);
}

static void thick_and_empty(void **state)
{
	struct err e = ERR_INIT;
	struct root_paths p;
	struct config c;
	char *text;

	(void)state;
	put_release("rel2");
	new_jail("thick", "rel2", true);
	text = get_file("jails/thick/root/etc/motd");
	assert_string_equal(text, "hello\n");
	free(text);
	text = get_file("jails/thick/config.json");
	assert_null(strstr(text, "cloned_release"));
	assert_non_null(strstr(text, "\"release\": \"rel2\""));
	free(text);
	expect_mode("jails/thick", 0700);
	new_jail("empty", NULL, false);
	expect_mode("jails/empty", 0700);
	expect_mode("jails/empty/root", 0755);
	assert_int_equal(config_load(&S, "empty", &c, &e), 0);
	text = config_value(&c, "release");
	assert_string_equal(text, "EMPTY");
	free(text);
	assert_int_equal(store_root_paths(&S, &c, &p, &e), 0);
	assert_null(p.lower);
	assert_true(str_ends(p.dir, "/jails/empty/root"));
	root_paths_done(&p);
	config_done(&c);
}

static int try_create(const char *name, const char *release, struct err *e)
{
	struct config c;
	int r = config_new(&S, name, &c, e);

	if (r < 0)
		return r;
	r = store_create_jail(&S, &c, release, false, e);
	config_done(&c);
	return r;
}

static void names_taken(void **state)
{
	struct err e = ERR_INIT;

	(void)state;
	new_jail("a.b", NULL, false);
	assert_int_equal(try_create("a.b", NULL, &e), -EEXIST);
	assert_string_equal(e.msg, "Jail: a.b already exists!");
	assert_int_equal(try_create("a_b", NULL, &e), -EEXIST);
	assert_int_equal(strncmp(e.msg, "Jail: a_b already exists!", 25), 0);
	assert_true(try_create("ALL", NULL, &e) < 0);
	assert_true(try_create("default", NULL, &e) < 0);
	assert_true(try_create("a/b", NULL, &e) < 0);
	assert_true(try_create("..", NULL, &e) < 0);
	assert_int_equal(try_create("fine", "no-such-release", &e), -ENOENT);
	assert_false(there("jails/fine"));
}

/* Eight processes make the same jail: one wins, seven are told, nothing is left over. */
static void two_creates_at_once(void **state)
{
	int won = 0, told = 0, status;

	(void)state;
	for (int i = 0; i < 8; i++) {
		struct err e = ERR_INIT;

		if (fork() != 0)
			continue;
		switch (try_create(i % 2 ? "race.x" : "race_x", NULL, &e)) {
		case 0:
			_exit(0);
		case -EEXIST:
			_exit(strstr(e.msg, "already exists!") ? 1 : 2);
		default:
			fprintf(stderr, "%s\n", e.msg);
			_exit(2);
		}
	}
	while (wait(&status) > 0) {
		won += WIFEXITED(status) && WEXITSTATUS(status) == 0;
		told += WIFEXITED(status) && WEXITSTATUS(status) == 1;
	}
	assert_int_equal(won, 1);
	assert_int_equal(told, 7);
	assert_int_equal(there("jails/race.x") + there("jails/race_x"), 1);
}

static void resolving(void **state)
{
	struct strv r = { 0 };
	struct err e = ERR_INIT;

	(void)state;
	new_jail("www2", NULL, false);
	assert_int_equal(store_resolve(&S, "www", false, &r, &e), 0);
	assert_string_equal(r.v[0], "www2");
	strv_done(&r);
	assert_int_equal(store_resolve(&S, "www", true, &r, &e), -ENOENT);
	assert_int_equal(strncmp(e.msg, "jail 'www' not found!", 21), 0);
	assert_non_null(strstr(e.msg, "www2"));
	new_jail("www10", NULL, false);
	assert_true(store_resolve(&S, "ww", false, &r, &e) < 0);
	assert_non_null(strstr(e.msg, "Multiple jails found for ww:\n  www2 ("));
	assert_true(strstr(e.msg, "www2 (") < strstr(e.msg, "www10 ("));
	new_jail("www", NULL, false);
	assert_int_equal(store_resolve(&S, "www", false, &r, &e), 0);
	assert_string_equal(r.v[0], "www");
	strv_done(&r);
	assert_int_equal(store_resolve(&S, "a/b", false, &r, &e), -ENOENT);
	assert_string_equal(e.msg, "jail 'a/b' not found ('/' not allowed in jail name)!");
	assert_int_equal(store_resolve(&S, "", false, &r, &e), -ENOENT);
	assert_int_equal(store_resolve(&S, "..", false, &r, &e), -ENOENT);
	assert_int_equal(store_resolve(&S, "\033[2J", false, &r, &e), -ENOENT);
	assert_null(strchr(e.msg, '\033'));
	assert_int_equal(r.n, 0);
}

static void listing(void **state)
{
	struct strv l = { 0 };
	struct err e = ERR_INIT;
	int two = -1, ten = -1;

	(void)state;
	new_jail("l_10", NULL, false);
	new_jail("l_2", NULL, false);
	assert_int_equal(mkdirat(S.rootfd, "jails/lost+found", 0755), 0);
	assert_int_equal(mkdirat(S.rootfd, "jails/.hidden", 0755), 0);
	put_file("jails/file", "", 0);
	assert_int_equal(store_jails(&S, &l, &e), 0);
	for (size_t i = 0; i < l.n; i++) {
		two = streq(l.v[i], "l_2") ? (int)i : two;
		ten = streq(l.v[i], "l_10") ? (int)i : ten;
	}
	assert_true(two >= 0 && ten > two);
	assert_false(strv_has(&l, "lost+found") || strv_has(&l, ".hidden") || strv_has(&l, "file"));
	strv_done(&l);
}

static void destroying(void **state)
{
	struct err e = ERR_INIT;

	(void)state;
	new_jail("foo", NULL, false);
	new_jail("foo-bar", NULL, false);
	put_file("jails/foo/root/file", "x", 1);
	put_file("log/foo-console.log", "x", 1);
	assert_int_equal(symlinkat("../../foo-bar", S.rootfd, "jails/foo/root/link"), 0);
	assert_int_equal(store_destroy_jail(&S, "foo", &e), 0);
	assert_false(there("jails/foo") || there("log/foo-console.log"));
	assert_true(there("jails/foo-bar/config.json"));
	assert_int_equal(store_destroy_jail(&S, "foo", &e), -ENOENT);
}

/* What a killed create or destroy left is swept by the next one; what a living one is at is not. */
static void leftovers(void **state)
{
	struct workdir w = WORKDIR_INIT;
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(fs_mkdirs(S.rootfd, "jails/.old.0123abcd/root/x", 0755), 0);
	assert_int_equal(fs_mkdirs(S.rootfd, "jails/.not-ours", 0755), 0);
	assert_int_equal(workdir_make(&S, "jails", "alive", &w, &e), 0);
	assert_false(there("jails/.old.0123abcd"));
	new_jail("sweeper", NULL, false);
	assert_int_equal(faccessat(w.parentfd, w.name, F_OK, 0), 0);
	assert_true(there("jails/.not-ours"));
	workdir_done(&w);
	assert_int_equal(store_destroy_jail(&S, "sweeper", &e), 0);
	assert_int_equal(unlinkat(S.rootfd, "jails/.not-ours", AT_REMOVEDIR), 0);
}

/* Runs fn in a process with mounts of its own; fn exits 0 when all was well. */
static void in_private_mounts(void (*fn)(void))
{
	int status;

	if (geteuid() != 0) {
		print_message("skipped: needs root\n");
		skip();
	}
	if (fork() == 0) {
		if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
			_exit(99);
		fn();
		_exit(0);
	}
	assert_true(wait(&status) > 0);
	assert_int_equal(status, 0);
}

#define CHECK(x)                                                        \
	do {                                                            \
		if (!(x)) {                                             \
			fprintf(stderr, "line %d: %s\n", __LINE__, #x); \
			_exit(1);                                       \
		}                                                       \
	} while (0)

static void bind_mount_inside(void)
{
	struct err e = ERR_INIT;
	char *from = strf("%s/jails/precious", S.root), *to = strf("%s/jails/bound/root/mnt", S.root);

	CHECK(fs_mkdirs(AT_FDCWD, from, 0755) == 0 && fs_mkdirs(AT_FDCWD, to, 0755) == 0);
	put_file("jails/precious/file", "x", 1);
	CHECK(mount(from, to, NULL, MS_BIND, NULL) == 0);
	CHECK(store_destroy_jail(&S, "bound", &e) == -EBUSY);
	CHECK(strstr(e.msg, "something is mounted on") && there("jails/bound/config.json"));
	/* even when nobody looked before: the removal itself stops at the mount */
	CHECK(fs_remove_tree(S.rootfd, "jails/bound", &e) == -EBUSY);
	CHECK(there("jails/precious/file"));
	/* and a copy does not descend into it */
	CHECK(fs_copy_tree(S.rootfd, "jails/bound", S.rootfd, "jails/copied", &e) == 0);
	CHECK(!there("jails/copied/root/mnt/file"));
	CHECK(umount(to) == 0);
	CHECK(fs_remove_tree(S.rootfd, "jails/precious", &e) == 0);
	CHECK(fs_remove_tree(S.rootfd, "jails/copied", &e) == 0);
}

static void mounts_below(void **state)
{
	(void)state;
	new_jail("bound", NULL, false);
	in_private_mounts(bind_mount_inside);
}

static void full_disk_inside(void)
{
	struct store s = STORE_INIT;
	struct err e = ERR_INIT;
	struct strv l = { 0 };
	struct config c;
	static char block[300 * 1024];
	char dir[128];
	int fd, r;

	snprintf(dir, sizeof(dir), "%s/small", world_dir);
	CHECK(mkdir(dir, 0755) == 0 && mount("none", dir, "tmpfs", 0, "size=512k,mode=755") == 0);
	CHECK(store_open(&s, dir, S.run, true, &e) == 0);
	CHECK(fs_mkdirs(s.rootfd, "releases/r/root", 0755) == 0);
	CHECK(fs_replace(s.rootfd, "releases/r/root/big", block, sizeof(block), 0644, false, &e) == 0);
	CHECK(config_new(&s, "thick", &c, &e) == 0);
	r = store_create_jail(&s, &c, "r", true, &e);
	CHECK(r == -ENOSPC && strstr(e.msg, "No space left on device"));
	CHECK(store_jails(&s, &l, &e) == 0 && l.n == 0);
	CHECK((fd = openat(s.rootfd, "jails", O_RDONLY | O_DIRECTORY)) >= 0);
	CHECK(unlinkat(s.rootfd, "jails", AT_REMOVEDIR) == 0); /* empty: no hidden leftovers either */
}

static void full_disk(void **state)
{
	(void)state;
	in_private_mounts(full_disk_inside);
}

static void opening(void **state)
{
	struct store s = STORE_INIT;
	struct strv l = { 0 };
	struct state st;
	struct err e = ERR_INIT;
	char path[128];

	(void)state;
	assert_true(store_open(&s, "relative", NULL, false, &e) < 0);
	/* nothing there yet reads as empty */
	snprintf(path, sizeof(path), "%s/none", world_dir);
	assert_int_equal(store_open(&s, path, path, false, &e), 0);
	assert_int_equal(store_jails(&s, &l, &e), 0);
	assert_int_equal(l.n, 0);
	assert_int_equal(state_load(&s, "x", &st, &e), -ENOENT);
	assert_int_equal(state_names(&s, &l, &e), 0);
	assert_int_equal(store_resolve(&s, "x", false, &l, &e), -ENOENT);
	store_close(&s);
	assert_int_equal(access(path, F_OK), -1);
	/* a directory anybody can write is no place to start jails from */
	snprintf(path, sizeof(path), "%s/open", world_dir);
	assert_int_equal(mkdir(path, 0777), 0);
	assert_int_equal(chmod(path, 0777), 0);
	assert_true(store_open(&s, path, S.run, true, &e) < 0);
	assert_non_null(strstr(e.msg, "can be written by others"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(thin),         cmocka_unit_test(thick_and_empty),
		cmocka_unit_test(names_taken),  cmocka_unit_test(two_creates_at_once),
		cmocka_unit_test(resolving),    cmocka_unit_test(listing),
		cmocka_unit_test(destroying),   cmocka_unit_test(leftovers),
		cmocka_unit_test(mounts_below), cmocka_unit_test(full_disk),
		cmocka_unit_test(opening),
	};

	return cmocka_run_group_tests(tests, world_setup, world_teardown);
}
