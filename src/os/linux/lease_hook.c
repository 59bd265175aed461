/* lease_hook.c - the program that udhcpc runs at each event: passes what a server said on to iocage-lease. Static and small. */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "core/lease.h"
#include "os/linux/lease_hook.h"

static char text[LEASE_TEXT_MAX];
static size_t used;

static int add(const char *s)
{
	size_t n = strlen(s);

	if (n >= sizeof(text) - used)
		return -1;
	memcpy(text + used, s, n);
	used += n;
	return 0;
}

/* The event, then NAME=VALUE lines. What they say is judged by who reads it. */
int main(int argc, char **argv)
{
	static const char *const keys[] = { LEASE_KEYS };

	if (argc != 2 || add(argv[1]) < 0 || add("\n") < 0)
		return 1;
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		const char *v = getenv(keys[i]);

		if (v && !strchr(v, '\n') && (add(keys[i]) < 0 || add("=") < 0 || add(v) < 0 || add("\n") < 0))
			return 1;
	}
	return send(LEASE_FD_HOOK, text, used, MSG_NOSIGNAL) < 0;
}
