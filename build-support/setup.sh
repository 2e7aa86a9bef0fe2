# shellcheck shell=sh
# SPDX-FileCopyrightText: The Bunkai Authors
# SPDX-License-Identifier: Apache-2.0
#
# What ./bunkai and ./verify share: the packages of the machine, the build, and what is said meanwhile. Sourced with
# `tree` set to the root of the source tree and `no_install` to 1 if nothing may be installed.
#
# Everything made here lies beneath target/:
#   bin/        bunkai, bunkaid, bunkai-virtiofsd, containerd-shim-bunkai-v2: what a PATH entry needs
#   lib/        the jars of the host's programs, a module path
#   agent-lib/  the jars of the guest's agent
#   aot/        what the JVM has recorded of their start
#   guest/      kernel, initramfs and root file system
#   kernel/     kernels built from source, if there are any
#   log/        the output of the last build, a file for each step
#   .build/     stamps and the lock

made=$tree/target
stamps=$made/.build
# Programs that are run from here install packages too.
if [ -n "$no_install" ]; then
    BUNKAI_NO_INSTALL=1
    export BUNKAI_NO_INSTALL
fi
MODULES=host/cli,host/daemon,host/virtiofs,guest/agent,guest/image,guest/kernel

# One a line: how to see that it is there (a program in PATH, or an absolute path), the package, what it is needed for.
RUN_PACKAGES='
qemu-system-x86_64|qemu-system-x86|runs the virtual machines
mkfs.erofs|erofs-utils|makes the read-only disks of guest and images
/var/lib/dpkg/info/busybox-static.list|busybox-static|is the program in the embedded image
strip|binutils|shrinks the Java runtime of the guest
unshare|util-linux|gives the guest image a root of its own while it is built
flock|util-linux|lets two builds wait for each other, and tells the shim whether the daemon lives
apt-get|apt|fetches the packages that the guest is made of
dpkg-deb|dpkg|unpacks them
'
BUILD_PACKAGES='
mvn|maven|fetches the Maven version that this project is built with
'
TEST_PACKAGES='
umoci|umoci|unpacks images, to compare with what bunkai makes of them
crun|crun|makes containers on the host, as it does in the guest
skopeo|skopeo|copies images from one form to another
protoc|protobuf-compiler|is an encoder of messages independent of ours
gcc|gcc|says how structures of the kernel are laid out
/usr/include/stdio.h|libc6-dev|declares them
setcap|libcap2-bin|sets file capabilities in test images
getfattr|attr|reads extended attributes in test images
ip|iproute2|shows whether a test has left a network device behind
fsck.erofs|erofs-utils|checks and unpacks the disks that bunkai makes
mkfs.ext4|e2fsprogs|makes guest images of another kind
sfdisk|fdisk|reads their partition tables
git|git|lists the files that belong to the project
containerd|containerd|runs containers with our shim, each test its own one
runc|runc|is the runtime that our shim is compared with
setfattr|attr|sets extended attributes in test images
mmdebstrap|mmdebstrap|makes the machine with systemd that the service is tested in
fio|fio|reads and writes in a guest, and verifies what comes back
mkfs.xfs|xfsprogs|makes file systems that a share is counted on
losetup|mount|makes block devices of files
'

# Said to people, on standard error: standard output belongs to the program that is started in the end.
if [ -t 2 ] && [ "${TERM:-dumb}" != dumb ]; then interactive=1; else interactive=; fi

say() { printf 'bunkai: %s\n' "$*" >&2; }

fail() { # error, cause, hint; the last two may be empty
    printf 'error: %s\n' "$1" >&2
    [ -z "${2-}" ] || printf 'cause: %s\n' "$2" >&2
    [ -z "${3-}" ] || printf 'hint:  %s\n' "$3" >&2
    exit 125
}

# --- packages ---------------------------------------------------------------------------------------------------------

