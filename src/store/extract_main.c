/* extract_main.c - iocage-extract FILE DIR [SHA256]: unpacks an archive into DIR, and can reach nothing else. */
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <sha256.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "store/extract.h"

static void show_progress(int percent)
{
	printf("p %d\n", percent);
	fflush(stdout);
}

/* Of all that fd holds, as hex; the file offset is back at the start afterwards. */
static int file_sum(int fd, char hex[static 65], struct err *e)
{
	static const char digits[] = "0123456789abcdef";
	unsigned char buf[65536], sum[32];
	SHA256_CTX c;
	ssize_t n;

	SHA256_Init(&c);
	while ((n = read(fd, buf, sizeof(buf))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(e, "cannot read");
		SHA256_Update(&c, buf, (size_t)n);
	}
	SHA256_Final(sum, &c);
	for (size_t i = 0; i < sizeof(sum); i++) {
		hex[2 * i] = digits[sum[i] >> 4];
		hex[2 * i + 1] = digits[sum[i] & 15];
	}
	hex[64] = '\0';
	return lseek(fd, 0, SEEK_SET) < 0 ? err_sys(e, "cannot read again") : 0;
}

static int check_sum(int fd, const char *want, struct err *e)
{
	char have[65];
	int r = file_sum(fd, have, e);

	if (r < 0)
		return r;
	if (strcasecmp(have, want) != 0)
		return err_set(e, EBADMSG, "SHA-256 mismatch: expected %s, the file has %s", want, have);
	return 0;
}

static int run(const char *file, const char *dir, const char *sum, struct err *e)
{
	_cleanup_close_ int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat before, after;
	struct extract_stats st;
	int r;

	if (fd < 0 || fstat(fd, &before) < 0)
		return err_sys(e, "cannot open it");
	if (!S_ISREG(before.st_mode))
		return err_set(e, EINVAL, "not a regular file");
	r = extract_confine(dir, e);
	if (r == 0 && sum)
		r = check_sum(fd, sum, e);
	if (r == 0)
		r = extract_archive(fd, before.st_size, show_progress, &st, e);
	if (r < 0)
		return r;
	/* whoever may write the file could swap its contents after the sum was taken */
	if (fstat(fd, &after) < 0 || after.st_size != before.st_size || after.st_ctim.tv_sec != before.st_ctim.tv_sec ||
	    after.st_ctim.tv_nsec != before.st_ctim.tv_nsec)
		return err_set(e, EBUSY, "the file was changed while it was read");
	printf("s %lu\no %lu\n", st.skipped, st.renumbered);
	return 0;
}

int main(int argc, char **argv)
{
	struct err e = ERR_INIT;

	if (argc < 3 || argc > 4) {
		fprintf(stderr, "usage: iocage-extract file directory [sha256]\n");
		return 2;
	}
	/* names of members are converted from UTF-8, and cannot be in the C locale; messages stay as they are */
	if (!setlocale(LC_CTYPE, "C.UTF-8"))
		(void)setlocale(LC_CTYPE, "");
	umask(022);
	if (run(argv[1], argv[2], argc == 4 ? argv[3] : NULL, &e) < 0) {
		/* one line: the reader takes lines */
		for (char *p = strchr(e.msg, '\n'); p; p = strchr(p, '\n'))
			*p = ' ';
		printf("e %s\n", e.msg);
		return 1;
	}
	return 0;
}
