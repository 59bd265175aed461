/* commands.c - the options of each command and the command table itself. Data only. */
#include "cli/commands.h"

#include <string.h>

#define HEADER                                                                                            \
	{                                                                                                 \
		OPT_HEADER, "hH", "header", NULL, NULL, "For scripts: no head, fields separated by tabs." \
	}
#define END                                              \
	{                                                \
		OPT__COUNT, NULL, NULL, NULL, NULL, NULL \
	}
#define FORCE(what)                                       \
	{                                                 \
		OPT_FORCE, "f", "force", NULL, NULL, what \
	}

const struct opt global_opts[] = {
	{ OPT_VERSION, "v", "version", NULL, NULL, "Show the version and exit." },
	FORCE("Accepted for compatibility."),
	{ OPT_DEBUG, "D", "debug", NULL, NULL, "Accepted for compatibility." },
	END,
};

static const struct opt opts_create[] = {
	{ OPT_NAME, "n", "name", NULL, "NAME", "Name of the jail; without it a random UUID is the name." },
	{ OPT_RELEASE, "r", "release", NULL, "RELEASE", "Release to make it from; fetched first if it is not here." },
	{ OPT_COUNT, "c", "count", NULL, "N", "Create N jails: NAME_1 to NAME_N, addresses counted upwards." },
	{ OPT_UUID, "u", "uuid", NULL, "UUID", "Use this UUID as the name." },
	{ OPT_SHORT, "s", "short", NULL, NULL, "Use only the first 8 characters of the UUID." },
	{ OPT_EMPTY, "e", "empty", NULL, NULL, "Create a jail with an empty root, to be filled by hand." },
	{ OPT_THICK, "T", "thickjail", NULL, NULL, "Copy the release instead of laying the jail over it." },
	{ OPT_TEMPLATE, "t", "template", NULL, "TEMPLATE", "From a template (not available in this version)." },
	{ OPT_BASEJAIL, "b", "basejail", NULL, NULL, "Basejail (not available in this version)." },
	{ OPT_CLONE_BASEJAIL, "B", "clone_basejail", NULL, NULL, "Cloned basejail (not available in this version)." },
	{ OPT_THICKCONFIG, "C", "thickconfig", NULL, NULL, "Full configuration file (not available in this version)." },
	{ OPT_PKGLIST, "p", "pkglist", NULL, "FILE", "Install packages (not available in this version)." },
	{ OPT_PROXY, "S", "proxy", NULL, "URL", "Proxy for packages (not available in this version)." },
	FORCE("Accepted for compatibility."),
	END,
};

static const struct opt opts_destroy[] = {
	FORCE("Do not ask; stop running jails first."),
	{ OPT_RECURSIVE, "R", "recursive", NULL, NULL, "Accepted for compatibility: jails have no dependents here." },
	{ OPT_RELEASE, "r", "release", NULL, NULL, "The names are releases, not jails." },
	{ OPT_DOWNLOAD, "d", "download", NULL, NULL, "With --release: what was downloaded for it goes, too." },
	END,
};

static const struct opt opts_list[] = {
	{ OPT_RELEASE, "rb", "release|base", NULL, NULL, "List the releases that are here." },
	{ OPT_BASEJAILS, "B", "basejails", NULL, NULL, "List basejails only." },
	{ OPT_TEMPLATE, "t", "template", NULL, NULL, "List templates only." },
	{ OPT_LONG, "l", "long", NULL, NULL, "Show all columns." },
	{ OPT_QUICK, "q", "quick", NULL, NULL, "Only names and addresses, from the configurations." },
	HEADER,
	{ OPT_SORT, "s", "sort", NULL, "KEY",
	  "Sort by: jid name state release ip4; with -l also boot type ip6 template." },
	{ OPT_REMOTE, "R", "remote", NULL, NULL, "List the releases that can be fetched by name." },
	{ OPT_JSON, "", "json", NULL, NULL, "All columns as JSON." },
	END,
};

static const struct opt opts_start[] = {
	{ OPT_RC, "", "rc", NULL, NULL,
	  "Start the jails that have boot=on, by depends and priority, several at a time, quietly." },
	{ OPT_IGNORE, "i", "ignore", NULL, NULL, "Go on with the next jail after a failure." },
	{ OPT_DRY_RUN, "", "dry-run", NULL, NULL, "Only print what would be done, step by step." },
	END,
};

static const struct opt opts_stop[] = {
	{ OPT_RC, "", "rc", NULL, NULL,
	  "Stop the jails that have boot=on in the reverse order, several at a time, quietly." },
	FORCE("Skip exec_prestop and exec_stop."),
	{ OPT_IGNORE, "i", "ignore", NULL, NULL, "Go on with the next jail after a failure." },
	END,
};

static const struct opt opts_restart[] = {
	{ OPT_SOFT, "s", "soft", NULL, NULL, "Keep the jail and its network; restart only what runs inside." },
	END,
};

static const struct opt opts_exec[] = {
	{ OPT_HOST_USER, "u", "host_user", NULL, "USER", "Run as this user of the host (default root)." },
	{ OPT_JAIL_USER, "U", "jail_user", NULL, "USER", "Run as this user of the jail." },
	FORCE("Start the jail first if it is down."),
	{ OPT_KEEP_PROXY, "p", "keep_proxy", NULL, NULL, "Keep the proxy variables of the environment." },
	END,
};

static const struct opt opts_console[] = {
	FORCE("Start the jail first if it is down."),
	END,
};

static const struct opt opts_sockets[] = {
	{ OPT_LISTEN, "l", "listening", NULL, NULL, "Only those that wait for others." },
	HEADER,
	{ OPT_JSON, "", "json", NULL, NULL, "As JSON." },
	END,
};

