/* hosts.c - the text of a new jail's /etc/hosts. */
#include "core/hosts.h"

#include <string.h>

#include "base/cleanup.h"
#include "core/jail.h"

/* Does one of the line's words after the address equal this name. */
static bool line_has(const char *line, size_t len, const char *name)
{
	size_t n = strlen(name);

	while (len) {
		size_t gap = strspn(line, " \t"), word;

		gap = gap < len ? gap : len;
		line += gap, len -= gap;
		word = strcspn(line, " \t\n#");
		if (word == n && strncmp(line, name, n) == 0)
			return true;
		if (!word)
			return false;
		line += word, len -= word;
	}
	return false;
}

static void add_line(struct sbuf *out, const char *line, size_t len, const char *name)
{
	bool local = len > 9 && str_starts(line, "127.0.0.1") && (line[9] == ' ' || line[9] == '\t');
	size_t end = local ? strcspn(line, "#\n") : len;

	if (!local || line_has(line, len, name)) {
		sbuf_addn(out, line, len);
	} else {
		while (line[end - 1] == ' ' || line[end - 1] == '\t')
			end--;
		sbuf_addn(out, line, end);
		sbuf_addf(out, " %s", name);
		sbuf_addn(out, line + end, len - end);
	}
	sbuf_addc(out, '\n');
}

int hosts_text(const struct conf *c, const char *release, struct sbuf *out, struct err *e)
{
	const char *name = conf_get(c, PROP_host_hostname);
	_cleanup_free_ char *shorter = strndup(name, strcspn(name, "."));
	_cleanup_free_ struct jaddr *list = NULL;
	char addr[IPADDR_TEXT];
	size_t n = 0;
	int r;

	if (!shorter)
		return err_oom(e);
	for (const char *s = release ? release : "127.0.0.1\tlocalhost\n::1\tlocalhost\n"; *s;) {
		size_t len = strcspn(s, "\n");

		if (*shorter)
			add_line(out, s, len, shorter);
		else
			sbuf_addf(out, "%.*s\n", (int)len, s);
		s += len + (s[len] == '\n');
	}
	r = jaddr_list_parse(conf_get(c, PROP_ip4_addr), 4, &list, &n, e);
	for (size_t i = 0; r == 0 && *shorter && i < n; i++) {
		if (list[i].mode != JADDR_STATIC || list[i].addr.b[0] == 127)
			continue; /* a loopback address is nobody's name */
		sbuf_addf(out, "%s\t%s%s%s\n", ipaddr_format_host(&list[i].addr, addr), name,
		          streq(name, shorter) ? "" : " ", streq(name, shorter) ? "" : shorter);
		break;
	}
	return r == 0 && out->failed ? err_oom(e) : r;
}

int hosts_localhost(const char *text, const struct ipaddr *a, struct sbuf *out, struct err *e)
{
	char is[IPADDR_TEXT];
	bool changed = false;

	(void)ipaddr_format_host(a, is);
	for (const char *s = text; *s;) {
		size_t len = strcspn(s, "\n"), word = strcspn(s, " \t\n#");
		char first[IPADDR_TEXT] = "";
		struct ipaddr was;

		if (word < sizeof(first))
			memcpy(first, s, word);
		if (ipaddr_parse(first, 4, &was, NULL) == 0 && !ipaddr_same_host(&was, a) &&
		    line_has(s + word, len - word, "localhost")) {
			sbuf_add(out, is);
			sbuf_addn(out, s + word, len - word);
			changed = true;
		} else {
			sbuf_addn(out, s, len);
		}
		if (s[len])
			sbuf_addc(out, '\n');
		s += len + (s[len] == '\n');
	}
	return out->failed ? err_oom(e) : changed;
}
