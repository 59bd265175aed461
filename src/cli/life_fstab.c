/* life_fstab.c - what a start says about directories of the host that the jail is given to write. */
#include <string.h>

#include "cli/life.h"
#include "core/fstab.h"
#include "os/os.h"

static bool has_option(const char *opts, const char *want)
{
	size_t n = strlen(want);

	for (const char *s = opts ? opts : ""; *s;) {
		size_t len = strcspn(s, ",");

		if (len == n && strncmp(s, want, n) == 0)
			return true;
		s += len + (s[len] == ',');
	}
	return false;
}

void warn_shared(const struct session *s, const struct plan *p)
{
	for (size_t i = 0; i < p->n; i++) {
		const struct op *op = &p->steps[i].redo;

		if (op->kind != OP_MOUNT || !streq(op->fstype, "bind") || has_option(op->opts, "ro") ||
		    fstab_idshift(op->opts) || !os_suid_reachable(op->source))
			continue;
		warning("%s: fstab: the jail can write to %s, and users of this host reach it: what the jail's root "
		        "makes "
		        "set-user-ID there runs as the host's root. Mount it nosuid on the host, have it below a "
		        "directory "
		        "that only root can enter, or add the option ro, or idshift=N.",
		        s->jail, op->source);
	}
}
