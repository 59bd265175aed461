/* kept.c - which addresses of a running jail other programs took from the host, and how often. */
#include "core/kept.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_MAX 160

struct kept *kept_get(struct kept_list *l, const struct ipaddr *a, const char *link)
{
	struct kept *more;

	for (size_t i = 0; i < l->n; i++)
		if (ipaddr_same_host(&l->v[i].addr, a))
			return &l->v[i];
	if (l->n == KEPT_MAX)
		return NULL;
	more = realloc(l->v, (l->n + 1) * sizeof(*more));
	if (!more)
		return NULL;
	l->v = more;
	more[l->n] = (struct kept){ .addr = *a };
	if (str_copy(more[l->n].link, sizeof(more[l->n].link), link) < 0)
		return NULL;
	return &more[l->n++];
}

void kept_format(const struct kept_list *l, struct sbuf *out)
{
	for (size_t i = 0; i < l->n; i++) {
		const struct kept *k = &l->v[i];
		char text[IPADDR_TEXT];

		sbuf_addf(out, "%s %s %u %" PRId64 " %d\n", ipaddr_format(&k->addr, text), k->link, k->times, k->last,
		          k->left);
	}
}

static int parse_line(const char *line, size_t len, struct kept_list *ret)
{
	char buf[LINE_MAX], addr[64], link[IFNAME_CAP];
	struct ipaddr a;
	unsigned times, left;
	struct kept *k;
	int64_t last;

	if (len >= sizeof(buf))
		return 0;
	memcpy(buf, line, len);
	buf[len] = '\0';
	if (sscanf(buf, "%63s %15s %9u %18" SCNd64 " %1u", addr, link, &times, &last, &left) != 5 ||
	    ipaddr_parse(addr, strchr(addr, ':') ? 6 : 4, &a, NULL) < 0 || !ifname_valid(link))
		return 0;
	k = kept_get(ret, &a, link);
	if (!k)
		return -ENOMEM;
	k->times = times;
	k->last = last;
	k->left = left != 0;
	return 0;
}

int kept_parse(const char *text, struct kept_list *ret)
{
	int r = 0;

	*ret = (struct kept_list){ 0 };
	for (const char *end; r == 0 && (end = strchr(text, '\n')); text = end + 1)
		r = parse_line(text, (size_t)(end - text), ret);
	if (r < 0)
		kept_done(ret);
	return r;
}

void kept_done(struct kept_list *l)
{
	free(l->v);
	*l = (struct kept_list){ 0 };
}
