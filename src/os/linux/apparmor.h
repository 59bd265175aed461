/* apparmor.h - the AppArmor profiles that jails run under where the host has AppArmor: apparmor.d(5). */
#ifndef IOCAGE_OS_LINUX_APPARMOR_H
#define IOCAGE_OS_LINUX_APPARMOR_H

#include "base/err.h"

#define APPARMOR_DEFAULT "iocage-default"
#define APPARMOR_MOUNT   "iocage-mount" /* allow_mount */

/*
 * The program that this process executes next runs under the profile for `allow` (enum allow_flags), and cannot leave it. By
 * the /proc that is there, which may be a jail's: what is not a /proc of the kernel's own is refused.
 */
must_check int apparmor_on_exec(unsigned allow, struct err *e);

#endif
