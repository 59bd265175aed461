/* test_release.c - releases: busybox, archives honest and hostile, sources of apt, who uses what. Needs root. */
#include "store_world.h"

#include <sys/wait.h>

#include "base/proc.h"

static const char *libexec; /* directory of the iocage-extract under test */

static char *path_of(const char *name)
{
	return strf("%s/%s", world_dir, name);
}

/* --- a tar writer that says what it is told to say --- */

struct member {
	const char *name;
	char type; /* '0' file, '1' hard link, '2' symlink, '3' character device, '5' directory */
	const char *link, *data;
	unsigned mode, uid;
};

static void octal(char *at, size_t width, unsigned v)
{
	for (size_t i = width - 1; i-- > 0; v >>= 3)
		at[i] = (char)('0' + (v & 7));
	at[width - 1] = '\0';
}

static char *make_tar(const char *name, const struct member *m, size_t n)
{
	char *path = path_of(name), pad[1024] = "";
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	for (size_t i = 0; i < n; i++) {
		size_t len = m[i].data ? strlen(m[i].data) : 0;
		char h[512] = "";
		unsigned sum = 0;

		snprintf(h, 100, "%s", m[i].name);
		octal(h + 100, 8, m[i].mode ? m[i].mode : 0755);
		octal(h + 108, 8, m[i].uid);
		octal(h + 116, 8, m[i].uid);
		octal(h + 124, 12, (unsigned)len);
		octal(h + 136, 12, 1700000000);
		h[156] = m[i].type;
		snprintf(h + 157, 100, "%s", m[i].link ? m[i].link : "");
		memcpy(h + 257, "ustar\00000", 8);
		octal(h + 329, 8, 1);
		octal(h + 337, 8, 3);
		memset(h + 148, ' ', 8);
		for (size_t k = 0; k < 512; k++)
			sum += (unsigned char)h[k];
		octal(h + 148, 7, sum);
		assert_int_equal(write(fd, h, 512), 512);
		assert_int_equal(write(fd, m[i].data, len), len);
		assert_int_equal(write(fd, pad, (512 - len % 512) % 512), (512 - len % 512) % 512);
	}
	assert_int_equal(write(fd, pad, 1024), 1024);
	close(fd);
	return path;
}

static int fetch(const char *release, const char *file, const char *sum, struct err *e)
{
	struct fetch_req r = { .release = release, .file = file, .sha256 = sum };

	return release_fetch(&S, &r, e);
}

static bool ready(void)
{
	if (geteuid() == 0 && libexec)
		return true;
	print_message("skipped: needs root and IOCAGE_TEST_LIBEXEC (directory of iocage-extract)\n");
	return false;
}

static void run(const char *const *argv)
{
	struct proc_spec spec = PROC_SPEC_INIT;
	struct err e = ERR_INIT;
	int st;

	spec.argv = (char *const *)argv;
	if (proc_run(&spec, &st, &e) < 0)
		fail_msg("%s", e.msg);
	assert_int_equal(st, 0);
}

static const struct member honest[] = {
	{ .name = "./", .type = '5', .mode = 0700 },
	{ .name = "./etc/", .type = '5' },
	{ .name = "./etc/motd", .type = '0', .data = "hello\n", .mode = 0644, .uid = 1234 },
	{ .name = "/abs/olute", .type = '0', .data = "x" },
	{ .name = "bin/su", .type = '0', .data = "#!/bin/sh\n", .mode = 04755 },
	{ .name = "bin/su2", .type = '1', .link = "./bin/su" },
	{ .name = "etc/out", .type = '2', .link = "/etc/passwd" },
	{ .name = "n\xc3\xa4me", .type = '0', .data = "u" },
	{ .name = "dev/null", .type = '3' },
	{ .name = "big", .type = '0', .data = "b", .uid = 100000 },
};
#define N(a) (sizeof(a) / sizeof((a)[0]))

