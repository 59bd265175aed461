/* hosts.h - /etc/hosts of a new jail, from that of its release. Pure. */
#ifndef IOCAGE_CORE_HOSTS_H
#define IOCAGE_CORE_HOSTS_H

#include "base/err.h"
#include "base/str.h"
#include "core/addr.h"
#include "core/conf.h"

/*
 * The release's lines (NULL: it has no such file) with the jail's short name behind those of 127.0.0.1, and, when it has a
 * static IPv4 address, a line of that with its host name: F's form. -ENOMEM, or negative when ip4_addr is no list.
 */
must_check int hosts_text(const struct conf *c, const char *release, struct sbuf *out, struct err *e);

/*
 * Is localhost another IPv4 address than a in these lines: 1, with the lines that say a instead in out; 0: nothing
 * is to be changed. -ENOMEM.
 */
must_check int hosts_localhost(const char *text, const struct ipaddr *a, struct sbuf *out, struct err *e);

#endif
