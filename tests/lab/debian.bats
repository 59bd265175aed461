#!/usr/bin/env bats
# debian.bats - whole systems: a Debian from the mirror, and one that boots systemd.

load lib

setup_file() { lab_setup_file; }
teardown_file() { lab_teardown_file; }
teardown() { lab_reset; }

outside() {
	nsenter --net="$LAB_OUTSIDE_NS" "$@"
}

# Its systemd has started all there is.
settled() {
	local i
	for i in $(seq 100); do
		inside "$1" 'systemctl is-system-running'
		case $output in running | degraded) return 0 ;; esac
		sleep 0.2
	done
	inside "$1" 'systemctl --no-pager list-jobs; systemctl --no-pager --failed'
	echo "$output"
	return 1
}

# Before sysvinit has reached a runlevel its reboot runs no scripts.
in_runlevel_2() {
	local i
	for i in $(seq 300); do
		inside "$1" 'runlevel'
		[ "$output" != 'N 2' ] || return 0
		sleep 0.2
	done
	is 'N 2'
}

# again J PID: it was started again: its first process is not PID
again() {
	local i
	for i in $(seq 600); do
		if [ "$(init_pid "$1" 2>/dev/null)" != "$2" ] && is_up "$1" 2>/dev/null; then return 0; fi
		sleep 0.2
	done
	tail -n 40 "$IOCAGE_ROOT/log/$1-console.log"
	return 1
}

is_down_within() {
	local i
	for i in $(seq $(($1 * 5))); do
		is_down "$2" && return 0
		sleep 0.2
	done
	tail -n 40 "$IOCAGE_ROOT/log/$2-console.log"
	return 1
}

@test "fetch -r bookworm makes a release by mmdebstrap; a jail from it works in both networks" {
	ok outside "$IOCAGE" fetch -r bookworm
	ok iocage list -rh
	has bookworm
	ok iocage create -r bookworm -n deb 'ip4_addr=em0|192.0.2.10/24' exec_start=/bin/true exec_stop=/bin/true
	world_snapshot before
	up deb
	inside_ok deb '. /etc/os-release; echo $VERSION_CODENAME; id -un; dpkg-query -W dpkg | cut -f1; perl -v | grep -c Larry'
	is "$(printf 'bookworm\nroot\ndpkg\n1')"
	inside_ok deb 'su -s /bin/sh nobody -c "id -un"'
	is nobody
	inside_ok deb 'touch /x && chown www-data:www-data /x && stat -c %U /x && apt-get --version | head -1'
	has www-data
	inside_ok deb 'getent hosts localhost; hostname'
	has deb
	down deb
	world_same before
	ok iocage set vnet=on interfaces=vnet0:bridge0 'ip4_addr=vnet0|10.7.0.5/24' defaultrouter=none defaultrouter6=none deb
	up deb
	inside_ok deb 'perl -e "use Socket; socket(S,PF_INET,SOCK_STREAM,0) or die; bind(S,sockaddr_in(80,inet_aton(q(10.7.0.5)))) or die; print qq(bound\n)"'
	is bound
	down deb
	world_same before
}

@test "systemd as pid 1: boots to a target, lists its units, shuts down when asked" {
	tar=$LAB_TMP/systemd.tar
	ok outside mmdebstrap --quiet --variant=minbase --include=systemd-sysv,dbus bookworm "$tar"
	ok iocage fetch -r debian-systemd -F "$tar"
	rm -f "$tar"
	ok iocage create -r debian-systemd -n sysd 'ip4_addr=em0|192.0.2.10/24'
	ok iocage get exec_init sysd
	is auto
	world_snapshot before
	up sysd
	inside_ok sysd 'readlink /proc/1/exe' # its name it changes by itself, some time later
	has /systemd
	settled sysd
	inside_ok sysd 'systemctl is-active dbus.socket; systemctl --no-pager list-units | grep -c loaded'
	has active
	pid=$(init_pid sysd)
	inside_ok sysd 'touch /run/before'
	inside sysd 'systemctl reboot'
	again sysd "$pid"
	settled sysd
	inside_ok sysd '[ ! -e /run/before ]'
	inside sysd 'systemctl poweroff'
	is_down_within 120 sysd
	world_same before
	up sysd
	settled sysd
	# by itself, long before it would be killed
	ok iocage set stop_timeout=1200 sysd
	ok timeout 600 "$IOCAGE" stop sysd
	world_same before
	ok iocage destroy -f sysd
	ok iocage destroy -r -f debian-systemd
}

@test "sysvinit as pid 1: reboot and poweroff inside, with its scripts run" {
	local pid tar=$LAB_TMP/sysv.tar
	ok outside mmdebstrap --quiet --variant=minbase --include=sysvinit-core,sysv-rc,initscripts bookworm "$tar"
	ok iocage fetch -r debian-sysv -F "$tar"
	rm -f "$tar"
	ok iocage create -r debian-sysv -n sysv 'ip4_addr=em0|192.0.2.10/24'
	world_snapshot before
	up sysv
	inside_ok sysv 'readlink /proc/1/exe'
	has /init
	in_runlevel_2 sysv
	inside_ok sysv 'sed -i "2i echo \$0 \$1 >>/went" /etc/init.d/sendsigs'
	pid=$(init_pid sysv)
	inside sysv 'reboot'
	again sysv "$pid"
	inside sysv 'cat /went'
	is '/etc/init.d/sendsigs stop'
	in_runlevel_2 sysv
	inside sysv 'poweroff'
	is_down_within 120 sysv
	[ "$(grep -c 'sendsigs stop' "$(upper sysv)/went")" -eq 2 ]
	world_same before
	ok iocage destroy -f sysv
	ok iocage destroy -r -f debian-sysv
}