static void archive_is_kept_as_it_is(void **state)
{
	struct err e = ERR_INIT;
	struct stat a, b;
	char *tar, *text;

	(void)state;
	if (!ready())
		skip();
	tar = make_tar("honest.tar", honest, N(honest));
	if (fetch("honest", tar, NULL, &e) < 0)
		fail_msg("%s", e.msg);
	text = get_file("releases/honest/root/etc/motd");
	assert_string_equal(text, "hello\n");
	free(text);
	assert_int_equal(fstatat(S.rootfd, "releases/honest/root", &a, 0), 0);
	assert_int_equal(a.st_mode & 07777, 0755);
	assert_int_equal(fstatat(S.rootfd, "releases/honest", &a, 0), 0);
	assert_int_equal(a.st_mode & 07777, 0700);
	assert_int_equal(fstatat(S.rootfd, "releases/honest/root/etc/motd", &a, 0), 0);
	assert_int_equal(a.st_uid, 1234);
	assert_int_equal(a.st_mtim.tv_sec, 1700000000);
	assert_int_equal(fstatat(S.rootfd, "releases/honest/root/bin/su", &a, 0), 0);
	assert_int_equal(a.st_mode & 07777, 04755);
	assert_int_equal(fstatat(S.rootfd, "releases/honest/root/bin/su2", &b, 0), 0);
	assert_int_equal(a.st_ino, b.st_ino);
	assert_int_equal(fstatat(S.rootfd, "releases/honest/root/big", &a, 0), 0);
	assert_int_equal(a.st_uid, 65534);
	assert_true(there("releases/honest/root/abs/olute"));
	assert_true(there("releases/honest/root/n\xc3\xa4me"));
	assert_false(there("releases/honest/root/dev/null"));
	assert_int_equal(fetch("honest", tar, NULL, &e), -EEXIST);
	free(tar);
}

static void compressed(void **state)
{
	static const char *const how[][3] = {
		{ "gzip", "-k", "gz" },
		{ "xz", "-k", "xz" },
		{ "zstd", "-qk", "zst" },
		{ "bzip2", "-k", "bz2" },
	};
	struct err e = ERR_INIT;
	char *tar;

	(void)state;
	if (!ready())
		skip();
	tar = make_tar("c.tar", honest, N(honest));
	for (size_t i = 0; i < N(how); i++) {
		char *file = strf("%s.%s", tar, how[i][2]);
		const char *argv[] = { how[i][0], how[i][1], tar, NULL };
		struct proc_spec spec = PROC_SPEC_INIT;
		int st;

		spec.argv = (char *const *)argv;
		if (proc_run(&spec, &st, &e) < 0) {
			print_message("not tried: no %s here\n", how[i][0]);
			free(file);
			continue;
		}
		if (fetch(how[i][0], file, NULL, &e) < 0)
			fail_msg("%s", e.msg);
		assert_int_equal(release_destroy(&S, how[i][0], &e), 0);
		free(file);
	}
	free(tar);
}

static void refused(const char *name, const struct member *m, size_t n, const char *want)
{
	struct err e = ERR_INIT;
	char *tar = make_tar(name, m, n);
	size_t before = count_entries("releases");
	int r = fetch("evil", tar, NULL, &e);

	if (r == 0)
		fail_msg("%s was accepted", name);
	if (!strstr(e.msg, want))
		fail_msg("no '%s' in: %s", want, e.msg);
	assert_int_equal(count_entries("releases"), before);
	free(tar);
}