is_there() {
    case $1 in
        /*) [ -e "$1" ] ;;
        # Where a package puts it, whatever PATH an unprivileged caller has.
        *) command -v "$1" >/dev/null 2>&1 || [ -x "/usr/sbin/$1" ] || [ -x "/sbin/$1" ] ;;
    esac
}

# Without a fork: the second call of ./bunkai goes through here too.
all_there() {
    ifs=$IFS
    IFS='
'
    for line in $1; do
        if ! is_there "${line%%|*}"; then
            IFS=$ifs
            return 1
        fi
    done
    IFS=$ifs
}

require_packages() {
    if all_there "$1"; then return 0; fi
    missing=
    ifs=$IFS
    IFS='
'
    for line in $1; do
        if ! is_there "${line%%|*}"; then
            rest=${line#*|}
            case " $missing " in
                *" ${rest%%|*} "*) ;;
                *) missing="$missing ${rest%%|*}" ;;
            esac
            say "missing: ${rest%%|*}, which ${rest#*|}"
        fi
    done
    IFS=$ifs
    missing=${missing# }
    if [ -n "$no_install" ]; then
        fail "packages are missing: $missing" "nothing is installed, as --no-install has it" "apt-get install $missing"
    fi
    command -v apt-get >/dev/null 2>&1 ||
        fail "packages are missing: $missing" "this machine has no apt-get" "install what they bring by other means"
    if [ "$(id -u)" != 0 ]; then
        fail "packages are missing: $missing" "installing them needs root" "run once: sudo apt-get install $missing"
    fi
    require_package_lists
    # shellcheck disable=SC2086 # several words
    step 'install packages' packages install_without_services $missing
    all_there "$1" || fail "packages were installed, and programs are still missing" "" "see $made/log/packages.log"
}

# A package like containerd brings a service that it starts, now and with the machine. It is the program that is wanted.
install_without_services() {
    policy=/usr/sbin/policy-rc.d
    if [ -e "$policy" ]; then
        policy=
    else
        printf '#!/bin/sh\nexit 101\n' >"$policy"
        chmod 755 "$policy"
        trap 'rm -f "$policy"; exit 143' TERM
    fi
    installed=0
    DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@" || installed=$?
    [ -z "$policy" ] || rm -f "$policy"
    for package in "$@"; do
        # The link that starts it with the machine is made even where there is no systemd.
        [ "$package" != containerd ] || rm -f /etc/systemd/system/multi-user.target.wants/containerd.service
    done
    return "$installed"
}

# Also the guest image needs apt to know its packages.
require_package_lists() {
    for list in /var/lib/apt/lists/*_Packages*; do
        if [ -e "$list" ]; then return 0; fi
    done
    if [ -n "$no_install" ] || [ "$(id -u)" != 0 ]; then
        fail "apt knows no packages" "its lists are empty" "run once as root: apt-get update"
    fi
    step 'update package lists' package-lists apt-get update
}

# --- steps ------------------------------------------------------------------------------------------------------------

# step NAME LOG COMMAND...: runs the command with its output in a log, and shows that it goes on. Ends the script if the
# command fails.
step() {
    status=0
    attempt "$@" || status=$?
    if [ "$status" != 0 ]; then
        printf '%s\n' "--- the end of $log ---" >&2
        tail -n 25 "$log" >&2
        fail "$name failed with status $status after $took s" "" "the whole output is in $log"
    fi
}

# As step, but a failure is only the caller's concern.
attempt() {
    name=$1
    log=$made/log/$2.log
    shift 2
    mkdir -p "$made/log"
    began=$(date +%s)
    [ -n "$interactive" ] || say "$name ..."
    "$@" >"$log" 2>&1 </dev/null 9>&- &
    child=$!
    # A signal meant for this script ends the step too.
    trap 'kill "$child" 2>/dev/null; wait "$child" 2>/dev/null; end_line; exit 130' INT TERM HUP
    while [ -n "$interactive" ] && kill -0 "$child" 2>/dev/null; do
        columns=$(stty size 2>/dev/null <&2 | cut -d ' ' -f 2) || columns=
        [ "${columns:-0}" -gt 20 ] || columns=80
        doing=$(tail -n 1 "$log" 2>/dev/null | tr -cd '[:print:]')
        printf '\r\033[K%s' "$(printf 'bunkai: %s (%d s) %s' "$name" $(($(date +%s) - began)) "$doing" |
            cut -c "1-$((columns - 1))")" >&2
        sleep 0.2
    done
    result=0
    wait "$child" || result=$?
    trap - INT TERM HUP
    end_line
    took=$(($(date +%s) - began))
    [ "$result" != 0 ] || say "$name: done in $took s"
    return "$result"
}

end_line() { [ -z "$interactive" ] || printf '\r\033[K' >&2; }

# --- build ------------------------------------------------------------------------------------------------------------

# Succeeds if nothing has to be done: everything is made and no source is newer. Costs one find.
is_ready() {
    [ -e "$stamps/guest" ] && [ -x "$made/bin/bunkai" ] && all_there "$RUN_PACKAGES" &&
        is_newer_than_sources "$stamps/lib"
}

# A folder counts too, where sources lie, since a file that is gone leaves no other trace.
is_newer_than_sources() {
    [ -e "$1" ] && [ -z "$(cd "$tree" && find pom.xml mvnw .mvn build-support lib host guest \
        -name target -prune -o -newer "$1" \( -type f -o -path '*/src/*' \) -print -quit)" ]
}

make_ready() {
    JAVA_HOME=$("$tree/build-support/find-jdk") || exit 125
    export JAVA_HOME
    mkdir -p "$stamps" "$made/log"
    # One build at a time; whoever waited finds most of it done. The kernel lets go of the lock with this process, and
    # the programs that are started get the descriptor closed.
    exec 9>"$stamps/lock"
    if ! flock -n 9; then
        say "another build is running in this tree; waiting for it"
        flock 9
    fi
    if ! is_newer_than_sources "$stamps/lib" || [ "$(cat "$stamps/jdk" 2>/dev/null)" != "$JAVA_HOME" ]; then
        build
    fi
    if [ ! -e "$stamps/guest" ] || [ ! -e "$made/guest/rootfs.erofs" ]; then
        build_guest
    fi
    # With the guest, since most of what a daemon does is about machines.
    [ -e "$made/aot/bunkaid.aot" ] || train bunkaid rehearse_daemon
    exec 9>&-
}

build() {
    maven_home=${BUNKAI_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/bunkai}/maven
    [ -d "$maven_home" ] || require_packages "$BUILD_PACKAGES"
    : >"$stamps/lib.begun"
    # -Dmaven.test.skip: tests are not even compiled; ./verify does that.
    step 'build' build "$tree/mvnw" -B -ntp -f "$tree/pom.xml" -pl "$MODULES" -am -Dmaven.test.skip=true \
        package dependency:build-classpath -DincludeScope=runtime -Dmdep.outputFile=target/runtime.path
    lay_out
    printf '%s\n' "$JAVA_HOME" >"$stamps/jdk"
    # Sources that changed during the build are newer than its beginning.
    mv "$stamps/lib.begun" "$stamps/lib"
}

# Puts jars where the programs look for them. A file that is the same stays untouched: the AOT caches know the jars by
# their times, and the guest image is made of them.
lay_out() {
    changed=
    put_jars lib host/cli host/daemon host/virtiofs guest/image guest/kernel
    # This file holds the launchers' text and the JVM's options.
    if [ -n "$changed" ] || [ "$tree/build-support/setup.sh" -nt "$stamps/launchers" ] ||
        [ "$(cat "$stamps/jdk" 2>/dev/null)" != "$JAVA_HOME" ]; then
        rm -rf "$made/aot"
        write_launcher bin/bunkai host/cli io.bunkai.cli/io.bunkai.cli.Main "$CLI_OPTIONS"
        write_launcher bin/bunkaid host/daemon io.bunkai.daemon/io.bunkai.daemon.BunkaidMain "$DAEMON_OPTIONS" \
            '--guest "$made/guest" --file-server "$made/bin/bunkai-virtiofsd"'
        write_launcher libexec/bunkai-virtiofsd host/virtiofs io.bunkai.virtiofs/io.bunkai.virtiofs.VirtiofsdMain \
            "$VIRTIOFSD_OPTIONS"
        write_launcher libexec/bunkai-virtiofs-bench host/virtiofs \
            io.bunkai.virtiofs/io.bunkai.virtiofs.BenchMain "$BENCH_OPTIONS"
        write_launcher libexec/bunkai-kernel guest/kernel io.bunkai.kernel/io.bunkai.kernel.KernelMain "$PLAIN_OPTIONS"
        write_launcher libexec/bunkai-image guest/image io.bunkai.image/io.bunkai.image.ImageMain "$COMMON_OPTIONS -Xmx1g"
        train bunkai "$made/bin/bunkai" --train
        train bunkai-virtiofsd "$made/libexec/bunkai-virtiofsd" --train
        : >"$stamps/launchers"
        rm -f "$stamps/guest" # its builder may have changed; it decides for itself
    fi
    put_script host/shim/src/main/sh/containerd-shim-bunkai-v2
    put_script host/virtiofs/src/main/sh/bunkai-virtiofsd
    changed=
    put_jars agent-lib guest/agent
    [ -z "$changed" ] || rm -f "$stamps/guest"
}

# put_jars FOLDER MODULE...: each module's jar and what it needs at run time.
put_jars() {
    folder=$made/$1
    shift
    mkdir -p "$folder"
    wanted=
    for module in "$@"; do
        wanted=$wanted:$(jars_of "$module")
    done
    ifs=$IFS
    IFS=:
    names=:
    for jar in $wanted; do
        [ -n "$jar" ] || continue
        name=${jar##*/}
        names="$names$name:"
        case $name in picocli-*) jar=$(upgraded "$jar") ;; esac
        if ! cmp -s "$jar" "$folder/$name"; then
            cp "$jar" "$folder/.$name.new"
            mv "$folder/.$name.new" "$folder/$name"
            changed=1
        fi
    done
    IFS=$ifs
    for jar in "$folder"/*.jar; do
        case $names in
            *":${jar##*/}:"*) ;;
            *)
                rm -f "$jar"
                changed=1
                ;;
        esac
    done
}

