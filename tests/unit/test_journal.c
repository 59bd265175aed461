/* test_journal.c - journal, state and jail ids of running jails. */
#include "store_world.h"

#include <sys/wait.h>

static struct op op(enum op_kind kind, const char *link)
{
	return (struct op){ .kind = kind, .where = AT_HOST, .link = link };
}

static void append(const char *jail, const char *link)
{
	struct op o = op(OP_BRIDGE_DEL, link);
	struct err e = ERR_INIT;
	int fd = -1;

	assert_int_equal(journal_open(&S, jail, &fd, &e), 0);
	assert_int_equal(journal_append(fd, &o, &e), 0);
	close(fd);
}

static void append_raw(const char *path, const char *text)
{
	int fd = openat(S.runfd, path, O_WRONLY | O_APPEND);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static void round_trip_and_torn_line(void **state)
{
	struct err e = ERR_INIT;
	struct journal j;

	(void)state;
	assert_int_equal(journal_load(&S, "www", &j, &e), 0);
	assert_int_equal(j.n, 0);
	append("www", "bridge0");
	append("www", "bridge1");
	append_raw("jails/www/journal", "bridge-del li");
	assert_int_equal(journal_load(&S, "www", &j, &e), 0);
	assert_int_equal(j.n, 2);
	assert_string_equal(j.undo[0].link, "bridge0");
	assert_string_equal(j.undo[1].link, "bridge1");
	journal_done(&j);
	/* the piece is not glued to what comes next */
	append("www", "bridge2");
	assert_int_equal(journal_load(&S, "www", &j, &e), 0);
	assert_int_equal(j.n, 3);
	assert_string_equal(j.undo[2].link, "bridge2");
	journal_done(&j);
}

static void garbage_is_told(void **state)
{
	struct err e = ERR_INIT;
	struct journal j;

	(void)state;
	append("bad", "bridge0");
	append_raw("jails/bad/journal", "no such operation\n");
	assert_true(journal_load(&S, "bad", &j, &e) < 0);
	assert_non_null(strstr(e.msg, "jails/bad/journal:2"));
	assert_int_equal(j.n, 0);
}

static void keep_some_then_none(void **state)
{
	bool keep[3] = { true, false, true };
	struct state st = { .jid = 3, .pid = 77 };
	struct err e = ERR_INIT;
	struct journal j;

	(void)state;
	append("k", "a");
	append("k", "b");
	append("k", "c");
	assert_int_equal(state_save(&S, "k", &st, &e), 0);
	assert_int_equal(journal_load(&S, "k", &j, &e), 0);
	assert_int_equal(journal_keep(&S, "k", &j, keep, &e), 0);
	journal_done(&j);
	assert_int_equal(journal_load(&S, "k", &j, &e), 0);
	assert_int_equal(j.n, 2);
	assert_string_equal(j.undo[1].link, "c");
	assert_int_equal(state_load(&S, "k", &st, &e), 0);
	keep[0] = false;
	assert_int_equal(journal_keep(&S, "k", &j, keep, &e), 0);
	journal_done(&j);
	assert_int_equal(state_load(&S, "k", &st, &e), -ENOENT);
	assert_int_equal(faccessat(S.runfd, "jails/k", F_OK, 0), -1);
	/* again: nothing there any more is fine */
	j = (struct journal){ 0 };
	assert_int_equal(journal_keep(&S, "k", &j, NULL, &e), 0);
}

static void state_round_trip(void **state)
{
	struct state a = { .jid = 12,
		           .pid = 4321,
		           .pid_start = UINT64_MAX,
		           .monitor = 99,
		           .monitor_start = 5,
		           .vnet = true,
		           .started = 1700000000,
		           .cgroup = "iocage/www",
		           .ip4 = "em0|10.0.0.5/24",
		           .release = "busybox" },
		     b;
	struct strv names = { 0 };
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(state_save(&S, "st", &a, &e), 0);
	assert_int_equal(state_load(&S, "st", &b, &e), 0);
	assert_int_equal(b.jid, 12);
	assert_int_equal(b.pid, 4321);
	assert_true(b.pid_start == UINT64_MAX);
	assert_int_equal(b.monitor, 99);
	assert_true(b.vnet && b.lifecycle == LIFE_STARTING);
	for (enum lifecycle l = LIFE_STARTING; l <= LIFE_STOPPING; l++) {
		a.lifecycle = l;
		assert_int_equal(state_save(&S, "st", &a, &e), 0);
		assert_int_equal(state_load(&S, "st", &b, &e), 0);
		assert_int_equal(b.lifecycle, l);
	}
	assert_int_equal(b.started, 1700000000);
	assert_string_equal(b.cgroup, "iocage/www");
	assert_string_equal(b.ip4, "em0|10.0.0.5/24");
	assert_string_equal(b.ip6, "");
	assert_string_equal(b.release, "busybox");
	assert_int_equal(state_names(&S, &names, &e), 0);
	assert_true(strv_has(&names, "st"));
	strv_done(&names);
	append_raw("jails/st/state", "ready=1\n"); /* as an older program wrote it */
	assert_int_equal(state_load(&S, "st", &b, &e), 0);
	assert_int_equal(b.lifecycle, LIFE_UP);
	append_raw("jails/st/state", "from_the_future=1\n");
	assert_int_equal(state_load(&S, "st", &b, &e), 0);
	append_raw("jails/st/state", "jid=abc\n");
	assert_true(state_load(&S, "st", &b, &e) < 0);
	assert_non_null(strstr(e.msg, "jails/st/state:"));
	snprintf(a.ip6, sizeof(a.ip6), "x\ny");
	assert_true(state_save(&S, "st", &a, &e) < 0);
}

static void lowest_free_id(void **state)
{
	struct err e = ERR_INIT;
	unsigned id;

	(void)state;
	for (unsigned i = 1; i <= 20; i++) {
		assert_int_equal(jid_take(&S, &id, &e), 0);
		assert_int_equal(id, i);
	}
	assert_int_equal(jid_put(&S, 8, &e), 0);
	assert_int_equal(jid_put(&S, 3, &e), 0);
	assert_int_equal(jid_put(&S, 3, &e), 0);
	assert_int_equal(jid_put(&S, 4000, &e), 0);
	assert_true(jid_put(&S, 0, &e) < 0);
	assert_int_equal(jid_take(&S, &id, &e), 0);
	assert_int_equal(id, 3);
	assert_int_equal(jid_take(&S, &id, &e), 0);
	assert_int_equal(id, 8);
	assert_int_equal(jid_take(&S, &id, &e), 0);
	assert_int_equal(id, 21);
}

/* Four processes take 50 ids each: no id twice. */
static void ids_are_unique_across_processes(void **state)
{
	struct err e = ERR_INIT;
	bool seen[400] = { false };
	int p[2], n = 0;
	unsigned id;

	(void)state;
	assert_int_equal(pipe(p), 0);
	for (int k = 0; k < 4; k++) {
		if (fork() != 0)
			continue;
		for (int i = 0; i < 50; i++)
			if (jid_take(&S, &id, &e) < 0 || write(p[1], &id, sizeof(id)) != sizeof(id))
				_exit(1);
		_exit(0);
	}
	close(p[1]);
	while (read(p[0], &id, sizeof(id)) == sizeof(id)) {
		assert_true(id < 400 && !seen[id]);
		seen[id] = true;
		n++;
	}
	close(p[0]);
	while (wait(NULL) > 0)
		;
	assert_int_equal(n, 200);
}

static void locks(void **state)
{
	struct err e = ERR_INIT;
	int a = -1, b = -1;

	(void)state;
	assert_int_equal(store_lock_jail(&S, "www", false, 0, &a, &e), 0);
	assert_int_equal(store_lock_jail(&S, "www", false, 0, &b, &e), -EBUSY);
	assert_int_equal(e.cls, ERR_BUSY);
	assert_non_null(strstr(e.msg, "www is in use by another iocage command (process "));
	assert_int_equal(store_lock_jail(&S, "www", true, 1, &b, &e), -EBUSY);
	assert_int_equal(store_lock_jail(&S, "other", false, 0, &b, &e), 0);
	close(b);
	close(a);
	assert_int_equal(store_lock_jail(&S, "www", true, 0, &a, &e), 0);
	assert_int_equal(store_lock_jail(&S, "www", true, 0, &b, &e), 0);
	close(a);
	close(b);
	/* a jail called as a global lock is another lock */
	assert_int_equal(store_lock_global(&S, "net", &a, &e), 0);
	assert_int_equal(store_lock_jail(&S, "net", false, 0, &b, &e), 0);
	close(a);
	close(b);
	assert_true(store_lock_jail(&S, "../../x", false, 0, &b, &e) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_trip_and_torn_line),
		cmocka_unit_test(garbage_is_told),
		cmocka_unit_test(keep_some_then_none),
		cmocka_unit_test(state_round_trip),
		cmocka_unit_test(lowest_free_id),
		cmocka_unit_test(ids_are_unique_across_processes),
		cmocka_unit_test(locks),
	};

	return cmocka_run_group_tests(tests, world_setup, world_teardown);
}
