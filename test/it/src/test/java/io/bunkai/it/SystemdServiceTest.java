// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;

/**
 * The daemon as a service of a real systemd, with a real containerd and two tasks whose machines
 * are played by {@code StandInVmm}: what becomes of them, as docs/systemd.md has it. Each task
 * counts, and ctr reads its lines and waits for its end all the while.
 */
@Tag("long")
@Timeout(1200) // a Java program takes half a minute to start where everything is emulated
class SystemdServiceTest {
    @RegisterExtension static final SystemdBed BED = new SystemdBed();

    private static final List<String> TASKS = List.of("a", "b");

    @BeforeAll
    static void install() {
        BED.out(
                """
                mkdir -p /etc/bunkai /opt/bed
                cat >/etc/bunkai/configuration.toml <<'END'
                [bunkai]
                accelerator = "tcg"
                [factory]
                enable_template = false
                [hypervisor.qemu]
                path = "/opt/bed/vmm"
                END
                cat >/opt/bed/vmm <<'END'
                #!/bin/sh
                if [ "$1" = --version ]; then
                    echo 'QEMU emulator version 7.2.22 (stand-in)'
                    exit
                fi
                exec %s/bin/java -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Xmx64m \\
                    --enable-native-access=ALL-UNNAMED --sun-misc-unsafe-memory-access=allow \\
                    -cp "$(cat %s/path)" io.bunkai.runtime.StandInVmm "$0" "$@"
                END
                chmod 755 /opt/bed/vmm
                mkdir -p /etc/systemd/system/bunkaid.service.d
                printf '[Service]\\nWatchdogSec=5min\\n' >/etc/systemd/system/bunkaid.service.d/slow.conf
                systemctl daemon-reload
                # What a machine uses before its group counts is never its own.
                mkdir -p /sys/fs/cgroup/bunkai
                systemctl start bunkaid containerd
                echo +memory >/sys/fs/cgroup/bunkai/cgroup.subtree_control
                ctr image import %s/layers.tar
                """
                        .formatted(
                                System.getProperty("java.home"),
                                SystemdBed.CLASSES,
                                SystemdBed.IMAGES));
    }

    /** Starting is slow: whatever still runs of the test before serves again. */
    @BeforeEach
    void startTasks() {
        BED.out("systemctl start bunkaid");
        for (String task : TASKS) {
            BED.out(
                    """
                    cd /root
                    if [ -e %1$s.out ] && [ ! -e %1$s.end ]; then exit 0; fi
                    timeout 60 ctr tasks delete -f %1$s || true
                    timeout 60 ctr containers delete %1$s || true
                    rm -f %1$s.out %1$s.end
                    { status=0
                      ctr run --runtime io.containerd.bunkai.v2 bunkai.test/layers:latest %1$s count >%1$s.out 2>%1$s.err || status=$?
                      echo $status >%1$s.end; } &
                    """
                            .formatted(task));
        }
        for (String task : TASKS) {
            BED.await("[ -s /root/" + task + ".out ]");
            BED.out("wc -l </root/%1$s.out >/root/%1$s.mark".formatted(task));
        }
    }

    // ---- what is looked at ----

    private static String mainPid() {
        return BED.property("bunkaid", "MainPID");
    }

    private static void awaitSuccessor(String former) {
        BED.await(
                "[ \"$(systemctl show --value -p MainPID bunkaid)\" != "
                        + former
                        + " ] && [ \"$(systemctl is-active bunkaid)\" = active ]");
    }

    /** {@return the processes that play the machines} */
    private static String machines() {
        return BED.out("pgrep -f StandInVmm");
    }

    /** {@return how many lines of a task came twice in this test; none may be missing} */
    private static int repeated(String task) {
        String lines = BED.out("tail -n +$(cat /root/%1$s.mark) /root/%1$s.out".formatted(task));
        List<Integer> numbers =
                lines.lines().map(line -> Integer.parseInt(line.replace("line ", ""))).toList();
        int repeats = 0;
        for (int i = 1; i < numbers.size(); i++) {
            int expected = numbers.get(i - 1) + 1;
            assertThat(numbers.get(i)).as("a line of %s", task).isLessThanOrEqualTo(expected);
            repeats += expected - numbers.get(i);
        }
        return repeats;
    }

    /** Both tasks run, ctr reads and waits on, and further processes can be started. */
    private static void assertAllGoesOn() {
        for (String task : TASKS) {
            String lines = BED.out("wc -l </root/" + task + ".out");
            BED.await("[ $(wc -l </root/" + task + ".out) -gt $((" + lines + " + 10)) ]");
            assertThat(
                            BED.out(
                                    "timeout 60 ctr tasks ls | awk '$1 == \""
                                            + task
                                            + "\" { print $3 }'"))
                    .isEqualTo("RUNNING");
            BED.out("[ ! -e /root/" + task + ".end ]");
        }
        assertThat(BED.out("timeout 60 ctr tasks exec --exec-id $(date +%s%N) a echo hello"))
                .isEqualTo("hello");
    }

