/* broker_hidden.c - where the ports come from that a jail's sockets have in the kernel and nobody is to see. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "os/linux/broker.h"

#define PORT_MAX   65535U
#define PORT_FIRST 1024U /* below it are the services of the privileged */
#define POOL_FEW   1024U /* fewer are not worth being a pool */
#define POOL_MAX   4536U /* as many as are above the kernel's own ephemeral range */

static const char range_file[] = "sys/net/ipv4/ip_local_port_range";
static const char reserved_file[] = "sys/net/ipv4/ip_local_reserved_ports";

void broker_ports_open(struct broker *b)
{
	b->ports.range = openat(b->proc, range_file, O_RDONLY | O_CLOEXEC);
	b->ports.reserved = openat(b->proc, reserved_file, O_RDONLY | O_CLOEXEC);
}

/* The ports that the host has set aside for its own programs: "8080,9000-9100". */
static void note_reserved(struct broker_ports *p, char *text)
{
	memset(p->set_aside, 0, sizeof(p->set_aside));
	for (char *at = text; *at && *at != '\n';) {
		unsigned long from = strtoul(at, &at, 10), to = from;

		if (*at == '-')
			to = strtoul(at + 1, &at, 10);
		for (unsigned long i = from; i <= to && i <= PORT_MAX; i++)
			p->set_aside[i / 8] |= (uint8_t)(1U << i % 8);
		if (*at != ',')
			break;
		at++;
	}
}

static bool is_set_aside(const struct broker_ports *p, unsigned port)
{
	return p->set_aside[port / 8] >> port % 8 & 1;
}

/* Both may be changed while the jail runs. They are read anew; what was read last is looked at only if it changed. */
static void read_host(struct broker_ports *p)
{
	char text[sizeof(p->text)];
	ssize_t n = p->range >= 0 ? pread(p->range, text, 63, 0) : -1;
	unsigned low, high;

	text[n > 0 ? n : 0] = '\0';
	if (hold_port_range_parse(text, &low, &high)) {
		p->low = low;
		p->high = high;
	} else if (!p->high) {
		p->low = 32768; /* the kernel's own default */
		p->high = 60999;
	}
	n = p->reserved >= 0 ? pread(p->reserved, text, sizeof(text) - 1, 0) : -1;
	if (n < 0)
		return;
	text[n] = '\0';
	if (strcmp(text, p->text) == 0)
		return;
	memcpy(p->text, text, sizeof(text));
	note_reserved(p, text);
}

/*
 * Above the ephemeral range, else right below it. A range that leaves no room gives up its last ports: few enough that programs
 * that ask for any port do not miss them.
 */
static void pool_of(const struct broker_ports *p, unsigned *ret_from, unsigned *ret_to)
{
	*ret_to = PORT_MAX;
	*ret_from = p->high + 1;
	if (PORT_MAX - p->high >= POOL_FEW)
		return;
	if (p->low >= PORT_FIRST + POOL_FEW) {
		*ret_to = p->low - 1;
		*ret_from = p->low - PORT_FIRST > POOL_MAX ? p->low - POOL_MAX : PORT_FIRST;
		return;
	}
	*ret_to = p->high;
	*ret_from = p->high - p->low > 2 * POOL_FEW ? p->high - POOL_FEW + 1 : p->low + (p->high - p->low) / 2;
}

unsigned broker_hidden_start(struct broker *b)
{
	unsigned from, to;

	read_host(&b->ports);
	pool_of(&b->ports, &from, &to);
	return to - from + 1;
}

uint16_t broker_hidden_next(struct broker *b, int proto)
{
	uint16_t *last = &b->ports.last[proto == IPPROTO_UDP];
	unsigned from, to, port = *last;

	pool_of(&b->ports, &from, &to);
	for (unsigned i = 0; i <= to - from; i++) {
		port = port < from || port >= to ? from : port + 1;
		if (!is_set_aside(&b->ports, port))
			break;
	}
	*last = (uint16_t)port;
	return (uint16_t)port;
}

uint16_t broker_any_port(struct broker *b)
{
	uint32_t x = b->ports.seed;

	read_host(&b->ports);
	for (int i = 0; i < 64; i++) {
		x ^= x << 13;
		x ^= x >> 17;
		x ^= x << 5;
		b->ports.seed = x;
		if (!is_set_aside(&b->ports, b->ports.low + x % (b->ports.high - b->ports.low + 1)))
			break;
	}
	return (uint16_t)(b->ports.low + x % (b->ports.high - b->ports.low + 1));
}
