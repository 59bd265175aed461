#!/usr/bin/env bats
# fetch.bats - releases from tarballs: each compression, checksums, and archives that mean harm.

load lib

setup_file() { lab_setup_file; }
teardown_file() { lab_teardown_file; }
teardown() {
	lab_reset
	find "$IOCAGE_ROOT/releases" -mindepth 1 -maxdepth 1 ! -name busybox -exec rm -rf --one-file-system {} +
}

# A small root in $LAB_TMP/tree
tree() {
	rm -rf "$LAB_TMP/tree"
	mkdir -p "$LAB_TMP/tree/bin" "$LAB_TMP/tree/etc" "$LAB_TMP/tree/tmp" "$LAB_TMP/tree/proc" "$LAB_TMP/tree/dev"
	cp /bin/busybox "$LAB_TMP/tree/bin/busybox"
	for a in sh true cat ls stat id; do ln -sf busybox "$LAB_TMP/tree/bin/$a"; done
	echo small >"$LAB_TMP/tree/etc/name"
	ln "$LAB_TMP/tree/etc/name" "$LAB_TMP/tree/etc/hardlink"
	chown 33:44 "$LAB_TMP/tree/etc/name"
	chmod 4755 "$LAB_TMP/tree/bin/busybox"
	mkdir -p "$LAB_TMP/arch"
}

gone() {
	ok iocage destroy -r -f "$1"
}

# evil NAME PYTHON: a tar made by python's tarfile, which does not refuse anything
evil() {
	mkdir -p "$LAB_TMP/arch"
	python3 - "$LAB_TMP/arch/$1.tar" "$LAB_TMP" <<-P
		import io, sys, tarfile
		t = tarfile.open(sys.argv[1], "w")
		def add(name, **kw):
		    data = kw.pop("data", b"")
		    i = tarfile.TarInfo(name)
		    i.size = len(data)
		    i.mode = 0o755
		    for k, v in kw.items(): setattr(i, k, v)
		    t.addfile(i, io.BytesIO(data))
		add("bin", type=tarfile.DIRTYPE)
		add("bin/sh", data=b"#!/bin/sh\n")
		$2
		t.close()
	P
}

# an archive that must leave nothing outside the release's own root, whether it is refused or tamed
harmless() {
	run iocage fetch -r "$1" -F "$LAB_TMP/arch/$1.tar"
	[ "$status" -le 1 ]
	[ ! -e "$LAB_TMP/pwned" ]
	[ ! -e "$IOCAGE_ROOT/pwned" ]
	[ ! -e "$IOCAGE_ROOT/releases/pwned" ]
	[ ! -e "$IOCAGE_ROOT/releases/$1/pwned" ]
	if [ "$status" -ne 0 ]; then [ ! -e "$IOCAGE_ROOT/releases/$1" ]; fi
}

@test "fetch -r busybox: no network, at once, twice is fine" {
	rm -rf "$IOCAGE_ROOT/releases/busybox"
	ok unshare -n "$IOCAGE" fetch -r busybox
	[ -x "$IOCAGE_ROOT/releases/busybox/root/bin/busybox" ]
	run iocage fetch -r busybox
	[ "$status" -le 1 ]
	[ -x "$IOCAGE_ROOT/releases/busybox/root/bin/busybox" ]
}