# A program that finds by itself what lies beside it.
put_script() {
    mkdir -p "$made/bin"
    if ! cmp -s "$tree/$1" "$made/bin/${1##*/}"; then
        cp "$tree/$1" "$made/bin/.${1##*/}.new"
        chmod 755 "$made/bin/.${1##*/}.new"
        mv "$made/bin/.${1##*/}.new" "$made/bin/${1##*/}"
    fi
}

# The jar with class files that an AOT cache takes.
upgraded() {
    mkdir -p "$stamps/upgraded"
    if [ ! -e "$stamps/upgraded/${1##*/}" ]; then
        "$JAVA_HOME/bin/java" "$tree/build-support/UpgradeClassFiles.java" "$1" "$stamps/upgraded/.new" >&2 &&
            mv "$stamps/upgraded/.new" "$stamps/upgraded/${1##*/}" ||
            fail "the class files of $1 could not be upgraded"
    fi
    printf '%s\n' "$stamps/upgraded/${1##*/}"
}

# The module's own jar and those that it needs at run time, with colons between them.
jars_of() {
    for jar in "$tree/$1"/target/bunkai-*.jar; do
        case $jar in
            *-tests.jar | *-sources.jar) ;;
            *) printf '%s:' "$jar" ;;
        esac
    done
    cat "$tree/$1/target/runtime.path"
}

