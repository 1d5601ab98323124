# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=sh
# For ./demo and ./run-tests: gets what is missing, and builds in ./build.

# The last line of defence against questions: nobody may be there.
DEBIAN_FRONTEND=noninteractive
export DEBIAN_FRONTEND
# GDB would offer to download symbols.
unset DEBUGINFOD_URLS

say() {
	printf '%s\n' "$*" >&2
}

has_header() {
	echo "#include <$1>" | ${CC:-cc} -E - >/dev/null 2>&1
}

# One line per thing we need: PACKAGE PROBE.
needs_of_build='
gcc command -v cc
libc6-dev has_header stdio.h
make command -v make
autoconf command -v autoreconf
automake command -v automake
libtool command -v libtoolize
pkg-config command -v pkg-config
gdb command -v gdb
gdb has_header gdb/jit-reader.h
libjansson-dev has_header jansson.h
libelf-dev has_header libelf.h
libiberty-dev has_header libiberty/demangle.h
libzstd-dev has_header zstd.h
python3 test -x /usr/bin/python3'
needs_of_tests='
g++ command -v c++
gdbserver command -v gdbserver
strace command -v strace
check has_header check.h
texinfo command -v makeinfo'

# missing NEEDS: the packages whose probe fails.
missing() {
	echo "$1" | while read -r package probe; do
		[ -n "$package" ] || continue
		eval "$probe" >/dev/null 2>&1 </dev/null || echo "$package"
	done | sort -u | tr '\n' ' '
}

# install_needs NEEDS: all is there after that, or the script ends.
install_needs() {
	packages=$(missing "$1")
	[ -n "$packages" ] || return 0
	if ! command -v apt-get >/dev/null; then
		say "Missing here, by the names Debian gives them:"
		say "  $packages"
		say "Install what your system calls them, and run this again."
		exit 1
	fi
	as_root=
	if [ "$(id -u)" != 0 ]; then
		if ! command -v sudo >/dev/null; then
			say "Missing, and I am not root.  Please run:"
			say "  apt-get install $packages"
			exit 1
		fi
		as_root='sudo DEBIAN_FRONTEND=noninteractive'
	fi
	say "Installing: $packages"
	# shellcheck disable=SC2086 # a list of words
	$as_root apt-get install -y -qq --no-install-recommends $packages \
		>build/apt.log 2>&1 </dev/null ||
		{ $as_root apt-get update -qq &&
			$as_root apt-get install -y -qq \
				--no-install-recommends $packages; } \
			>build/apt.log 2>&1 </dev/null ||
		{ say "apt-get failed; the end of build/apt.log:"
			tail -n 20 build/apt.log >&2
			exit 1; }
	packages=$(missing "$1")
	rm -f build/Makefile # configure shall see them
	if [ -n "$packages" ]; then
		say "Still missing after apt-get install: $packages"
		exit 1
	fi
}

# build: ./build is configured and made.
build() {
	{
		[ -x configure ] || ./bootstrap
		cd build && { [ -f Makefile ] || ../configure -q; } &&
			make -j"$(getconf _NPROCESSORS_ONLN)" V=0
	} >build/build.log 2>&1 </dev/null
	status=$?
	if [ $status != 0 ]; then
		say "The build failed; the end of build/build.log:"
		tail -n 40 "$top/build/build.log" >&2
	fi
	cd "$top" && return $status
}

top=$(cd "$(dirname "$0")" && pwd) && cd "$top" && mkdir -p build || exit 1
