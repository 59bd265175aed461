/* fuzz_files.c - the small files and listings of the host, each by its parser; the first byte says which. */
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fs.h"
#include "core/nat.h"
#include "fuzz.h"
#include "os/linux/hostnet.h"
#include "os/linux/jailproc.h"
#include "store/internal.h"

static void managers(const char *text)
{
	char buf[8];

	manager_value(text, "ADMIN_STATE", buf, sizeof(buf));
	must(strlen(buf) < sizeof(buf) && !strpbrk(buf, "\r\n"));
	if (manager_interfaces(text, "em0") || manager_netplan(text, "em0"))
		must(strstr(text, "em0"));
}

static void mountinfo(char *text)
{
	size_t len = strlen(text);
	const char *p = fs_mountinfo_point(text);

	must(!p || (p >= text && strlen(p) <= len));
}

static void process(const char *text)
{
	if (proc_stat_start(text))
		must(strchr(text, ')'));
}

static void manifest(const char *text)
{
	char *sum = release_manifest_sum(text, "base.txz");

	must(!sum || (strlen(sum) == 64 && strspn(sum, "0123456789abcdef") == 64));
	free(sum);
}

/* A link that says where: from no deeper than usr/bin, to bin/busybox, under a name that is one component. */
static void applet(const char *text)
{
	const char *slash = strrchr(text, '/');

	if (!release_applet_target(text))
		return;
	must(slash && slash[1] && strcmp(slash, "/..") != 0 && strcmp(slash, "/.") != 0 && !strstr(text, "../"));
	must(slash - text <= 8 && text[0] != '/');
}

static void nat(char *text)
{
	struct err e = ERR_INIT;
	struct ipaddr a, again;
	char buf[IPADDR_TEXT];

	if (nat_addr_parse(text, &a, &e) < 0) {
		must(e.code > 0 && e.msg[0]);
		return;
	}
	must(a.family == 4 && a.prefix == 30 && nat_router(&a).b[3] + 1 == a.b[3]);
	(void)ipaddr_format(&a, buf);
	must(nat_addr_parse(buf, &again, &e) == 0 && ipaddr_same_host(&a, &again));
}

static void program(const uint8_t *data, size_t size)
{
	int fd = memfd_create("program", MFD_CLOEXEC);

	must(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	if (release_static_elf(fd))
		must(size >= 64 && memcmp(data, "\177ELF", 4) == 0);
	(void)close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text;

	if (!size)
		return 0;
	text = fuzz_text(data + 1, size - 1);
	switch (data[0]) {
	case 'm':
		managers(text);
		break;
	case 'i':
		mountinfo(text);
		break;
	case 's':
		process(text);
		break;
	case 'f':
		manifest(text);
		break;
	case 'a':
		applet(text);
		break;
	case 'n':
		nat(text);
		break;
	case 'e':
		program(data + 1, size - 1);
		break;
	default:
		break;
	}
	free(text);
	return 0;
}