# Both programs live from a short start: the small compiler and collector, no files for tools that nobody attaches.
# Messages of the JVM itself go to standard error, since standard output is the container's. Native access is for one
# module alone; protobuf reads memory in a way that the JDK would otherwise warn of.
COMMON_OPTIONS='-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -XX:-UsePerfData -XX:+DisplayVMOutputToStderr
    -Xlog:disable -Xlog:all=error:stderr
    --enable-native-access=io.bunkai.linux --sun-misc-unsafe-memory-access=allow'
# A program that makes no native calls and copies no messages.
PLAIN_OPTIONS='-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -XX:-UsePerfData -XX:+DisplayVMOutputToStderr -Xlog:disable
    -Xlog:all=error:stderr'
# A command runs for a moment: reflection without made-up classes, compilation only of what is really hot, and the
# recording mapped where it was made for instead of being relocated.
CLI_OPTIONS="$COMMON_OPTIONS -Xms8m -Xmx128m -Djdk.reflect.useNativeAccessorOnly=true -XX:CompileThresholdScaling=20
    -XX:+UnlockDiagnosticVMOptions -XX:ArchiveRelocationMode=0"
DAEMON_OPTIONS="$COMMON_OPTIONS -Xms16m -Xmx512m -XX:+ExitOnOutOfMemoryError"

# A file server lives long and is busy, so its hot code is compiled well; there may be many of them, so each is small: the
# compiler's memory goes back when it is idle, the young generation holds what a request leaves, and the recording is
# mapped where it was made for, so that most of it stays one copy for all of them. It has no tools attached, and the report
# of an error goes to standard error: any file would be the guest's.
VIRTIOFSD_OPTIONS='-XX:+UseSerialGC -XX:-UsePerfData -XX:+DisplayVMOutputToStderr -Xlog:disable -Xlog:all=error:stderr
    --enable-native-access=io.bunkai.linux -Xms6m -Xmn4m -Xmx512m -XX:+UseCompactObjectHeaders
    -XX:+ExitOnOutOfMemoryError -XX:ReservedCodeCacheSize=16m -XX:CICompilerCount=2 -Xss256k -XX:MinHeapFreeRatio=10
    -XX:MaxHeapFreeRatio=25 -XX:-ShrinkHeapInSteps -XX:TrimNativeHeapInterval=5000 -XX:+UnlockDiagnosticVMOptions
    -XX:ArchiveRelocationMode=0 -XX:+DisableAttachMechanism -XX:+ErrorFileToStderr -XX:-CreateCoredumpOnCrash'
BENCH_OPTIONS='-XX:+UseSerialGC -XX:-UsePerfData -Xlog:disable -Xlog:all=error:stderr
    --enable-native-access=io.bunkai.linux -Xmx256m'