@test "-F: tar, gz, xz, zstd, each gives the same root" {
	tree
	tar -C "$LAB_TMP/tree" -cf "$LAB_TMP/arch/t.tar" .
	gzip -k "$LAB_TMP/arch/t.tar"
	xz -k "$LAB_TMP/arch/t.tar"
	zstd -q "$LAB_TMP/arch/t.tar"
	for x in tar tar.gz tar.xz tar.zst; do
		ok iocage fetch -r "rel-$x" -F "$LAB_TMP/arch/t.$x"
		r=$IOCAGE_ROOT/releases/rel-$x/root
		[ "$(cat "$r/etc/name")" = small ]
		[ "$(stat -c %u:%g "$r/etc/name")" = 33:44 ]
		[ "$(stat -c %a "$r/bin/busybox")" = 4755 ]
		[ "$(readlink "$r/bin/sh")" = busybox ]
		[ "$(stat -c %i "$r/etc/name")" = "$(stat -c %i "$r/etc/hardlink")" ]
	done
	ok iocage create -r rel-tar.xz -n fromtar exec_start=/bin/true exec_stop=/bin/true
	up fromtar
	inside_ok fromtar 'cat /etc/name; stat -c %u:%g /etc/name'
	is "$(printf 'small\n33:44')"
	ok iocage destroy -f fromtar
	for x in tar tar.gz tar.xz tar.zst; do gone "rel-$x"; done
}

@test "-f -d DIR takes DIR/RELEASE" {
	tree
	mkdir -p "$LAB_TMP/dir/local1"
	tar -C "$LAB_TMP/tree" -czf "$LAB_TMP/dir/local1/root.tar.gz" .
	ok iocage fetch -f -d "$LAB_TMP/dir" -r local1
	[ -e "$IOCAGE_ROOT/releases/local1/root/etc/name" ]
	gone local1
}

@test "SHA-256: right is taken, wrong is refused and leaves nothing" {
	tree
	tar -C "$LAB_TMP/tree" -cf "$LAB_TMP/arch/s.tar" .
	sum=$(sha256sum "$LAB_TMP/arch/s.tar" | cut -d' ' -f1)
	ok iocage fetch -r summed -F "$LAB_TMP/arch/s.tar" --sha256 "$sum"
	gone summed
	fails 2 iocage fetch -r summed -F "$LAB_TMP/arch/s.tar" --sha256 "${sum/[0-9]/x}"
	bad=$(printf '0%.0s' $(seq 64))
	fails 1 iocage fetch -r summed -F "$LAB_TMP/arch/s.tar" --sha256 "$bad"
	has "$bad"
	has "$sum"
	[ ! -e "$IOCAGE_ROOT/releases/summed" ]
}

@test "a truncated archive, a text file, an empty file, none at all: refused, nothing left" {
	tree
	tar -C "$LAB_TMP/tree" -czf "$LAB_TMP/arch/whole.tar.gz" .
	head -c 100000 "$LAB_TMP/arch/whole.tar.gz" >"$LAB_TMP/arch/cut.tar.gz"
	echo "this is no archive" >"$LAB_TMP/arch/text.tar"
	: >"$LAB_TMP/arch/zero.tar"
	for a in cut.tar.gz text.tar zero.tar missing.tar; do
		fails 1 iocage fetch -r broken -F "$LAB_TMP/arch/$a"
		has "$a"
		one_line 2
		[ ! -e "$IOCAGE_ROOT/releases/broken" ]
	done
	[ "$(ls -A "$IOCAGE_ROOT/releases")" = busybox ]
}

@test "names that climb out: absolute and dot-dot" {
	evil abs 'add(sys.argv[2] + "/pwned", data=b"x")'
	harmless abs
	evil dots 'add("../../pwned", data=b"x")'
	harmless dots
	evil middots 'add("bin/../../pwned", data=b"x")'
	harmless middots
}

@test "a symlink that leads out is not followed" {
	evil sym "add('out', type=tarfile.SYMTYPE, linkname='$LAB_TMP'); add('out/pwned', data=b'x')"
	harmless sym
	evil symrel "add('out', type=tarfile.SYMTYPE, linkname='../..'); add('out/pwned', data=b'x')"
	harmless symrel
	evil symdir "add('bin', type=tarfile.SYMTYPE, linkname='$LAB_TMP'); add('bin/pwned', data=b'x')"
	harmless symdir
	evil symover "add('etc', type=tarfile.SYMTYPE, linkname='$LAB_TMP'); add('etc', type=tarfile.DIRTYPE); add('etc/pwned', data=b'x')"
	harmless symover
}