static void hostile_archives(void **state)
{
	/* names that are nobody else's on this machine */
	_cleanup_free_ char *evil = strf("../../../evil-%d", (int)getpid()), *below = strf("a/%s", evil + 9);
	_cleanup_free_ char *slash = strf("%s", evil + 8), *tmp = strf("/tmp%s", evil + 8);
	const struct member dotdot[] = { { .name = evil, .type = '0', .data = "x" } };
	const struct member through[] = {
		{ .name = "a", .type = '2', .link = "/" },
		{ .name = below, .type = '0', .data = "x" },
	};
	const struct member up[] = {
		{ .name = "a", .type = '2', .link = "../../../../../../../tmp" },
		{ .name = below, .type = '0', .data = "x" },
	};
	static const struct member hard[] = {
		{ .name = "shadow", .type = '1', .link = "../../../../../../../etc/shadow" },
	};
	static const struct member hard_abs[] = { { .name = "shadow", .type = '1', .link = "/etc/shadow" } };
	static const struct member none[] = { { .name = "./", .type = '5' } };
	struct err e = ERR_INIT;
	char *path;
	int fd;

	(void)state;
	if (!ready())
		skip();
	refused("dotdot.tar", dotdot, N(dotdot), "..");
	refused("through.tar", through, N(through), "symlink");
	refused("up.tar", up, N(up), "symlink");
	refused("hard.tar", hard, N(hard), "hard link");
	refused("hardabs.tar", hard_abs, N(hard_abs), "shadow");
	refused("none.tar", none, N(none), "empty");
	assert_int_equal(access(slash, F_OK), -1);
	assert_int_equal(access(tmp, F_OK), -1);
	path = path_of("junk");
	fd = open(path, O_WRONLY | O_CREAT, 0600);
	assert_int_equal(write(fd, "this is no archive at all, whatever its name may say", 52), 52);
	close(fd);
	assert_true(fetch("junk", path, NULL, &e) < 0);
	assert_true(fetch("junk", "/no/such/file", NULL, &e) < 0);
	assert_true(fetch("junk", "/dev/zero", NULL, &e) < 0);
	assert_false(there("releases/junk"));
	free(path);
}

/* A truncated archive leaves nothing. */
static void truncated(void **state)
{
	struct err e = ERR_INIT;
	char *tar;

	(void)state;
	if (!ready())
		skip();
	tar = make_tar("short.tar", honest, N(honest));
	assert_int_equal(truncate(tar, 1300), 0);
	assert_true(fetch("short", tar, NULL, &e) < 0);
	assert_false(there("releases/short"));
	free(tar);
}

static void sums(void **state)
{
	static const struct member one[] = { { .name = "f", .type = '0', .data = "x" } };
	struct sbuf out = { 0 };
	struct proc_spec spec = PROC_SPEC_INIT;
	struct err e = ERR_INIT;
	char *tar, sum[65];
	int st;

	(void)state;
	if (!ready())
		skip();
	tar = make_tar("sum.tar", one, N(one));
	{
		char *const argv[] = { (char *)"sha256sum", tar, NULL };

		spec.argv = argv;
		assert_int_equal(proc_capture(&spec, 1000, &out, &st, &e), 0);
		snprintf(sum, sizeof(sum), "%.64s", out.p);
		sbuf_done(&out);
	}
	assert_true(fetch("s", tar, "123", &e) < 0);
	assert_int_equal(e.cls, ERR_USAGE);
	sum[0] = sum[0] == '0' ? '1' : '0';
	assert_true(fetch("s", tar, sum, &e) < 0);
	assert_non_null(strstr(e.msg, "SHA-256 mismatch"));
	assert_false(there("releases/s"));
	{
		char *const argv[] = { (char *)"sha256sum", tar, NULL };

		spec.argv = argv;
		assert_int_equal(proc_capture(&spec, 1000, &out, &st, &e), 0);
		snprintf(sum, sizeof(sum), "%.64s", out.p);
		sbuf_done(&out);
	}
	assert_int_equal(fetch("s", tar, sum, &e), 0);
	free(tar);
}

