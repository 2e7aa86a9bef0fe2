# shellcheck shell=sh
# SPDX-FileCopyrightText: The Bunkai Authors
# SPDX-License-Identifier: Apache-2.0
#
# Packages of another Debian release, to be unpacked beside the system: nothing is installed, and apt's own lists stay as
# they are. The mirror is the one that this system's apt uses. Sourced with a suite and a folder as $1 and $2; defines
# `dir`, the folder; `fetch PACKAGE...`, which downloads them to "$apt"; `fetch_all PACKAGE...`, which downloads also what
# they need; `unpack`, which puts all of that into the folder; and `launcher NAME PROGRAM [ARGUMENTS]`, which makes DIR/NAME, by
# which a program of the folder runs with that release's loader and libraries.
fail() { # error, cause, hint; the last two may be empty
    printf 'error: %s\n' "$1" >&2
    [ -z "${2-}" ] || printf 'cause: %s\n' "$2" >&2
    [ -z "${3-}" ] || printf 'hint:  %s\n' "$3" >&2
    exit 1
}

[ $# = 2 ] || fail "a suite and a folder are needed" "" "usage: $0 SUITE DIR"
suite=$1
mkdir -p "$2"
dir=$(CDPATH='' cd -- "$2" && pwd -P)
apt=$dir/.apt
# What is there is replaced, so it has to be ours.
[ -e "$apt" ] || [ -z "$(ls -A "$dir")" ] ||
    fail "nothing was unpacked into $dir" "it has something else in it" "choose a folder that is empty or does not exist"
mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial" "$apt/parts"
: >"$apt/status"

# The system's first Debian mirror; the archive of security updates is another one, and has no such suites.
# shellcheck disable=SC2016 # apt's own variables
mirror=$(apt-get indextargets --format '$(SITE) $(SUITE)' 'Created-By: Packages' 2>/dev/null |
    awk '$2 !~ /security/ && $1 ~ /debian/ { print $1; exit }')
[ -n "$mirror" ] || fail "no mirror of Debian was found" "apt has none in its lists" "run: apt-get update"
printf 'Types: deb\nURIs: %s\nSuites: %s\nComponents: main\nSigned-By: %s\n' "$mirror" "$suite" \
    /usr/share/keyrings/debian-archive-keyring.gpg >"$apt/suite.sources"

apt_get() {
    apt-get -q -o Dir::Etc::SourceList="$apt/suite.sources" -o Dir::Etc::SourceParts="$apt/parts" \
        -o Dir::State="$apt" -o Dir::State::status="$apt/status" -o Dir::Cache="$apt/cache" \
        -o APT::Sandbox::User=root "$@"
}

apt_get update

fetch() { (cd "$apt" && apt_get download "$@"); }

fetch_all() {
    apt_get -y --no-install-recommends --download-only install "$@"
    mv "$apt"/cache/archives/*.deb "$apt/"
}

unpack() {
    rm -rf "${dir:?}/usr" "${dir:?}/etc" "${dir:?}/lib64" "${dir:?}/var"
    for package in "$apt"/*.deb; do
        dpkg-deb -x "$package" "$dir"
        rm -f "$package"
    done
}

launcher() {
    cat >"$dir/$1" <<END
#!/bin/sh
exec "$dir/usr/lib64/ld-linux-x86-64.so.2" --library-path "$dir/usr/lib/x86_64-linux-gnu" \\
    "$dir/$2" ${3-} "\$@"
END
    chmod 755 "$dir/$1"
}
