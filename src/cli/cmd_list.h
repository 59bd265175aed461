/*
 * cmd_list.h - the one list of commands (X-macro, no include guard): C(name, group, words, flags, min, max, complete, summary).
 * words is what the usage line shows after the options; complete names what the positionals are: j jail, J jails,
 * p property then jail, s property=value then jail, k property=value, c a command, x jail then program, h a word of hostnet, - nothing.
 */
C(create, "Jails", "[PROP=VALUE]...", CMD_ROOT, 0, ARGS_ANY, 'k', "Create a jail from a release.")
C(destroy, "Jails", "NAME...", CMD_ROOT, 1, ARGS_ANY, 'J', "Destroy jails or releases and everything in them.")
C(list, "Jails", "", 0, 0, 0, '-', "List jails or releases.")
C(start, "Running", "JAIL...", CMD_ROOT, 0, ARGS_ANY, 'J', "Start jails; ALL starts every jail.")
C(stop, "Running", "JAIL...", CMD_ROOT, 0, ARGS_ANY, 'J', "Stop jails; ALL stops every jail.")
C(restart, "Running", "JAIL", CMD_ROOT, 1, 1, 'j', "Stop a jail and start it again; ALL restarts every jail.")
C(exec, "Running", "JAIL COMMAND [ARG]...", CMD_ROOT | CMD_PASS, 2, ARGS_ANY, 'x', "Run a command inside a jail.")
C(console, "Running", "JAIL", CMD_ROOT, 1, 1, 'j', "Log in to a jail.")
C(sockets, "Running", "[JAIL]", CMD_ROOT, 0, 1, 'j', "Show the sockets of jails, as the host sees them.")
C(get, "Properties", "[PROP] [JAIL]", 0, 0, 2, 'p', "Show properties of a jail or of the defaults.")
C(set, "Properties", "PROP=VALUE... JAIL", CMD_ROOT, 1, ARGS_ANY, 's',
  "Change properties of a jail or of the defaults.")
C(fetch, "Releases", "", CMD_ROOT, 0, 0, '-', "Fetch a release, or make one from an archive.")
C(hostnet, "Host", "apply|check|show|undo", CMD_ROOT, 1, 1, 'h', "Configure the host's own network from rc.conf lines.")
C(doctor, "Other", "[JAIL]", CMD_ROOT, 0, 1, 'j', "Find what is wrong with the network of jails and host.")
C(gc, "Other", "", CMD_ROOT, 0, 0, '-', "Remove what jails that are gone left behind.")
C(help, "Other", "[COMMAND]", 0, 0, 1, 'c', "Show help about iocage or one command.")
C(keep, "Internal", "JAIL TIMES", CMD_ROOT | CMD_HIDDEN, 2, 2, '-', "Put back addresses that the host lost.")
C(reap, "Internal", "JAIL [STATUS [HOW]]", CMD_ROOT | CMD_HIDDEN, 1, 3, '-',
  "Clean up after a jail that ended by itself.")
