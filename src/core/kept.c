/* kept.c - which addresses of a running jail other programs took from the host, and how often. */
#include "core/kept.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

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

/* ADDRESS LINK TIMES LAST LEFT */
static int parse_line(const char *line, size_t len, struct kept_list *ret)
{
	_cleanup_(strv_done) struct strv w = { 0 };
	uint64_t times, last, left;
	char buf[LINE_MAX];
	struct ipaddr a;
	struct kept *k;

	if (len >= sizeof(buf))
		return 0;
	memcpy(buf, line, len);
	buf[len] = '\0';
	if (strv_split(&w, buf, " ") < 0)
		return -ENOMEM;
	if (w.n != 5 || ipaddr_parse(w.v[0], 0, &a, NULL) < 0 || !ifname_valid(w.v[1]) ||
	    !str_to_uint(w.v[2], 0, UINT32_MAX, &times) || !str_to_uint(w.v[3], 0, INT64_MAX, &last) ||
	    !str_to_uint(w.v[4], 0, 1, &left))
		return 0;
	k = kept_get(ret, &a, w.v[1]);
	if (!k)
		return -ENOMEM;
	k->times = (unsigned)times;
	k->last = (int64_t)last;
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
