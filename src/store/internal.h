/* internal.h - what the files of the store share among themselves. */
#ifndef IOCAGE_STORE_INTERNAL_H
#define IOCAGE_STORE_INTERNAL_H

#include "store/store.h"

#define CONFIG_MAX     (1024 * 1024) /* bytes of a config.json */
#define STATE_MAX      (64 * 1024)
#define JOURNAL_MAX    (16 * 1024 * 1024)
#define FSTAB_MAX      (1024 * 1024)
#define STORE_NAME_MAX 64 /* bytes of a jail's or a release's name */

/* A name that is one path component and nothing surprising: [A-Za-z0-9][A-Za-z0-9._-]*, at most STORE_NAME_MAX. */
bool store_name_ok(const char *s);

/* s with control characters and bytes above 127 shown as '?', cut to what a message can hold. Returns buf. */
const char *store_printable(const char *s, char *buf, size_t cap);

/* Names of the directories in rootfd/sub that are store_name_ok, natural order. A missing sub is empty. */
must_check int store_list_dirs(int dirfd, const char *sub, struct strv *ret, struct err *e);

/*
 * A directory being built: made under a name no list shows, flocked so that others can tell it from the leftover of a
 * process that died, and renamed when it is whole. workdir_done removes it unless it was published.
 */
struct workdir {
	int parentfd, fd;
	char name[STORE_NAME_MAX + 32]; /* ".NAME.RANDOM"; "" = none */
	bool published;
};

#define WORKDIR_INIT              \
	{                         \
		-1, -1, "", false \
	}

/* Make ROOT/sub/.name.RANDOM, mode 0700; sweeps away leftovers first. */
must_check int workdir_make(struct store *s, const char *sub, const char *name, struct workdir *w, struct err *e);
/* Rename to name and sync the parent. -EEXIST when that name is taken (for jails: also with '.' for '_'). */
must_check int workdir_publish(struct store *s, struct workdir *w, const char *name, mode_t mode, bool like_names,
                               struct err *e);
void workdir_done(struct workdir *w);
/* Take ROOT/sub/name out of sight under one rename, then remove it. */
must_check int workdir_remove(struct store *s, const char *sub, const char *name, struct err *e);
/* Remove what dead processes left in ROOT/sub; best effort. How many things. */
size_t workdir_sweep(struct store *s, const char *sub);
/* ".NAME.RANDOM", as unfinished things are called: the only names that are ever removed unasked. */
bool workdir_is_name(const char *s);

/* The bitmap of ids, locked until the fd is closed: held for microseconds only. */
#define JID_MAP_SIZE 8192
must_check int jid_lock(struct store *s, int *ret_fd, struct err *e);
/* Give back every id that used does not have; *ret_n counts them. */
must_check int jid_keep_only(struct store *s, int fd, const unsigned char used[static JID_MAP_SIZE], size_t *ret_n,
                             struct err *e);

/* Short exclusive sections inside the store; nobody waits for another lock while holding it. */
must_check int store_lock_names(struct store *s, int *ret_fd, struct err *e);

/* Names of the jail directories that equal name when '.' and '_' are the same; first one copied to like, or "". */
must_check int store_like_name(struct store *s, const char *name, char like[static STORE_NAME_MAX + 1], struct err *e);

/* --- the parsers of the files below RUN and ROOT, by themselves; each cuts its text up --- */
/* 0, or the number of the line that makes no sense. */
unsigned state_parse(char *text, struct state *ret);
must_check int state_format(const struct state *st, struct sbuf *b); /* -EINVAL: a line break in a value */
/* *ret_line: the last one looked at. */
must_check int journal_parse(char *text, struct journal *ret, unsigned *ret_line, struct err *e);
must_check int nat_addr_parse(char *text, struct ipaddr *ret, struct err *e);

/* Write c's document to dirfd/path. */
must_check int config_write(struct config *c, int dirfd, const char *path, struct err *e);
/* conf_layer_set on own, or, for a key that is no property, in the document. */
must_check int config_put(struct config *c, const char *key, const char *value, struct err *e);
void defaults_free(struct defaults *d);

/* Exclusive while a release is made or removed, shared while a jail is made from it. */
must_check int store_lock_release(struct store *s, const char *release, bool shared, int *ret_fd, struct err *e);

/* --- making releases: each fills the empty directory w with root/ --- */
must_check int release_make_busybox(const struct fetch_req *r, struct workdir *w, struct err *e);
must_check int release_make_debian(struct store *s, const struct fetch_req *r, struct workdir *w, struct err *e);
must_check int release_make_archive(struct store *s, const struct fetch_req *r, struct workdir *w, struct err *e);
bool release_is_debian(const char *release);
/* The sum FreeBSD's MANIFEST gives for a file, owned by the caller; NULL: none. */
char *release_manifest_sum(const char *manifest, const char *name);
/* A program without a program interpreter needs no libraries: it runs in an empty root. */
bool release_static_elf(int fd);
/* What "usr/bin/awk", a line of busybox --list-full, is a link to; NULL: to nothing, it is passed over. */
const char *release_applet_target(const char *line);
/* percent -1: unknown. Nothing happens when nobody listens. */
void release_progress(const struct fetch_req *r, int percent, const char *fmt, ...) printf_like(3, 4);
/*
 * Run argv, which makes what is in w, and hand on each line of its output, control characters replaced. *ret_status as of
 * proc_wait. The lock of w is the program's, too: when we are killed, nobody removes w while the program still writes there.
 */
typedef void (*line_fn)(void *ctx, const char *line);
must_check int release_run(const struct workdir *w, char *const *argv, char *const *envp, line_fn fn, void *ctx,
                           int *ret_status, struct err *e);

/* --- the host's own package sources (release_apt.c) --- */
struct apt_source {
	char *uri, *suite, *components; /* components: blank-separated */
	char *keyring; /* signed-by when it is a file, or NULL */
};
struct apt_sources {
	struct apt_source *v;
	size_t n;
};
/* Of dir/sources.list and dir/sources.list.d; what cannot be read or understood is passed over. 0 or -ENOMEM. */
must_check int apt_sources_parse(struct apt_sources *l, bool deb822, char *text); /* one file's; adds to l */
must_check int apt_sources_read(const char *dir, struct apt_sources *ret);
void apt_sources_done(struct apt_sources *l);

#endif
