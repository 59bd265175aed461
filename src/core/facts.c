/* facts.c - looking things up in the facts about the host. */
#include "core/facts.h"

#include <stdlib.h>

#include "base/str.h"
#include "core/hostnet.h"

const struct link_fact *facts_link(const struct facts *f, const char *name)
{
	for (size_t i = 0; i < f->nlinks; i++)
		if (ifname_same(f->links[i].name, name))
			return &f->links[i];
	return NULL;
}

const struct addr_fact *facts_addr(const struct facts *f, const struct ipaddr *a)
{
	for (size_t i = 0; i < f->naddrs; i++)
		if (ipaddr_same_host(&f->addrs[i].addr, a))
			return &f->addrs[i];
	return NULL;
}

void facts_done(struct facts *f)
{
	free(f->links);
	free(f->addrs);
	free(f->nat_links);
	if (f->host)
		hn_facts_done(f->host);
	free(f->host);
	*f = (struct facts){ 0 };
}
