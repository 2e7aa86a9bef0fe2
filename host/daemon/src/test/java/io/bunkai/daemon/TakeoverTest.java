// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.daemon;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.bunkai.base.Deadline;
import io.bunkai.base.Fault;
import io.bunkai.base.FaultCode;
import io.bunkai.linux.Fd;
import io.bunkai.linux.KeptFds;
import io.bunkai.linux.Pipe;
import io.bunkai.linux.ProcessIdentity;
import io.bunkai.linux.UnixSockets;
import io.bunkai.runtime.Containers;
import io.bunkai.runtime.CrashPoints;
import io.bunkai.testkit.Await;
import io.bunkai.testkit.CommandRun;
import io.bunkai.testkit.TestRoot;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class TakeoverTest {
    private final TestRoot root = TestRoot.create();
    private final Path path = root.resolve("takeover.sock");
    private final List<String> told = Collections.synchronizedList(new ArrayList<>());
    private final KeptFds kept = KeptFds.inThisProcess();
    private Pipe pipe;
    private Fd lock;

    @BeforeEach
    void keep() throws Exception {
        pipe = Pipe.create();
        lock = Fd.open(root.resolve("lock"), Fd.O_RDWR | Fd.O_CREAT, 0600);
        kept.keep("conn.1", pipe.write());
        kept.keep("io.1.1", pipe.read());
    }

    @AfterEach
    void end() {
        kept.close();
        pipe.close();
        lock.close();
        root.close();
    }

    private static Deadline soon() {
        return Deadline.after(Duration.ofSeconds(30));
    }

    private final TakeoverServer.Former former =
            new TakeoverServer.Former() {
                @Override
                public CrashPoints crashPoints() {
                    return CrashPoints.NONE;
                }

                @Override
                public Fd lock() {
                    return lock;
                }

                @Override
                public String supervisor() {
                    return "NOTIFY_SOCKET=/run/notify";
                }

                @Override
                public Map<String, Fd> letGo() {
                    told.add("let go");
                    return kept.copyOfAll();
                }

                @Override
                public void goOn() {
                    told.add("go on");
                }

                @Override
                public void handedOver(int successor) {
                    told.add("handed over to " + successor);
                }
            };

    private static ProcessIdentity self() {
        return ProcessIdentity.of((int) ProcessHandle.current().pid()).orElseThrow();
    }

    private void awaitTold(String last) {
        Await.until(last, soon(), () -> told.contains(last));
    }

    @Test
    void aNewerDaemonGetsEverythingAndTheFormerGoes() throws Exception {
        try (TakeoverServer _ = TakeoverServer.open(path, former, _ -> Optional.of(self()));
                Takeover.Received received = Takeover.from(path, CrashPoints.NONE)) {
            assertThat(told).containsExactly("let go");
            assertThat(received.supervisor()).isEqualTo("NOTIFY_SOCKET=/run/notify");
            Map<String, Fd> descriptors = received.takeDescriptors();
            assertThat(descriptors).containsOnlyKeys("conn.1", "io.1.1");
            descriptors.get("conn.1").writeFully(new byte[] {7});
            byte[] one = new byte[1];
            assertThat(descriptors.get("io.1.1").read(one, 0, 1)).isEqualTo(1);
            assertThat(one).containsExactly(7);
            descriptors.values().forEach(Fd::close);
            received.lock().close();
            received.confirm();
            awaitTold("handed over to " + self().pid());
            assertThat(told).doesNotContain("go on");
        }
    }

    @Test
    void whoIsNoDaemonIsRefused() {
        try (TakeoverServer _ = TakeoverServer.open(path, former)) {
            Fault fault =
                    catchThrowableOfType(
                            Fault.class, () -> Takeover.from(path, CrashPoints.NONE).close());
            assertThat(fault.code()).isEqualTo(FaultCode.FAILED_PRECONDITION);
            assertThat(fault).hasMessageContaining("no daemon");
            assertThat(told).isEmpty();
        }
    }

    @Test
    void aNewerDaemonRefusesAJournalThatItCannotRead() throws Exception {
        try (Fd listener = UnixSockets.listen(path)) {
            Thread former =
                    Thread.ofPlatform()
                            .start(() -> {
                                try (Fd newer = UnixSockets.accept(listener)) {
                                    told.add(TakeoverMessage.receive(newer).word());
                                    TakeoverMessage.of(TakeoverMessage.OFFER, "99").send(newer);
                                    told.add(TakeoverMessage.receive(newer).word());
                                } catch (java.io.IOException e) {
                                    told.add(e.toString());
                                }
                            });
            Fault fault =
                    catchThrowableOfType(
                            Fault.class, () -> Takeover.from(path, CrashPoints.NONE).close());
            assertThat(fault.code()).isEqualTo(FaultCode.FAILED_PRECONDITION);
            assertThat(fault).hasMessageContaining("version 99");
            former.join();
            assertThat(told).containsExactly(TakeoverMessage.TAKE_OVER, TakeoverMessage.REFUSE);
        }
    }

    @Test
    void aNewerDaemonThatRefusesTheJournalLeavesTheFormerAsItIs() throws Exception {
        try (CommandRun.Running other = CommandRun.of("sleep", "1000").start();
                TakeoverServer _ =
                        TakeoverServer.open(
                                path, former, _ -> ProcessIdentity.of((int) other.pid()))) {
            try (Fd newer = UnixSockets.connect(path)) {
                TakeoverMessage.of(TakeoverMessage.TAKE_OVER, Takeover.VERSION).send(newer);
                TakeoverMessage offer = TakeoverMessage.receive(newer);
                assertThat(offer.word()).isEqualTo(TakeoverMessage.OFFER);
                assertThat(offer.text()).isEqualTo(Integer.toString(Containers.JOURNAL_VERSION));
                TakeoverMessage.of(TakeoverMessage.REFUSE, "unknown").send(newer);
            }
            assertThat(told).isEmpty();
            handsOverLater();
            assertThat(told).startsWith("let go");
        }
    }

    /** Also the next one is heard. */
    private void handsOverLater() {
        Takeover.Received received = Takeover.from(path, CrashPoints.NONE);
        received.lock().close();
        received.close();
    }

    @Test
    void aNewerDaemonThatDiesHasTakenNothing() throws Exception {
        try (CommandRun.Running sleeper = CommandRun.of("sleep", "1000").start();
                TakeoverServer _ =
                        TakeoverServer.open(
                                path, former, _ -> ProcessIdentity.of((int) sleeper.pid()))) {
            handsOverLater(); // and is closed before it has confirmed
            awaitTold("go on");
            sleeper.await(soon()); // two at once would be worse than none: it was killed
            Await.until("an answer", soon(), this::answers);
            assertThat(told.subList(0, 2)).containsExactly("let go", "go on");
        }
    }

    /** Refuses, since the dead are not admitted. */
    private boolean answers() {
        Fault fault =
                catchThrowableOfType(
                        Fault.class, () -> Takeover.from(path, CrashPoints.NONE).close());
        return fault != null && fault.code() == FaultCode.FAILED_PRECONDITION;
    }
}
