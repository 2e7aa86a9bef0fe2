# shellcheck shell=sh
# SPDX-FileCopyrightText: The Bunkai Authors
# SPDX-License-Identifier: Apache-2.0
#
# What the measurements share; sourced with `here` set to this folder. Each measurement has a state root and a daemon of
# its own, which are gone in the end, and prints one figure a line: name, value, unit. The environment chooses
#
#   BUNKAI  the program that is measured   (default: target/bin/bunkai of this tree)
#   RUNS    how often, where a median is taken
set -eu

tree=$(CDPATH='' cd -- "$here/../.." && pwd -P)
BUNKAI=${BUNKAI:-$tree/target/bin/bunkai}
[ -x "$BUNKAI" ] || {
    echo "error: there is no program $BUNKAI" >&2
    echo "hint:  build it: $tree/bunkai --build-only" >&2
    exit 1
}
BUNKAI_ROOT=$(mktemp -d /tmp/bkb-XXXXXX)
export BUNKAI_ROOT

clean_up() {
    trap - EXIT
    for container in $("$BUNKAI" ps -a -q --no-trunc 2>/dev/null); do
        "$BUNKAI" rm -f "$container" >/dev/null || true
    done
    "$BUNKAI" daemon stop >/dev/null || true
    rm -rf "$BUNKAI_ROOT"
}
trap clean_up EXIT
trap 'exit 130' INT TERM HUP

figure() { printf '%-32s %10s %s\n' "$1" "$2" "$3"; }

# Nanoseconds since the epoch.
now() { date +%s%N; }

# The middle one of the numbers on standard input.
median() { sort -n | awk '{ v[NR] = $1 } END { if (NR % 2) print v[(NR + 1) / 2]; else print (v[NR / 2] + v[NR / 2 + 1]) / 2 }'; }

# A number divided by another, with this many digits behind the point.
ratio() { awk -v a="$1" -v b="$2" -v digits="$3" 'BEGIN { printf "%." digits "f", a / b }'; }

daemon_pid() { "$BUNKAI" version --format json | sed -n 's/^ *"pid": *\([0-9]*\).*/\1/p'; }

# The process of a container's machine.
machine_pid() { "$BUNKAI" inspect "$1" | sed -n 's/^ *"vmmPid": *\([0-9]*\).*/\1/p'; }

# User and system time of a process, in seconds. The name of a process may have spaces in it; what follows has none.
cpu_seconds() {
    sed 's/^.*) //' "/proc/$1/stat" | awk -v hz="$(getconf CLK_TCK)" '{ printf "%.2f", ($12 + $13) / hz }'
}

# Proportional set size of a process, in MiB.
pss_mib() { awk '$1 == "Pss:" { printf "%.1f", $2 / 1024 }' "/proc/$1/smaps_rollup"; }

# Children's user and system time from `times`, in milliseconds.
children_ms() { awk 'NR == 2 { gsub("s", ""); for (i = 1; i <= 2; i++) { split($i, t, "m"); sum += t[1] * 60 + t[2] } printf "%.0f", sum * 1000 }'; }

# measure NAME COMMAND...: the median of its wall time, and processor time, over RUNS runs. Once before, it is not measured.
measure() {
    name=$1
    shift
    "$@" >/dev/null
    run=0
    : >"$BUNKAI_ROOT/walls"
    (
        while [ "$run" -lt "$RUNS" ]; do
            begin=$(now)
            "$@" >/dev/null
            end=$(now)
            echo $(((end - begin) / 10000)) >>"$BUNKAI_ROOT/walls"
            run=$((run + 1))
        done
        times >"$BUNKAI_ROOT/times"
    )
    figure "${name}_wall" "$(ratio "$(median <"$BUNKAI_ROOT/walls")" 100 1)" ms
    # Two processes of date are in it each time: a millisecond or two.
    figure "${name}_cpu" "$(ratio "$(children_ms <"$BUNKAI_ROOT/times")" "$RUNS" 1)" ms
}

# What this machine is, for whoever compares figures.
describe_machine() {
    echo "# $(nproc) processors: $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1); Linux $(uname -r); load $(cut -d ' ' -f 1-3 /proc/loadavg)"
    "$BUNKAI" daemon start >/dev/null
    "$BUNKAI" version | sed -n 's/^\(accelerator\|vmm\) */# \1: /p'
}
