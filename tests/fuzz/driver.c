/* driver.c - runs a fuzz target over files and directories of inputs, without a fuzzer: the corpus as an ordinary test. */
#include <dirent.h>
#include <limits.h>
#include <sys/stat.h>

#include "fuzz.h"

static unsigned ran;

static void run_file(const char *path)
{
	static uint8_t buf[1 << 20];
	FILE *f = fopen(path, "r");
	size_t n;
	uint8_t *exact;

	if (!f) {
		perror(path);
		exit(1);
	}
	n = fread(buf, 1, sizeof(buf), f);
	(void)fclose(f);
	/* memory of just this size, so that a checker sees a read past the end */
	exact = malloc(n ? n : 1);
	must(exact);
	memcpy(exact, buf, n);
	(void)LLVMFuzzerTestOneInput(exact, n);
	free(exact);
	ran++;
}

static void run_path(const char *path)
{
	struct stat st;
	struct dirent *d;
	DIR *dir;

	if (stat(path, &st) < 0) {
		perror(path);
		exit(1);
	}
	if (!S_ISDIR(st.st_mode)) {
		run_file(path);
		return;
	}
	dir = opendir(path);
	must(dir);
	while ((d = readdir(dir))) {
		char sub[PATH_MAX];

		if (d->d_name[0] == '.')
			continue;
		(void)snprintf(sub, sizeof(sub), "%s/%s", path, d->d_name);
		run_path(sub);
	}
	(void)closedir(dir);
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		run_path(argv[i]);
	printf("%u inputs\n", ran);
	return ran ? 0 : 1;
}
