/* caps.h - the capabilities a jail's processes have, over their own user namespace. Internal to confinement. */
#ifndef IOCAGE_OS_LINUX_CAPS_H
#define IOCAGE_OS_LINUX_CAPS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

/* Bit set of CAP_* for the jail's `allow` (enum allow_flags). shared: no network stack of its own. */
uint64_t caps_for(unsigned allow, bool shared, bool real_init);

/* Cut bounding, permitted and effective to set; inheritable and ambient to nothing. Needs CAP_SETPCAP. */
must_check int caps_limit(uint64_t set, struct err *e);

/* Permitted and effective only; enough where no_new_privs follows. */
must_check int caps_keep(uint64_t set, struct err *e);

#endif