@test "a hard link to a host file is not made" {
	echo secret >"$LAB_TMP/secret"
	evil hard "add('leak', type=tarfile.LNKTYPE, linkname='$LAB_TMP/secret')"
	harmless hard
	[ "$(stat -c %h "$LAB_TMP/secret")" -eq 1 ]
	evil hardrel "add('leak', type=tarfile.LNKTYPE, linkname='../../../secret')"
	harmless hardrel
	[ "$(stat -c %h "$LAB_TMP/secret")" -eq 1 ]
	evil hardsym "add('d', type=tarfile.SYMTYPE, linkname='$LAB_TMP'); add('leak', type=tarfile.LNKTYPE, linkname='d/secret')"
	harmless hardsym
	[ "$(stat -c %h "$LAB_TMP/secret")" -eq 1 ]
}

@test "device nodes of an archive are not usable devices in a release" {
	evil devs "add('blk', type=tarfile.BLKTYPE, devmajor=8, devminor=0); add('mem', type=tarfile.CHRTYPE, devmajor=1, devminor=1)"
	harmless devs
	[ ! -b "$IOCAGE_ROOT/releases/devs/root/blk" ]
	[ ! -c "$IOCAGE_ROOT/releases/devs/root/mem" ]
}

@test "a name that is a file, then a link, then a file again; a link over a directory; a chain of links" {
	evil fileswap "add('f', data=b'1'); add('f', type=tarfile.SYMTYPE, linkname='$LAB_TMP/pwned'); add('f', data=b'2')"
	harmless fileswap
	evil dirlink "add('d', type=tarfile.DIRTYPE); add('d', type=tarfile.SYMTYPE, linkname='$LAB_TMP'); add('d/pwned', data=b'x')"
	harmless dirlink
	evil chain "add('a', type=tarfile.SYMTYPE, linkname='b'); add('b', type=tarfile.SYMTYPE, linkname='c'); add('c', type=tarfile.SYMTYPE, linkname='../../../../../..$LAB_TMP'); add('a/pwned', data=b'x')"
	harmless chain
	evil linkover "add('l', type=tarfile.SYMTYPE, linkname='$LAB_TMP/pwned'); add('h', type=tarfile.LNKTYPE, linkname='l'); add('h', data=b'x')"
	harmless linkover
	evil rootlink "add('.', type=tarfile.SYMTYPE, linkname='$LAB_TMP'); add('./pwned', data=b'x')"
	harmless rootlink
	evil names "add('x' * 300, data=b'x'); add('d/' * 3000 + 'f', data=b'x')"
	harmless names
	evil control "add('a\x1b]0;owned\x07', type=tarfile.LNKTYPE, linkname='../x')"
	harmless control
	hasnt $'\033'
}

@test "names that extended headers replace are judged, not those they stand for" {
	evil pax "t.format = tarfile.PAX_FORMAT; add('ok', data=b'x', pax_headers={'path': '../../pwned'}); add('ok2', data=b'x', pax_headers={'path': sys.argv[2] + '/pwned'})"
	harmless pax
	echo secret >"$LAB_TMP/secret"
	evil paxlink "t.format = tarfile.PAX_FORMAT; add('leak', type=tarfile.LNKTYPE, linkname='bin/sh', pax_headers={'linkpath': '$LAB_TMP/secret'})"
	harmless paxlink
	[ "$(stat -c %h "$LAB_TMP/secret")" -eq 1 ]
}

@test "set-user-ID programs of an archive are kept for jails, and out of reach of the host's users" {
	evil suid "add('su', data=b'#!/bin/sh\\n', mode=0o6755); add('pub', type=tarfile.DIRTYPE, mode=0o777)"
	ok iocage fetch -r suid -F "$LAB_TMP/arch/suid.tar"
	[ "$(stat -c %a "$IOCAGE_ROOT/releases/suid/root/su")" = 6755 ]
	[ "$(stat -c %a "$IOCAGE_ROOT/releases/suid")" = 700 ]
	ok iocage create -T -r suid -n thick
	ok iocage create -r suid -n thin
	for at in releases/suid/root/su jails/thick/root/su jails/thin/layers/upper; do
		run setpriv --reuid 12345 --regid 12345 --clear-groups stat "$IOCAGE_ROOT/$at"
		[ "$status" -ne 0 ] || { echo "within reach: $at"; return 1; }
	done
}

