// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtio;

import static org.assertj.core.api.Assertions.assertThat;

import io.bunkai.base.Closer;
import io.bunkai.linux.EventFd;
import io.bunkai.linux.Fd;
import io.bunkai.linux.SharedMemory;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import org.junit.jupiter.api.Test;

class DirtyLogTest {
    private static final int PAGE = 4096;
    private static final long LOG_BYTES = (Rig.GUEST + Rig.BYTES) / PAGE / 8;
    private static final long BUFFER_PAGE = Rig.BUFFERS / PAGE;

    private final TestDevice device = new TestDevice(1);

    @Test
    void aRangeIsMarkedPageByPage() throws Exception {
        try (Fd file = SharedMemory.createFile("log", PAGE);
                SharedMemory seen = SharedMemory.map(file, 0, PAGE)) {
            DirtyLog log = DirtyLog.map(file, 16, 0); // of 128 pages
            log.mark(0, 0);
            assertThat(pages(seen)).isEmpty();
            log.mark(PAGE - 1, 1);
            assertThat(pages(seen)).containsExactly(0L);
            log.mark(63L * PAGE + 1, 2L * PAGE);
            assertThat(pages(seen)).containsExactly(0L, 63L, 64L, 65L);
            log.mark(126L * PAGE, 10L * PAGE); // goes beyond the log's end
            assertThat(pages(seen)).containsExactly(0L, 63L, 64L, 65L, 126L, 127L);
            log.mark(-PAGE, PAGE);
            assertThat(pages(seen)).hasSize(6);
            assertThat(seen.memory().get(ValueLayout.JAVA_BYTE, 0)).isEqualTo((byte) 1);
            assertThat(seen.memory().get(ValueLayout.JAVA_BYTE, 8)).isEqualTo((byte) 3);
            log.letGo();
        }
    }

    @Test
    void writesAreMarkedFromTheMomentThatItIsAskedFor() throws Exception {
        BlockingQueue<Chain> parked = new LinkedBlockingQueue<>();
        device.handler = parked::add;
        try (Rig rig = Rig.connected(device);
                Closer all = new Closer()) {
            Fd file = all.own(SharedMemory.createFile("log", LOG_BYTES));
            SharedMemory log = all.own(SharedMemory.map(file, 0, LOG_BYTES));
            EventFd changed = all.own(EventFd.create());
            DriverQueue queue = rig.start(0, 16);
            send(queue, 0, 8); // before there is a log
            queue.submit();
            parked.take().complete(8);
            take(queue);

            send(queue, 2, 2 * PAGE); // in flight when the log begins
            queue.submit();
            Chain early = parked.take();
            rig.frontEnd.ask(new FrontEndRequest.SetLogBase(LOG_BYTES, 0, file));
            rig.frontEnd.tell(new FrontEndRequest.SetLogFd(changed.fd()));
            rig.frontEnd.features(rig.features | VirtioFeatures.LOG_ALL);
            assertThat(device.migrating).isTrue();
            early.complete(8);
            take(queue);
            assertThat(pages(log)).containsExactly(BUFFER_PAGE + 2, BUFFER_PAGE + 3);
            assertThat(changed.take()).isPositive();

            // Now the used ring, too, of the queue that runs.
            rig.frontEnd.tell(new FrontEndRequest.SetVringAddr(0, queue.addresses(true)));
            send(queue, 7, 8);
            queue.submit();
            parked.take().complete(8);
            take(queue);
            long usedPage = queue.addresses(true).log() / PAGE;
            assertThat(pages(log))
                    .containsExactly(usedPage, BUFFER_PAGE + 2, BUFFER_PAGE + 3, BUFFER_PAGE + 7);

            rig.frontEnd.features(rig.features);
            assertThat(device.migrating).isFalse();
            log.memory().fill((byte) 0);
            send(queue, 9, 8);
            queue.submit();
            parked.take().complete(8);
            take(queue);
            assertThat(pages(log)).isEmpty();
        }
    }

    @Test
    void whatTheQueuesOwnThreadCompletesIsMarkedAsWell() throws Exception {
        try (Rig rig = Rig.connected(device);
                Closer all = new Closer()) {
            Fd file = all.own(SharedMemory.createFile("log", LOG_BYTES));
            SharedMemory log = all.own(SharedMemory.map(file, 0, LOG_BYTES));
            rig.frontEnd.ask(new FrontEndRequest.SetLogBase(LOG_BYTES, 0, file));
            rig.frontEnd.features(rig.features | VirtioFeatures.LOG_ALL);
            DriverQueue queue = rig.queue(0, 16);
            rig.frontEnd.start(0, queue);
            for (int page = 0; page < 20; page++) {
                send(queue, page, 8);
                queue.submit();
                take(queue);
            }
            Set<Long> expected = new TreeSet<>();
            expected.add(queue.addresses(true).log() / PAGE);
            for (long page = 0; page < 20; page++) {
                expected.add(BUFFER_PAGE + page);
            }
            assertThat(pages(log)).isEqualTo(expected);
            rig.frontEnd.ask(new FrontEndRequest.SetLogBase(LOG_BYTES, 0, file)); // again
            log.memory().fill((byte) 0);
            send(queue, 3, 8);
            queue.submit();
            take(queue);
            assertThat(pages(log)).contains(BUFFER_PAGE + 3);
        }
    }

    private static void send(DriverQueue queue, int page, int length) {
        queue.begin();
        queue.readable(Rig.BUFFERS + 100L * PAGE, 8);
        queue.writable(Rig.BUFFERS + (long) page * PAGE, length);
        queue.end();
    }

    private static void take(DriverQueue queue) throws IOException {
        assertThat(queue.await(10_000)).isTrue();
        assertThat(queue.take()).isNotEqualTo(DriverQueue.NONE);
    }

    private static Set<Long> pages(SharedMemory log) {
        Set<Long> pages = new TreeSet<>();
        for (long at = 0; at < log.memory().byteSize(); at++) {
            int bits = log.memory().get(ValueLayout.JAVA_BYTE, at);
            for (int bit = 0; bit < 8; bit++) {
                if ((bits & 1 << bit) != 0) {
                    pages.add(at * 8 + bit);
                }
            }
        }
        return pages;
    }
}
