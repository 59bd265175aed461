/* known.c - releases by name: which there are, which fits this host, and fetching one with progress shown. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "cli/cli.h"

/* Shown in this order, those that release_is_known() confirms. */
static const char *const candidates[] = {
	"busybox", "bullseye", "bookworm", "trixie", "forky", "sid", "focal", "jammy", "noble", "plucky", "questing",
};

int known_releases(struct strv *ret)
{
	for (size_t i = 0; i < sizeof(candidates) / sizeof(*candidates); i++)
		if (release_is_known(candidates[i]) && strv_add(ret, candidates[i]) < 0)
			return -ENOMEM;
	return 0;
}

/* The suite this host itself runs, if it can be fetched; else Debian 12. */
const char *host_release(void)
{
	static char found[64];
	_cleanup_free_ char *text = NULL;
	size_t len;
	char *p;

	if (found[0])
		return found;
	/* a symlink into /usr/lib, where it really lives */
	if (fs_read(AT_FDCWD, "/usr/lib/os-release", 65536, &text, &len, NULL) == 0) {
		p = strstr(text, "\nVERSION_CODENAME=");
		if (p) {
			p += strlen("\nVERSION_CODENAME=");
			p += *p == '"';
			p[strcspn(p, "\"\n")] = '\0';
			if (str_copy(found, sizeof(found), p) == 0 && *found && release_is_known(found))
				return found;
		}
	}
	found[0] = '\0';
	return "bookworm";
}

struct bar {
	bool tty;
	char last[128]; /* what is on the line now */
	int percent;
	bool open; /* the cursor is behind an unfinished line */
};

static void draw(struct bar *b, const char *text, int percent)
{
	char fill[21] = "--------------------";

	if (percent >= 0) {
		if (percent > 100)
			percent = 100;
		memset(fill, '#', (size_t)percent / 5);
		printf("\r\033[K%.100s [%s] %d%%", text, fill, percent);
	} else {
		printf("\r\033[K%.100s", text);
	}
	(void)fflush(stdout);
	b->open = true;
}

static void progress(void *ctx, const char *text, int percent)
{
	struct bar *b = ctx;
	bool same = strncmp(b->last, text, sizeof(b->last) - 1) == 0;

	if (same && percent == b->percent)
		return;
	b->percent = percent;
	if (b->tty) {
		if (!same && b->open && percent >= 0)
			putchar('\n');
		draw(b, text, percent);
	} else if (!same) {
		info("%s", text);
		(void)fflush(stdout);
	}
	(void)snprintf(b->last, sizeof(b->last), "%s", text);
}

int fetch_release(struct cli *c, struct fetch_req *req, struct err *e)
{
	struct bar b = { .tty = isatty(STDOUT_FILENO) == 1 };
	int r;

	info("Fetching: %s", req->release);
	req->progress = progress;
	req->progress_ctx = &b;
	r = release_fetch(&c->st, req, e);
	if (b.open)
		printf("\r\033[K");
	(void)fflush(stdout);
	return r;
}