static const struct opt opts_get[] = {
	{ OPT_ALL, "a", "all", NULL, NULL, "Show all properties." },
	{ OPT_STATE, "s", "state", NULL, NULL, "Show up or down." },
	{ OPT_JID, "j", "jid", NULL, NULL, "Show the jail's number, - when it is down." },
	{ OPT_POOL, "p", "pool", NULL, NULL, "Show the directory that holds releases and jails." },
	{ OPT_RECURSIVE, "r", "recursive", NULL, NULL, "Show one property of every jail." },
	{ OPT_USE, "u", "use", NULL, NULL, "Show what bounds the jail, and what it takes of it now." },
	HEADER,
	END,
};

static const struct opt opts_fetch[] = {
	{ OPT_RELEASE, "r", "release", NULL, "RELEASE", "Release to fetch, or the name for what --file gives." },
	{ OPT_FORCE, "f", "file", NULL, NULL, "Take it from local archives (-d, -F)." },
	{ OPT_DIR, "d", "root-dir", NULL, "DIR", "Directory with local archives." },
	{ OPT_FILE, "F", "files", NULL, "FILE", "Archive of a root file system: tar, plain or gz, xz, zstd." },
	{ OPT_SHA256, "", "sha256", NULL, "HEX", "SHA-256 the archive must have." },
	{ OPT_SERVER, "s", "server", NULL, "URL", "Mirror to fetch from (default: the one this host uses)." },
	{ OPT_BATCH_VERIFY, "V", "verify", NULL, NULL,
	  "Accepted for compatibility: what is fetched is always verified." },
	{ OPT_BATCH_NO_VERIFY, "", "noverify", "NV", NULL, "Accepted for compatibility; verifies all the same." },
	{ OPT_BATCH_UPDATE, "U", "update", NULL, NULL, "Accepted for compatibility." },
	{ OPT_BATCH_NO_UPDATE, "", "noupdate", "NU", NULL, "Accepted for compatibility." },
	{ OPT_BATCH_EOL, "E", "eol", NULL, NULL, "Accepted for compatibility." },
	{ OPT_BATCH_NO_EOL, "", "noeol", "NE", NULL, "Accepted for compatibility." },
	END,
};

static const struct opt opts_doctor[] = {
	{ OPT_JSON, "", "json", NULL, NULL, "The findings as JSON." },
	{ OPT_FIX, "", "fix", NULL, NULL,
	  "Mend what iocage made itself: addresses and filter rules of running jails, its bridges." },
	END,
};

static const struct opt opts_gc[] = {
	{ OPT_DRY_RUN, "", "dry-run", NULL, NULL, "Only say what would be removed." },
	END,
};

static const struct opt opts_hostnet[] = {
	{ OPT_FILE, "f", "file", NULL, "FILE",
	  "Read this instead of /etc/iocage/rc.conf and sysctl.conf; may be given several times." },
	{ OPT_DRY_RUN, "", "dry-run", NULL, NULL, "apply, undo: only print what would be done, step by step." },
	END,
};

static const struct opt opts_set[] = { END };
static const struct opt opts_help[] = { END };
static const struct opt opts_keep[] = { END };
static const struct opt opts_reap[] = { END };

static const char text_create[] =
	"Properties are given as PROP=VALUE. With boot=on the jail is started, too. Missing releases are fetched.";
static const char text_destroy[] = "Names must be exact.";
static const char text_list[] = "";
static const char text_start[] = "The jails named in the property depends are started first.";
static const char text_stop[] = "What the start added is removed, whatever the configuration says by now.";
static const char text_restart[] = "";
static const char text_exec[] =
	"A COMMAND of one word is given to /bin/sh -c. The exit status is the command's. Options of iocage end where "
	"COMMAND begins.";
static const char text_console[] = "Runs login with the property login_flags, or a shell where there is no login.";
static const char text_sockets[] = "Without JAIL those of every running jail. LOCAL is what the program sees, PID is "
				   "the host's number. ALSO says who "
				   "else listens on the port in the host's stack: WHO@ADDRESS.";
static const char text_get[] =
	"JAIL may be default. PROP all shows every property as PROP:VALUE. With --use PROP may be left out.";
static const char text_set[] = "JAIL may be default. Either all of the properties are changed or none.";
static const char text_fetch[] = "Without --release, on a terminal, the known releases are offered.";
static const char text_doctor[] = "Each finding says what is wrong, how it was seen, and the command that mends it. "
				  "The status is 1 when there is one; notes, which may be as they should, do "
				  "not count. "
				  "With JAIL only what concerns it.";
static const char text_gc[] = "Interfaces, addresses and control groups that carry the program's mark and belong to no "
			      "jail; what a crash left of a "
			      "start or a stop; unfinished files. What others made is left alone, and named.";
static const char text_hostnet[] =
	"apply makes the host's network what the files ask for, all of it or nothing, and does nothing where it is so "
	"already; check names what differs and exits with 1 then; show prints how the files are understood; undo takes "
	"back "
	"what apply has done since boot. The files are rc.conf and sysctl.conf lines as on FreeBSD. Files called "
	"*sysctl* are read as sysctl.conf.";
static const char text_help[] = "";
static const char text_keep[] = "";
static const char text_reap[] = "";

const struct cmd cmd_table[CMD__COUNT] = {
#define C(name, group, words, flags, min, max, complete, summary)                           \
	[CMD_ID_##name] = { CMD_ID_##name, #name, group, words,    summary,    text_##name, \
		            flags,         min,   max,   complete, opts_##name },
#include "cli/cmd_list.h"
#undef C
};

const struct cmd *cmd_find(const char *name)
{
	for (size_t i = 0; i < CMD__COUNT; i++)
		if (strcmp(cmd_table[i].name, name) == 0)
			return &cmd_table[i];
	return NULL;
}
