/* hold.h - what a shared-IP jail's sockets are held to; passed as text in the `hold` operation. Pure. */
#ifndef IOCAGE_CORE_HOLD_H
#define IOCAGE_CORE_HOLD_H

#include "base/str.h"
#include "core/addr.h"
#include "core/jail.h"

#define HOLD_SOCKETS   8192 /* the default of maxsockets, not written in the text */
#define HOLD_ADDRS_MAX 255 /* per family, as FreeBSD's security.jail.jail_max_af_ips */

struct hold {
	enum ip_mode ip4, ip6; /* IP_NEW with no address behaves as IP_DISABLE */
	bool saddrsel4, saddrsel6, raw_sockets, reserved_ports;
	uint32_t sockets; /* how many it may have made at a time */
	uint32_t n4, n6;
	uint8_t a4[HOLD_ADDRS_MAX][4]; /* [0] is the primary */
	uint8_t a6[HOLD_ADDRS_MAX][16];
};

/* "ip4=new ip6=new saddrsel4=1 saddrsel6=1 raw=0 a=10.0.0.5,2001:db8::5" and back. */
void hold_format(const struct hold *h, struct sbuf *out);
must_check int hold_parse(const char *text, struct hold *ret, struct err *e);
void hold_from_jail(const struct jail *j, struct hold *ret);

#endif