@test "an archive sets no attributes that the host's kernel keeps for itself" {
	evil attrs "t.format = tarfile.PAX_FORMAT; add('etc', type=tarfile.DIRTYPE, pax_headers={'SCHILY.xattr.trusted.overlay.redirect': '/../../../etc', 'SCHILY.xattr.trusted.overlay.opaque': 'y', 'SCHILY.xattr.user.note': 'kept'})"
	ok iocage fetch -r attrs -F "$LAB_TMP/arch/attrs.tar"
	run python3 -c 'import os, sys; print(sorted(os.listxattr(sys.argv[1])))' "$IOCAGE_ROOT/releases/attrs/root/etc"
	hasnt trusted
}

@test "release names that are not names" {
	tree
	tar -C "$LAB_TMP/tree" -cf "$LAB_TMP/arch/n.tar" .
	for n in ../x a/b .. . '' -x; do
		run iocage fetch -r "$n" -F "$LAB_TMP/arch/n.tar"
		[ "$status" -ne 0 ] || { echo "accepted: $n"; return 1; }
	done
	[ "$(ls -A "$IOCAGE_ROOT/releases")" = busybox ]
}

@test "a release is there whole or not at all: killed in the middle, the next fetch succeeds" {
	tree
	head -c 60000000 /dev/urandom >"$LAB_TMP/tree/big"
	tar -C "$LAB_TMP/tree" -czf "$LAB_TMP/arch/big.tar.gz" .
	for s in 0.005 0.01 0.02 0.05 0.1; do
		iocage fetch -r big -F "$LAB_TMP/arch/big.tar.gz" >/dev/null 2>&1 &
		sleep $s
		kill -9 $! 2>/dev/null || true
		wait $! || true
		if [ -e "$IOCAGE_ROOT/releases/big" ]; then
			cmp "$IOCAGE_ROOT/releases/big/root/big" "$LAB_TMP/tree/big"
			gone big
		fi
	done
	ok iocage list -rh
	is busybox
	ok iocage fetch -r big -F "$LAB_TMP/arch/big.tar.gz"
	cmp "$IOCAGE_ROOT/releases/big/root/big" "$LAB_TMP/tree/big"
	gone big
	rm -rf "$LAB_TMP/arch" "$LAB_TMP/tree"
}

@test "an archive that holds a root file system one directory down, an image, or no archive at all: said so" {
	mkdir -p "$LAB_TMP/down/rootfs/bin" "$LAB_TMP/oci/blobs/sha256"
	echo sh >"$LAB_TMP/down/rootfs/bin/sh"
	tar -C "$LAB_TMP/down" -cf "$LAB_TMP/down.tar" rootfs
	fails 1 iocage fetch -r down -F "$LAB_TMP/down.tar"
	has 'holds its root file system in a directory, rootfs/'
	has 'tar -C rootfs -cf FILE .'
	echo '{"imageLayoutVersion":"1.0.0"}' >"$LAB_TMP/oci/oci-layout"
	tar -C "$LAB_TMP/oci" -cf "$LAB_TMP/oci.tar" .
	fails 1 iocage fetch -r oci -F "$LAB_TMP/oci.tar"
	has 'is a container image, not a root file system'
	echo 'only a text' >"$LAB_TMP/text.tar"
	fails 1 iocage fetch -r text -F "$LAB_TMP/text.tar"
	hasnt multibyte
	has text.tar
	[ "$(ls -A "$IOCAGE_ROOT/releases")" = busybox ]
	rm -rf "$LAB_TMP/down" "$LAB_TMP/oci" "$LAB_TMP"/*.tar
}
