/* fuzz_passwd.c - a jail's passwd and group: "NAME<newline>passwd<NUL>group"; who is found has ids that a jail has. */
#include "fuzz.h"
#include "os/linux/user.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *nl = size ? memchr(data, '\n', size) : NULL, *nul;
	char *name, *passwd = NULL, *group = NULL;
	struct err e = ERR_INIT;
	static struct user u;

	if (!nl)
		return 0;
	name = fuzz_text(data, (size_t)(nl - data));
	size -= (size_t)(nl + 1 - data);
	nul = size ? memchr(nl + 1, '\0', size) : NULL;
	passwd = fuzz_text(nl + 1, nul ? (size_t)(nul - nl - 1) : size);
	if (nul)
		group = fuzz_text(nul + 1, size - (size_t)(nul + 1 - (nl + 1)));
	if (user_in_text(passwd, group, name, &u, &e) == 0) {
		must(u.uid <= USER_ID_MAX && u.gid <= USER_ID_MAX);
		must(u.ngroups >= 1 && u.ngroups <= USER_GROUPS_MAX && u.groups[0] == u.gid);
		for (size_t i = 0; i < u.ngroups; i++)
			must(u.groups[i] <= USER_ID_MAX);
		must(*u.home && *u.shell);
		must(memchr(u.name, '\0', sizeof(u.name)) && memchr(u.home, '\0', sizeof(u.home)));
	} else {
		must(e.code > 0 && e.msg[0]);
	}
	free(name);
	free(passwd);
	free(group);
	return 0;
}
