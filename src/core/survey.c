/* survey.c - looking things up in a survey. */
#include "core/survey.h"

#include <stdlib.h>

#include "base/str.h"

const struct sv_link *survey_link(const struct survey *s, const char *name)
{
	for (size_t i = 0; i < s->nlinks; i++)
		if (ifname_same(s->links[i].name, name))
			return &s->links[i];
	return NULL;
}

const struct sv_link *survey_index(const struct survey *s, unsigned index)
{
	for (size_t i = 0; i < s->nlinks; i++)
		if (s->links[i].index == index)
			return &s->links[i];
	return NULL;
}

const struct sv_addr *survey_addr(const struct survey *s, const struct ipaddr *host)
{
	for (size_t i = 0; i < s->naddrs; i++)
		if (ipaddr_same_host(&s->addrs[i].addr, host))
			return &s->addrs[i];
	return NULL;
}

bool survey_is_own(const struct survey *s, const struct ipaddr *host)
{
	for (size_t i = 0; i < s->naddrs; i++) {
		const struct sv_link *l = survey_index(s, s->addrs[i].link);

		if (ipaddr_same_host(&s->addrs[i].addr, host) ||
		    (host->family == 4 && l && l->loopback && ipaddr_in_prefix(host, &s->addrs[i].addr)))
			return true;
	}
	return false;
}

const struct sv_way *survey_way(const struct survey *s, const struct ipaddr *to)
{
	for (size_t i = 0; i < s->nways; i++)
		if (ipaddr_same_host(&s->ways[i].to, to))
			return &s->ways[i];
	return NULL;
}

void survey_done(struct survey *s)
{
	free(s->links);
	free(s->addrs);
	free(s->routes);
	free(s->neighs);
	free(s->ways);
	free(s->vlans);
	*s = (struct survey){ 0 };
}
