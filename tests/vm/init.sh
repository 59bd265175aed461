#!/bin/sh
# init.sh - first process of the virtual machine: makes the machine's file system the root, runs what was ordered, powers off.
export PATH=/bin

if [ "${1:-}" != ordered ]; then
	busybox mkdir -p /proc /sys /dev /machine /disk /layer /new
	busybox mount -t proc proc /proc
	busybox mount -t sysfs sys /sys
	busybox mount -t devtmpfs dev /dev
	while read -r f; do
		busybox insmod "/modules/${f##*/}" || echo "vm: cannot load ${f##*/}"
	done </modules/order
	read -r line </proc/cmdline
	for w in $line; do
		case $w in
		vm.run=*) run=${w#*=} ;;
		vm.top=*) top=${w#*=} ;;
		vm.build=*) build=${w#*=} ;;
		vm.modules=*) modules=${w#*=} ;;
		esac
	done
	busybox mount -t virtiofs -o ro machine /machine || echo "vm: cannot mount the machine's files"
	busybox mount -t tmpfs -o mode=755 layer /layer
	busybox mkdir /layer/upper /layer/work
	busybox mount -t overlay -o lowerdir=/machine,upperdir=/layer/upper,workdir=/layer/work root /new
	busybox mount -t ext4 /dev/vda /disk
	busybox mkdir -m 1777 /disk/tmp
	busybox mkdir /disk/lib

	busybox mount -t tmpfs -o mode=755 run /new/run
	busybox mount --bind /disk/tmp /new/tmp
	busybox mkdir -p /new/var/lib/iocage
	busybox mount --bind /disk/lib /new/var/lib/iocage
	# what the tests are made of may be below what was just covered
	for d in "$top" "$build" "$run" "$modules"; do
		busybox mkdir -p "/new$d"
		busybox mount --bind "/machine$d" "/new$d"
	done
	busybox mkdir -p /new/lib/modules
	busybox mount --bind "/machine$modules" /new/lib/modules
	[ -e /new/sbin/modprobe ] || busybox ln -s "$(busybox readlink -f /new/bin/busybox | busybox sed 's,^/new,,')" /new/sbin/modprobe
	for d in proc sys dev; do busybox mount --move "/$d" "/new/$d"; done
	busybox cp /init /new/run/vm-init
	echo "$run" >/new/run/vm-order
	exec busybox switch_root /new /run/vm-init ordered
fi

export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TERM=dumb LC_ALL=C.UTF-8
mkdir -p /dev/pts /dev/shm
mount -t devpts -o gid=5,mode=620,ptmxmode=666 devpts /dev/pts
mount -t tmpfs shm /dev/shm
mount -t cgroup2 -o nsdelegate cgroup2 /sys/fs/cgroup
mount -t bpf bpf /sys/fs/bpf
mount -t securityfs securityfs /sys/kernel/security
# what systemd does on a host: the controllers are there for its children
read -r line </sys/fs/cgroup/cgroup.controllers
for c in $line; do echo "+$c" >/sys/fs/cgroup/cgroup.subtree_control; done 2>/dev/null
# and the device of a module that is loaded when it is opened
modprobe tun 2>/dev/null
ln -s /proc/self/fd /dev/fd
ln -s /proc/self/fd/0 /dev/stdin
ln -s /proc/self/fd/1 /dev/stdout
ln -s /proc/self/fd/2 /dev/stderr
hostname vm
ip link set lo up
# QEMU's own network, behind which is the machine's
if modprobe virtio_net 2>/dev/null && [ -e /sys/class/net/eth0 ]; then
	ip link set eth0 up
	ip addr add 10.0.2.15/24 dev eth0
	ip route add default via 10.0.2.2
	rm -f /etc/resolv.conf
	echo 'nameserver 10.0.2.3' >/etc/resolv.conf
fi
echo "vm: Linux $(uname -r), $(cut -d. -f1 /proc/uptime) s after power on"
setsid bash "$(cat /run/vm-order)/order" </dev/null
status=$?
echo "$status" >/dev/ttyS1
sync
busybox poweroff -f
