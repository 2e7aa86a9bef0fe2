// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.it;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/**
 * What our unit makes of systemd, with a small service in the daemon's place: {@code EchoService},
 * which has its listener and its connections kept. A helper is its child, as a file server is the
 * daemon's.
 */
@Tag("long")
class SystemdUnitTest {
    @RegisterExtension static final SystemdBed BED = new SystemdBed();

    /** The unit as it is, but for what it starts. */
    private static final String DROP_IN =
            """
            mkdir -p /etc/systemd/system/bunkaid.service.d
            cat >/etc/systemd/system/bunkaid.service.d/test.conf <<END
            [Service]
            ExecStart=
            ExecStart=/opt/echo/start
            WatchdogSec=0
            END
            mkdir -p /opt/echo
            cat >/opt/echo/start <<'END'
            #!/bin/sh
            # The helper of the first start stays.
            [ -e /opt/echo/helper ] || { sleep 100001 & echo $! >/opt/echo/helper; }
            exec %s/bin/java -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Xmx32m --enable-native-access=ALL-UNNAMED \\
                -cp "$(cat %s/path)" io.bunkai.linux.EchoService /opt/echo/socket
            END
            chmod 755 /opt/echo/start
            systemctl daemon-reload
            """
                    .formatted(System.getProperty("java.home"), SystemdBed.CLASSES);

    /** Somebody who stays connected: what is written to `in` is sent, `out` has the answers. */
    private static final String DIAL =
            """
            mkfifo /opt/echo/in
            sleep 100002 >/opt/echo/in &
            echo $! >/opt/echo/holder
            socat UNIX-CONNECT:/opt/echo/socket - </opt/echo/in >/opt/echo/out &
            echo $! >/opt/echo/client
            """;

    @BeforeEach
    void start() {
        BED.out(DROP_IN);
        BED.out("systemctl start bunkaid");
    }

    @AfterEach
    void remove() {
        BED.out(
                """
                systemctl stop bunkaid || true
                for one in helper holder client; do
                    if [ -e /opt/echo/$one ]; then kill $(cat /opt/echo/$one) || true; fi
                done
                rm -rf /opt/echo
                systemctl reset-failed
                """);
    }

    private static String mainPid() {
        return BED.property("bunkaid", "MainPID");
    }

    private static void awaitAnswer(String answer) {
        BED.await("grep -qx '" + answer + "' /opt/echo/out");
    }

    private static void awaitReadyAgain(String before) {
        BED.await(
                "[ \"$(systemctl show --value -p MainPID bunkaid)\" != "
                        + before
                        + " ] && [ \"$(systemctl is-active bunkaid)\" = active ]");
    }

    @Test
    void systemdFindsNothingToComplainOfInOurUnits() {
        assertThat(BED.out("systemd-analyze verify /etc/systemd/system/bunkaid.service")).isEmpty();
        assertThat(BED.out("systemctl cat containerd")).contains("BUNKAI_ROOT=/run/bunkai");
    }

    @Test
    void aCrashCostsNoConnection() {
        String first = mainPid();
        BED.out(DIAL);
        BED.out("echo one >/opt/echo/in");
        awaitAnswer(first + " one");
        BED.out("kill -9 " + first + "; echo two >/opt/echo/in");
        awaitReadyAgain(first);
        String second = mainPid();
        awaitAnswer(second + " two"); // it was written when nobody was there to read it
        assertThat(BED.property("bunkaid", "NRestarts")).isEqualTo("1");
    }

    @Test
    void aRestartCostsNoConnection() {
        String first = mainPid();
        BED.out(DIAL);
        BED.out("echo one >/opt/echo/in");
        awaitAnswer(first + " one");
        BED.out("systemctl restart bunkaid; echo two >/opt/echo/in");
        assertThat(mainPid()).isNotEqualTo(first);
        awaitAnswer(mainPid() + " two");
    }