/* fetch -f -d DIR: DIR/RELEASE/base.txz and friends, checked against MANIFEST. */
static void directory(void **state)
{
	static const struct member base[] = { { .name = "f", .type = '0', .data = "base" } };
	static const struct member extra[] = { { .name = "f", .type = '0', .data = "extra" } };
	struct err e = ERR_INIT;
	char *dir, *sub, *a, *b, *text;

	(void)state;
	if (!ready())
		skip();
	dir = path_of("dir");
	sub = path_of("dir/rel-d");
	assert_int_equal(mkdir(dir, 0700) | mkdir(sub, 0700), 0);
	assert_true(fetch("rel-d", dir, NULL, &e) < 0);
	assert_non_null(strstr(e.msg, "holds no archive"));
	a = make_tar("dir/rel-d/base.tar", base, 1);
	b = make_tar("dir/rel-d/aaa.tar", extra, 1);
	if (fetch("rel-d", dir, NULL, &e) < 0)
		fail_msg("%s", e.msg);
	text = get_file("releases/rel-d/root/f");
	assert_string_equal(text, "extra");
	free(text);
	free(a);
	free(b);
	a = path_of("dir/rel-d/MANIFEST");
	b = strf("base.tar\t%064d\t1\tbase\n", 0);
	assert_int_equal(fs_replace(AT_FDCWD, a, b, strlen(b), 0644, false, &e), 0);
	assert_int_equal(release_destroy(&S, "rel-d", &e), 0);
	assert_true(fetch("rel-d", dir, NULL, &e) < 0);
	assert_non_null(strstr(e.msg, "SHA-256 mismatch"));
	free(a);
	free(b);
	free(dir);
	free(sub);
}

