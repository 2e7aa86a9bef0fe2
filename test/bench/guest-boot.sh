# shellcheck shell=sh
# SPDX-FileCopyrightText: The Bunkai Authors
# SPDX-License-Identifier: Apache-2.0
#
# Boots of a bare QEMU, with the devices and parameters of a pod, for measurements that compare guests; sourced with `here`
# set to this folder. The environment chooses
#
#   GUEST   folder of the guest image       (default: target/guest of this tree)
#   KERNELS folder of built kernels         (default: kernel beside it)
#   RUNS    how often                       (default: 7)
#   MEMORY  MiB of the machine              (default: 2048)
#   MORE    kernel parameters added to all
#   VERBOSE if not empty, the console is shown
set -eu

tree=$(CDPATH='' cd -- "$here/../.." && pwd -P)
GUEST=${GUEST:-$tree/target/guest}
KERNELS=${KERNELS:-${GUEST%/*}/kernel}
RUNS=${RUNS:-7}
MORE=${MORE:-}
[ -e "$GUEST/manifest.json" ] || { echo "error: there is no guest image in $GUEST" >&2; exit 1; }
[ -e "$KERNELS/vmlinux.container" ] || { echo "error: there is no kernel in $KERNELS" >&2; exit 1; }

work=$(mktemp -d /tmp/bkb-XXXXXX)
qemu=
clean_up() {
    trap - EXIT
    [ -z "$qemu" ] || kill -9 "$qemu" 2>/dev/null || true
    rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT TERM HUP
mkfifo "$work/console"

# What a guest image wants its kernel to be told under software emulation.
parameters() { sed -n '/"kernelParameters"/,/}/s/^ *"tcg" : "\(.*\)",\{0,1\}$/\1/p' "$1/manifest.json"; }
khz() { awk '/^cpu MHz/ { printf "%d", $4 * 1000; exit }' /proc/cpuinfo; }

# boot NAME GUEST KERNEL ROOT UNTIL PARAMETERS [OPTIONS OF QEMU]: what QEMU computes from its start until a line of the console
# has UNTIL in it, added to a file.
boot() {
    name=$1
    append="$(parameters "$2") tsc_early_khz=$(khz) $6 $MORE"
    kernel=$3
    root=$4
    until=$5
    shift 6
    qemu-system-x86_64 -no-user-config -nodefaults -display none -no-reboot \
        -machine q35,usb=off,vmport=off,smbus=off,sata=off,hpet=off,smm=off,dump-guest-core=off,memory-backend=ram \
        -accel tcg,thread=multi,tb-size=64 -cpu max,erms=off,pmu=off -smp 1 -m "${MEMORY:-2048}M" \
        -object memory-backend-ram,id=ram,size="${MEMORY:-2048}M" \
        -bios qboot.rom -chardev stdio,id=console -serial chardev:console -kernel "$kernel" -append "$append" "$@" \
        -device virtio-serial-pci,id=channel,bus=pcie.0,addr=0x2,disable-legacy=on,max_ports=2 \
        -chardev null,id=agent -device virtserialport,bus=channel.0,nr=1,chardev=agent,name=agent.channel.0 \
        -object rng-random,id=entropy,filename=/dev/urandom \
        -device virtio-rng-pci,bus=pcie.0,addr=0x3,disable-legacy=on,rng=entropy -device pvpanic \
        -blockdev driver=file,node-name=root,filename="$root",read-only=on,locking=off \
        -device virtio-blk-pci,bus=pcie.0,addr=0x4,disable-legacy=on,drive=root,serial=bunkai-root \
        >"$work/console" 2>"$work/errors" </dev/null &
    qemu=$!
    while read -r line; do
        case $line in
            *"$until"*)
                sed 's/^.*) //' "/proc/$qemu/stat" |
                    awk -v hz="$(getconf CLK_TCK)" '{ printf "%.2f\n", ($12 + $13) / hz }' >>"$work/$name"
                break
                ;;
        esac
        [ -z "${VERBOSE:-}" ] || echo "$line" >&2
    done <"$work/console"
    kill -9 "$qemu" 2>/dev/null || true
    wait "$qemu" 2>/dev/null || true
    qemu=
}

median() { sort -n "$1" | awk '{ v[NR] = $1 } END { if (NR % 2) print v[(NR + 1) / 2]; else print (v[NR / 2] + v[NR / 2 + 1]) / 2 }'; }


# results RATIO FIRST SECOND...: the medians, and the last one's against the first one's.
results() {
    ratio=$1
    first=$2
    shift
    echo "# $(nproc) processors: $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1); load $(cut -d ' ' -f 1-3 /proc/loadavg)"
    for name in "$@"; do
        [ "$(wc -l <"$work/$name")" = "$RUNS" ] || { echo "error: not every run came to its end" >&2; exit 1; }
        printf '%-32s %10s s CPU   all: %s\n' "$name" "$(median "$work/$name")" "$(sort -n "$work/$name" | tr '\n' ' ')"
    done
    awk -v a="$(median "$work/$name")" -v b="$(median "$work/$first")" -v name="$ratio" 'BEGIN { printf "%-32s %10.2f\n", name, a / b }'
}