    /** The real status arrives with whoever has waited all the while. */
    private static void assertEndIsTold() {
        BED.out("timeout 60 ctr tasks kill --signal KILL a");
        BED.await("[ -e /root/a.end ]");
        assertThat(BED.out("cat /root/a.end")).isEqualTo("137");
    }

    // ---- the tests ----

    @Test
    void aCrashIsNoticedByNobody() {
        String before = machines();
        String former = mainPid();
        BED.out("kill -9 " + former);
        awaitSuccessor(former);
        assertAllGoesOn();
        assertThat(machines()).isEqualTo(before);
        for (String task : TASKS) {
            assertThat(repeated(task)).as("a piece at most").isLessThanOrEqualTo(5);
        }
        assertEndIsTold();
    }

    @Test
    void aRestartIsNoticedByNobody() {
        String before = machines();
        String former = mainPid();
        BED.out("systemctl restart bunkaid");
        assertThat(mainPid()).isNotEqualTo(former);
        assertAllGoesOn();
        assertThat(machines()).isEqualTo(before);
        TASKS.forEach(task -> assertThat(repeated(task)).isLessThanOrEqualTo(5));
        assertEndIsTold();
    }

    @Test
    void anUpgradeIsNoticedByNobodyAndCanBeTakenBack() {
        String before = machines();
        for (String version : List.of("new", "old")) {
            String former = mainPid();
            BED.out(
                    """
                    mkdir -p /opt/%1$s
                    for folder in bin lib; do
                        [ -e /opt/%1$s/$folder ] || cp -rL /opt/bunkai/$folder /opt/%1$s/
                        ln -sfn /opt/%1$s/$folder /opt/bunkai/$folder
                    done
                    ln -sfn $(readlink -f /opt/bunkai/guest) /opt/%1$s/guest
                    systemctl reload bunkaid
                    """
                            .formatted(version));
            assertThat(mainPid()).isNotEqualTo(former);
            assertThat(BED.out("tr '\\0' ' ' </proc/" + mainPid() + "/cmdline"))
                    .contains("/opt/" + version + "/lib");
            assertAllGoesOn();
        }
        assertThat(machines()).isEqualTo(before);
        TASKS.forEach(task -> assertThat(repeated(task)).isZero());
        assertThat(BED.out("grep PPid /proc/" + mainPid() + "/status")).endsWith("\t1");
        assertEndIsTold();
    }

    @Test
    void aNewDaemonThatDoesNotStartLeavesTheFormerOne() {
        String former = mainPid();
        BED.out(
                """
                mv /opt/bunkai/bin /opt/bunkai/bin.good
                mkdir /opt/bunkai/bin
                printf '#!/bin/sh\\necho broken >&2\\nexit 2\\n' >/opt/bunkai/bin/bunkaid
                chmod 755 /opt/bunkai/bin/bunkaid
                """);
        int status = BED.run("systemctl reload bunkaid").status();
        BED.out("rm -r /opt/bunkai/bin; mv /opt/bunkai/bin.good /opt/bunkai/bin");
        assertThat(status).isEqualTo(1);
        assertThat(mainPid()).isEqualTo(former);
        assertThat(BED.property("bunkaid", "ActiveState")).isEqualTo("active");
        assertAllGoesOn();
    }

    /** systemd keeps nothing for a stopped service, and containerd takes its tasks for dead. */
    @Test
    void aStopIsTheEndOfAllTasksAndTheNextStartCleansUp() {
        BED.out("systemctl stop bunkaid");
        for (String task : TASKS) {
            BED.await("[ -e /root/" + task + ".end ]");
        }
        BED.await("[ \"$(timeout 60 ctr tasks ls -q)\" = '' ]");
        assertThat(BED.property("bunkaid", "ActiveState")).isEqualTo("inactive");
        assertThat(BED.property("bunkaid", "Result")).isEqualTo("success");
        BED.out("systemctl start bunkaid");
        BED.await("! pgrep -f StandInVmm >/dev/null");
        assertThat(BED.out("ls /run/bunkai/run/sandboxes")).isEmpty();
    }

    @Test
    void aMachineThatRunsOutOfMemoryEndsAlone() {
        String daemon = mainPid();
        String restarts = BED.property("bunkaid", "NRestarts");
        // Whichever of both it is: what it has is more than it may have now.
        BED.out(
                "for group in /sys/fs/cgroup/bunkai/*/; do echo 4M >${group}memory.max; break;"
                        + " done");
        BED.await("[ -e /root/a.end ] || [ -e /root/b.end ]");
        String ended = BED.out("if [ -e /root/a.end ]; then echo a; else echo b; fi");
        String other = ended.equals("a") ? "b" : "a";
        assertThat(BED.out("cat /root/" + ended + ".end")).isIn("137", "255");
        String lines = BED.out("wc -l </root/" + other + ".out");
        BED.await("[ $(wc -l </root/" + other + ".out) -gt $((" + lines + " + 10)) ]");
        assertThat(mainPid()).isEqualTo(daemon);
        assertThat(BED.property("bunkaid", "NRestarts")).isEqualTo(restarts);
    }
}
