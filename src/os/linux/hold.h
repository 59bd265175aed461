/* hold.h - raw access to the pinned maps that hold jails' sockets; private to hold.c and the broker. */
#ifndef IOCAGE_OS_LINUX_HOLD_H
#define IOCAGE_OS_LINUX_HOLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "bpf/hold_abi.h"
#include "core/hold.h"

/* File descriptors of the maps, -1: not open. */
struct hold_maps {
#define X(name) int name;
	HOLD_MAPS(X)
#undef X
};

/* Open the maps of the network namespace we are in. */
must_check int hold_maps_open(struct hold_maps *m, struct err *e);
/* Only those that the socket broker needs, and of these only to read what it need not write. */
must_check int hold_maps_open_broker(struct hold_maps *m, struct err *e);
void hold_maps_close(struct hold_maps *m);

/* bpf(2) on map elements: 0 or -errno. flags as BPF_ANY, BPF_NOEXIST. */
must_check int hold_map_get(int map, const void *key, void *value);
must_check int hold_map_put(int map, const void *key, const void *value, uint64_t flags);
int hold_map_del(int map, const void *key);
must_check int hold_map_next(int map, const void *key, void *next); /* key NULL: the first */

/* A new BPF ring buffer of that many bytes (a power of two, at least a page): an fd, or -errno. */
must_check int hold_ring(size_t bytes);

/* Cookie of the network namespace a socket is in; 0: unknown. */
uint64_t hold_netns_cookie(int sock);

/* Is addr (::ffff:a.b.c.d for IPv4) one of those h holds to. */
bool hold_lists(const struct hold *h, const uint8_t addr[16]);

/* ::ffff:a.b.c.d */
void hold_mapped(const uint8_t a4[4], uint8_t ret[static 16]);

/*
 * Forget all that the maps keep of a jail that has ended (its sockets are closed); those of ports, owners, sources and events
 * that are not open are left out. 0 or -errno; all of it is tried.
 */
int hold_forget(const struct hold_maps *m, uint64_t jail);

#endif
