// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtio;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;

import io.bunkai.base.Deadline;
import io.bunkai.linux.Fd;
import io.bunkai.linux.UnixSockets;
import io.bunkai.testkit.Await;
import io.bunkai.testkit.TestRoot;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.FutureTask;
import org.junit.jupiter.api.Test;

/** The back-end with a real front-end: QEMU, its processor played by the test. */
class QemuTest {
    private static final int QUEUES = 3; // one of high priority and two for requests
    private static final int SIZE = 128;

    /** Where a memory module is plugged in: above 4 GiB. */
    private static final long PLUGGED = 0x1_0000_0000L;

    private static final int ANSWER_BYTES = 64;
    private static final Duration SOON = Duration.ofSeconds(20);

    private final TestDevice device = new TestDevice(QUEUES);

    @Test
    void servesAFileSystemDeviceThroughItsWholeLife() throws Exception {
        try (TestRoot root = TestRoot.create();
                Fd listener = UnixSockets.listen(root.resolve("fs.sock"))) {
            FutureTask<Void> served = new FutureTask<>(() -> serve(listener));
            Thread.ofPlatform().name("session").start(served);
            try (QtestMachine machine =
                    new QtestMachine(root.resolve("fs.sock"), root.path(), QUEUES - 1, SIZE)) {
                QtestDriver driver = new QtestDriver(machine);

                // Up, with and without what is optional; and down, and up again.
                for (long features :
                        new long[] {
                            ~0L, ~VirtioFeatures.EVENT_IDX, VirtioFeatures.VERSION_1, ~0L
                        }) {
                    long used = driver.start(features, QUEUES, SIZE);
                    assertThat(used & VirtioFeatures.VERSION_1).isNotZero();
                    for (int queue = 0; queue < QUEUES; queue++) {
                        assertEchoes(machine, driver, queue, 0x20_0000L);
                        assertEchoes(machine, driver, queue, 0x20_0000L);
                    }
                    if (features != ~0L) {
                        driver.reset();
                    }
                }

                // Memory that comes and goes while the queues run.
                plug(machine);
                assertEchoes(machine, driver, 1, PLUGGED + 4096);
                machine.monitor("device_del module");
                driver.reset();
                driver.start(~0L, QUEUES, SIZE);
                assertEchoes(machine, driver, 2, 0x20_0000L);
            }
            served.get(); // QEMU has gone, and that is the session's end
        }
        assertThat(device.faults).isEmpty();
    }

    @Test
    void aHostileGuestBreaksItsQueueAndNotTheDevice() throws Exception {
        try (TestRoot root = TestRoot.create();
                Fd listener = UnixSockets.listen(root.resolve("fs.sock"))) {
            FutureTask<Void> served = new FutureTask<>(() -> serve(listener));
            Thread.ofPlatform().name("session").start(served);
            try (QtestMachine machine =
                    new QtestMachine(root.resolve("fs.sock"), root.path(), QUEUES - 1, SIZE)) {
                QtestDriver driver = new QtestDriver(machine);
                driver.start(~0L, QUEUES, SIZE);
                driver.send(1, new byte[8], 0x7_0000_0000L, 8); // no memory is there
                assertThat(device.faults.take()).hasMessageContaining("0x700000000");
                Await.until(
                        "QEMU to hear of it",
                        Deadline.after(SOON),
                        () -> machine.complaints().contains("vring error in virtqueue 1"));
                assertEchoes(machine, driver, 2, 0x20_0000L);
                driver.reset();
                driver.start(~0L, QUEUES, SIZE);
                assertEchoes(machine, driver, 1, 0x20_0000L);
            }
            served.get();
        }
    }

    private Void serve(Fd listener) throws IOException {
        try (VhostUserSession session =
                new VhostUserSession(UnixSockets.accept(listener), device)) {
            session.serve();
        }
        return null;
    }

    private static void plug(QtestMachine machine) throws IOException {
        String object = "object_add memory-backend-memfd,id=more,share=on,size=64M";
        assertThat(machine.monitor(object)).doesNotContain("Error");
        String module = "device_add pc-dimm,id=module,memdev=more,addr=" + PLUGGED;
        assertThat(machine.monitor(module)).doesNotContain("Error");
    }

    private static void assertEchoes(
            QtestMachine machine, QtestDriver driver, int queue, long answerAddress)
            throws IOException {
        byte[] request = ("queue " + queue + " to " + answerAddress).getBytes(US_ASCII);
        machine.writeBytes(answerAddress, new byte[ANSWER_BYTES]);
        driver.send(queue, request, answerAddress, ANSWER_BYTES);
        Await.until("an answer", Deadline.after(SOON), () -> driver.isAnswered(queue));
        assertThat(machine.readBytes(answerAddress, request.length)).isEqualTo(request);
    }
}
