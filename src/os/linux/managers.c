/* managers.c - does NetworkManager, systemd-networkd, ifupdown or netplan configure an interface? Told by their files. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "base/str.h"
#include "os/linux/hostnet.h"
#include "os/os.h"

#define FILE_MAX (256 * 1024)

static char *slurp(const char *path)
{
	char *text = NULL;
	size_t len;

	return fs_read(AT_FDCWD, path, FILE_MAX, &text, &len, NULL) < 0 ? NULL : text;
}

void manager_value(const char *text, const char *key, char *buf, size_t cap)
{
	size_t n = strlen(key);

	buf[0] = '\0';
	for (const char *s = text; s && *s; s = strchr(s, '\n'), s = s ? s + 1 : NULL)
		if (strncmp(s, key, n) == 0 && s[n] == '=') {
			snprintf(buf, cap, "%.*s", (int)strcspn(s + n + 1, "\r\n"), s + n + 1);
			return;
		}
}

static bool by_networkd(unsigned index, char *buf, size_t cap)
{
	_cleanup_free_ char *path = strf("/run/systemd/netif/links/%u", index), *text = path ? slurp(path) : NULL;
	char state[40];

	if (!text)
		return false;
	manager_value(text, "ADMIN_STATE", state, sizeof(state));
	if (!*state || streq(state, "unmanaged"))
		return false;
	snprintf(buf, cap, "systemd-networkd (%s)", path);
	return true;
}

static bool by_networkmanager(unsigned index, char *buf, size_t cap)
{
	_cleanup_free_ char *path = strf("/run/NetworkManager/devices/%u", index), *text = path ? slurp(path) : NULL;
	char state[40];

	if (!text)
		return false;
	manager_value(text, "managed", state, sizeof(state));
	if (!streq(state, "true") && !streq(state, "1") && !streq(state, "yes"))
		return false;
	snprintf(buf, cap, "NetworkManager (%s)", path);
	return true;
}

bool manager_interfaces(const char *text, const char *name)
{
	for (const char *s = text; s && *s; s = strchr(s, '\n'), s = s ? s + 1 : NULL) {
		char word[4][40] = { "", "", "", "" };
		int n = sscanf(s, " %39s %39s %39s %39s", word[0], word[1], word[2], word[3]);

		if (n == 4 && streq(word[0], "iface") && streq(word[1], name) && !streq(word[3], "manual"))
			return true;
	}
	return false;
}

bool manager_netplan(const char *text, const char *name)
{
	size_t n = strlen(name);

	for (const char *s = text; s && *s; s = strchr(s, '\n'), s = s ? s + 1 : NULL) {
		const char *p = s + strspn(s, " \t\"'");

		if (strncmp(p, name, n) == 0 && (p[n] == ':' || ((p[n] == '"' || p[n] == '\'') && p[n + 1] == ':')))
			return true;
	}
	return false;
}

static bool in_dir(const char *dir, const char *suffix, bool (*has)(const char *, const char *), const char *name,
                   const char *who, char *buf, size_t cap)
{
	_cleanup_closedir_ DIR *d = opendir(dir);
	struct dirent *ent;

	while (d && fs_readdir(d, &ent) > 0) {
		_cleanup_free_ char *path = NULL, *text = NULL;

		if (ent->d_name[0] == '.' || !str_ends(ent->d_name, suffix))
			continue;
		path = strf("%s/%s", dir, ent->d_name);
		text = path ? slurp(path) : NULL;
		if (text && has(text, name)) {
			snprintf(buf, cap, "%s (%s)", who, path);
			return true;
		}
	}
	return false;
}

void host_manager(const char *name, unsigned index, char *buf, size_t cap)
{
	_cleanup_free_ char *text = NULL;

	buf[0] = '\0';
	/* the loopback is everybody's */
	if (streq(name, "lo") || by_networkd(index, buf, cap) || by_networkmanager(index, buf, cap))
		return;
	text = slurp("/etc/network/interfaces");
	if (text && manager_interfaces(text, name)) {
		snprintf(buf, cap, "ifupdown (/etc/network/interfaces)");
		return;
	}
	if (!in_dir("/etc/network/interfaces.d", "", manager_interfaces, name, "ifupdown", buf, cap) &&
	    !in_dir("/etc/netplan", ".yaml", manager_netplan, name, "netplan", buf, cap))
		buf[0] = '\0';
}

bool host_wireless(const char *name, unsigned index)
{
	_cleanup_free_ char *radio = strf("/sys/class/net/%s/phy80211", name), *path = NULL, *text = NULL;
	uint64_t n = 0;

	if (!radio || access(radio, F_OK) < 0)
		return false;
	/* what is mounted there may show another network namespace */
	path = strf("/sys/class/net/%s/ifindex", name);
	text = path ? slurp(path) : NULL;
	if (text)
		text[strcspn(text, "\n")] = '\0';
	return text && str_to_uint(text, 1, UINT32_MAX, &n) && n == index;
}

/* Programs that change addresses of interfaces by themselves, by the name that /proc/PID/comm shows (15 characters). */
static const char *const changers[] = { "systemd-network", "NetworkManager", "dhclient",   "dhcpcd",
	                                "udhcpc",          "connmand",       "keepalived", "wicked",
	                                "netplan",         "ifplugd",        "vrrpd",      "ucarp" };

static bool is_changer(const char *comm)
{
	for (size_t i = 0; i < sizeof(changers) / sizeof(*changers); i++)
		if (streq(changers[i], comm))
			return true;
	return false;
}

/* Is it in the network namespace we are in: what runs in a jail cannot change the host's addresses. */
static bool is_of_host(const char *pid)
{
	_cleanup_free_ char *path = strf("/proc/%s/ns/net", pid);
	struct stat theirs, ours;

	return path && stat(path, &theirs) == 0 && stat("/proc/self/ns/net", &ours) == 0 &&
	       theirs.st_ino == ours.st_ino && theirs.st_dev == ours.st_dev;
}

static void add_running(char *buf, size_t cap)
{
	_cleanup_closedir_ DIR *d = opendir("/proc");
	struct dirent *ent;

	while (d && fs_readdir(d, &ent) > 0) {
		_cleanup_free_ char *path = NULL, *comm = NULL;
		size_t n = strlen(buf);

		if (ent->d_name[0] < '1' || ent->d_name[0] > '9')
			continue;
		path = strf("/proc/%s/comm", ent->d_name);
		comm = path ? slurp(path) : NULL;
		if (!comm)
			continue;
		comm[strcspn(comm, "\n")] = '\0';
		if (is_changer(comm) && !strstr(buf, comm) && is_of_host(ent->d_name))
			(void)snprintf(buf + n, cap - n, "%s%s (process %s)", n ? ", " : "", comm, ent->d_name);
	}
}

void os_who_manages(const char *link, char *buf, size_t cap)
{
	host_manager(link, if_nametoindex(link), buf, cap);
	add_running(buf, cap);
}