    @Test
    void aStopDropsWhatWasKept() {
        String first = mainPid();
        BED.out(DIAL);
        BED.out("echo one >/opt/echo/in");
        awaitAnswer(first + " one");
        assertThat(BED.property("bunkaid", "NFileDescriptorStore")).isEqualTo("2");
        BED.out("systemctl stop bunkaid");
        BED.await("! kill -0 $(cat /opt/echo/client) 2>/dev/null"); // it has read the end
        assertThat(BED.property("bunkaid", "NFileDescriptorStore")).isEqualTo("0");
        assertThat(BED.property("bunkaid", "Result")).isEqualTo("success");
    }

    @Test
    void aHelperOutlivesCrashRestartAndStop() {
        String first = mainPid();
        BED.out("kill -9 " + first);
        awaitReadyAgain(first);
        BED.out("systemctl restart bunkaid && systemctl stop bunkaid");
        assertThat(BED.out("cat /proc/$(cat /opt/echo/helper)/cmdline | tr '\\0' ' '"))
                .isEqualTo("sleep 100001");
    }

    @Test
    void aHelperThatRunsOutOfMemoryEndsAlone() {
        String first = mainPid();
        BED.out(
                """
                systemctl set-property --runtime bunkaid MemoryMax=400M
                group=/sys/fs/cgroup/system.slice/bunkaid.service
                sh -c "echo \\$\\$ >$group/cgroup.procs; exec tail /dev/zero" && exit 1
                grep -q '^oom_kill [1-9]' $group/memory.events
                """);
        assertThat(mainPid()).isEqualTo(first);
        assertThat(BED.property("bunkaid", "ActiveState")).isEqualTo("active");
        assertThat(BED.property("bunkaid", "NRestarts")).isEqualTo("0");
        BED.out("systemctl set-property --runtime bunkaid MemoryMax=");
    }

    @Test
    void aDaemonThatDoesNotAnswerSaysWhyAndIsReplaced() {
        BED.out(
                """
                sed -i 's/^WatchdogSec=.*/WatchdogSec=3/' /etc/systemd/system/bunkaid.service.d/test.conf
                systemctl daemon-reload
                systemctl restart bunkaid
                """);
        String first = mainPid();
        BED.out(
                "sed -i 's/^WatchdogSec=.*/WatchdogSec=0/'"
                        + " /etc/systemd/system/bunkaid.service.d/test.conf");
        awaitReadyAgain(first); // the service in its place tells nothing
        assertThat(BED.out("journalctl --no-pager -u bunkaid _PID=" + first))
                .contains("Full thread dump");
        BED.out("systemctl daemon-reload");
    }

    /** Why machines have groups outside of the service's. */
    @Test
    void groupsWithControllersBeneathTheServiceKeepItFromStartingAgain() {
        String group = "/sys/fs/cgroup/system.slice/bunkaid.service";
        BED.out(
                """
                mkdir %1$s/daemon %1$s/machine
                for pid in $(cat %1$s/cgroup.procs); do echo $pid >%1$s/daemon/cgroup.procs; done
                echo +memory >%1$s/cgroup.subtree_control
                echo $(cat /opt/echo/helper) >%1$s/machine/cgroup.procs
                kill -9 $(systemctl show --value -p MainPID bunkaid)
                """
                        .formatted(group));
        BED.await("journalctl -u bunkaid --since -1min | grep -q status=219/CGROUP");
    }

    /** The names of all come in one variable of at most 128 KiB, and their numbers begin with 3. */
    @Test
    void aFullStoreComesBackWhole() {
        BED.out("systemctl stop bunkaid; rm /opt/echo/socket");
        BED.out("sed -i 's,/opt/echo/socket$,& 4200,' /opt/echo/start");
        BED.out("systemctl start bunkaid");
        BED.await("[ $(systemctl show --value -p NFileDescriptorStore bunkaid) = 4096 ]");
        String first = mainPid();
        BED.out("kill -9 " + first);
        awaitReadyAgain(first);
        assertThat(BED.property("bunkaid", "StatusText"))
                .isEqualTo("pid " + mainPid() + ", 4096 names");
    }
}