static void busybox(void **state)
{
	struct err e = ERR_INIT;
	char *root;
	struct stat st;

	(void)state;
	if (geteuid() != 0 || access("/bin/busybox", X_OK) < 0)
		skip();
	if (fetch("busybox", NULL, NULL, &e) < 0)
		fail_msg("%s", e.msg);
	root = strf("%s/releases/busybox/root", S.root);
	run((const char *const[]){
		"chroot", root, "/bin/sh", "-c",
		"set -e; ls -l / >/dev/null; [ \"$(id -un)\" = root ]; ifconfig -h 2>/dev/null || true; "
		"[ ! -e /sbin/init ]; [ -x /etc/rc ]; [ -d /var/www ]; [ -L /var/run ]",
		NULL });
	/* services start in order and stop in the opposite one */
	run((const char *const[]){
		"chroot", root, "/bin/sh", "-c",
		"for n in 10a 20b; do printf '#!/bin/sh\\necho '$n' $1 >>/tmp/log\\n' >/etc/rc.d/$n; "
		"chmod +x /etc/rc.d/$n; done; echo junk >/etc/rc.d/README; "
		"sh /etc/rc && sh /etc/rc.shutdown && "
		"[ \"$(tr '\\n' ' ' </tmp/log)\" = '10a start 20b start 20b stop 10a stop ' ]",
		NULL });
	assert_int_equal(fstatat(S.rootfd, "releases/busybox/root/tmp", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 01777);
	assert_int_equal(fstatat(S.rootfd, "releases/busybox/root/etc/shadow", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(fetch("busybox", NULL, NULL, &e), -EEXIST);
	free(root);
}

static void users(void **state)
{
	struct strv l = { 0 };
	struct err e = ERR_INIT;

	(void)state;
	put_release("used");
	new_jail("u1", "used", false);
	new_jail("u2", "used", true);
	new_jail("u3", "used", false);
	assert_int_equal(release_users(&S, "used", &l, &e), 0);
	assert_int_equal(l.n, 2);
	strv_done(&l);
	assert_int_equal(release_destroy(&S, "used", &e), -EBUSY);
	assert_string_equal(e.msg, "release used is needed by: u1 u3");
	/* one that cannot be read may need it */
	put_file("jails/u1/config.json", "{", 1);
	assert_int_equal(store_destroy_jail(&S, "u3", &e), 0);
	assert_int_equal(release_destroy(&S, "used", &e), -EBUSY);
	assert_int_equal(store_destroy_jail(&S, "u1", &e), 0);
	assert_int_equal(release_destroy(&S, "used", &e), 0);
	assert_int_equal(release_destroy(&S, "used", &e), -ENOENT);
	assert_true(there("jails/u2/root/etc/motd"));
}

static void unknown_names(void **state)
{
	struct err e = ERR_INIT;

	(void)state;
	assert_true(release_is_known("busybox") && release_is_known("bookworm") && release_is_known("noble"));
	assert_false(release_is_known("14.2-RELEASE"));
	assert_int_equal(fetch("14.2-RELEASE", NULL, NULL, &e), -ENOENT);
	assert_int_equal(strncmp(e.msg, "14.2-RELEASE was not found!\n", 28), 0);
	assert_int_equal(fetch("../x", NULL, NULL, &e), -EINVAL);
	assert_int_equal(fetch("", NULL, NULL, &e), -EINVAL);
}

static void apt_sources(void **state)
{
	static const char list[] = "# comment\n"
				   "deb [arch=amd64 signed-by=/k/one.gpg] http://a/debian bookworm main contrib # x\n"
				   "deb-src http://a/debian bookworm main\n"
				   "deb http://b/debian\n"
				   "deb\thttps://c/ubuntu\tnoble main\n";
	static const char deb822[] = "Types: deb deb-src\nURIs: http://d/debian\n http://e/debian\n"
				     "# in between\nSuites: trixie trixie-updates\nComponents: main\n"
				     "Signed-By: /k/two.gpg\n\n"
				     "Enabled: no\nTypes: deb\nURIs: http://off\nSuites: x\nComponents: main\n\n\n"
				     "types: deb\nuris: http://f/debian\nsuites: sid\ncomponents: main\n"
				     "Signed-By:\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n";
	struct apt_sources l;
	struct err e = ERR_INIT;
	char *dir = path_of("apt");

	(void)state;
	assert_int_equal(apt_sources_read(dir, &l), 0);
	assert_int_equal(l.n, 0);
	assert_int_equal(fs_mkdirs(AT_FDCWD, dir, 0755), 0);
	{
		int fd = open(dir, O_RDONLY | O_DIRECTORY);

		assert_int_equal(mkdirat(fd, "sources.list.d", 0755), 0);
		assert_int_equal(fs_replace(fd, "sources.list", list, strlen(list), 0644, false, &e), 0);
		assert_int_equal(fs_replace(fd, "sources.list.d/x.sources", deb822, strlen(deb822), 0644, false, &e),
		                 0);
		assert_int_equal(fs_replace(fd, "sources.list.d/x.disabled", list, strlen(list), 0644, false, &e), 0);
		close(fd);
	}
	assert_int_equal(apt_sources_read(dir, &l), 0);
	assert_int_equal(l.n, 7);
	assert_string_equal(l.v[0].uri, "http://a/debian");
	assert_string_equal(l.v[0].suite, "bookworm");
	assert_string_equal(l.v[0].components, "main contrib");
	assert_string_equal(l.v[0].keyring, "/k/one.gpg");
	assert_string_equal(l.v[1].uri, "https://c/ubuntu");
	assert_null(l.v[1].keyring);
	assert_string_equal(l.v[2].uri, "http://d/debian");
	assert_string_equal(l.v[3].suite, "trixie-updates");
	assert_string_equal(l.v[5].uri, "http://e/debian");
	assert_string_equal(l.v[5].keyring, "/k/two.gpg");
	assert_string_equal(l.v[6].suite, "sid");
	assert_null(l.v[6].keyring);
	apt_sources_done(&l);
	free(dir);
}

static int setup(void **state)
{
	int r = world_setup(state);

	libexec = getenv("IOCAGE_TEST_LIBEXEC");
	S.libexec = libexec;
	/* for a helper built with the address sanitizer: looking for leaks needs /proc, which its chroot lacks */
	setenv("ASAN_OPTIONS", "detect_leaks=0", 1);
	return r;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(archive_is_kept_as_it_is),
		cmocka_unit_test(compressed),
		cmocka_unit_test(hostile_archives),
		cmocka_unit_test(truncated),
		cmocka_unit_test(sums),
		cmocka_unit_test(directory),
		cmocka_unit_test(busybox),
		cmocka_unit_test(users),
		cmocka_unit_test(unknown_names),
		cmocka_unit_test(apt_sources),
	};

	return cmocka_run_group_tests(tests, setup, world_teardown);
}