# write_launcher FILE MODULE MAIN OPTIONS [ARGUMENTS]: the arguments come before the caller's.
write_launcher() {
    mkdir -p "$made/${1%/*}"
    ifs=$IFS
    IFS=:
    path=
    for jar in $(jars_of "$2"); do
        [ -z "$jar" ] || path="$path:\$made/lib/${jar##*/}"
    done
    IFS=$ifs
    cat >"$made/$1.new" <<END
#!/bin/sh
# Made by the build; changes are overwritten.
self=\$0
while [ -h "\$self" ]; do
    link=\$(readlink "\$self")
    case \$link in
        /*) self=\$link ;;
        *) self=\${self%/*}/\$link ;;
    esac
done
case \$self in
    */*) home=\$(CDPATH='' cd -- "\${self%/*}" && pwd -P) ;;
    *) home=\$(pwd -P) ;;
esac
made=\${home%/*}
java=$JAVA_HOME/bin/java
[ -x "\$java" ] || java=\$("\${made%/*}/build-support/find-jdk")/bin/java || exit 125
if [ -n "\${BUNKAI_TRAIN:-}" ]; then
    aot=-XX:AOTCacheOutput=\$BUNKAI_TRAIN
elif [ -e "\$made/aot/${1##*/}.aot" ]; then
    aot=-XX:AOTCache=\$made/aot/${1##*/}.aot
else
    aot=-Xshare:auto
fi
# The JVM suspends its threads with SIGUSR2 unless told to use another signal; that one is for the container.
export _JAVA_SR_SIGNUM=60
exec "\$java" "\$aot" $(printf '%s' "$4" | tr -s ' \n' ' ') \\
    -Dbunkai.home="\$made/bin" -Dbunkai.guest="\$made/guest" -Dbunkai.default-root="\$made/state" \\
    -p "${path#:}" -m $3 ${5:-} "\$@"
END
    chmod 755 "$made/$1.new"
    mv "$made/$1.new" "$made/$1"
}

# train NAME COMMAND...: lets the JVM record what the program loads. Without a recording the program starts slower and
# does nothing else differently, so a rehearsal that fails is told and is no reason to stop.
train() {
    recording=$made/aot/$1.aot
    trained=$1
    shift
    mkdir -p "$made/aot"
    if ! attempt "record the start of $trained" "aot-$trained" env_train "$recording" "$@"; then
        rm -f "$recording"
        say "the start of $trained could not be recorded, so it will be slower; see $log"
    fi
}

env_train() {
    BUNKAI_TRAIN=$1
    export BUNKAI_TRAIN
    shift
    "$@"
    [ -e "$recording" ]
}

# A daemon of its own state root answers a few questions, and starts a machine that boots and one that is a clone. The root
# is outside of the tree, whose path may be too long for a socket.
rehearse_daemon() {
    root=$(mktemp -d)
    "$made/bin/bunkaid" --state-root "$root" &
    daemon=$!
    trap 'give_up_rehearsal; exit 143' TERM
    unset BUNKAI_TRAIN
    tries=0
    until [ -S "$root/run/control.sock" ] || [ "$tries" -ge 600 ] || ! kill -0 "$daemon" 2>/dev/null; do
        tries=$((tries + 1))
        sleep 0.1
    done
    # The shim's launcher asks in a way of its own.
    (cd "$root" && BUNKAI_ROOT=$root "$made/bin/containerd-shim-bunkai-v2" -namespace rehearsal -address "$root/none" \
        -id none start) || true
    for question in 'version' 'ps -a' 'explain -- true' 'inspect nothing' 'rm nothing' 'run --rm -- true' \
        'template create' 'run --rm -- true' 'template ls' 'daemon stop'; do
        # shellcheck disable=SC2086 # several words
        "$made/bin/bunkai" --state-root "$root" $question || true
    done
    kill "$daemon" 2>/dev/null || true
    wait "$daemon" || true
    rm -rf "$root"
}

# No machine may stay behind.
give_up_rehearsal() {
    "$made/bin/bunkai" --state-root "$root" daemon stop --stop-containers >/dev/null 2>&1 || kill "$daemon" 2>/dev/null
    wait "$daemon"
    rm -rf "$root"
}

build_guest() {
    require_package_lists
    step 'build the guest image' guest "$made/libexec/bunkai-image" build-guest \
        --output "$made/guest" --agent-lib "$made/agent-lib" --jdk "$JAVA_HOME" --cache "$made/guest.cache"
    : >"$stamps/guest"
}
