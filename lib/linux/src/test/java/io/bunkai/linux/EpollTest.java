// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class EpollTest {
    @Test
    void aCounterWakesOnceForEachSignalThoughNobodyReadsIt() throws Exception {
        try (EventFd counter = EventFd.create();
                Epoll epoll = Epoll.create()) {
            epoll.add(counter.fd(), 7);
            assertThat(epoll.await(0)).isZero();
            for (int i = 0; i < 3; i++) {
                counter.signal();
                assertThat(epoll.await(-1)).isEqualTo(1);
                assertThat(epoll.token(0)).isEqualTo(7);
                assertThat(epoll.await(0)).isZero();
            }
            assertThat(counter.take()).isEqualTo(3);
            assertThat(counter.take()).isZero();
        }
    }

    @Test
    void whatWasThereBeforeTheWatchIsReported() throws Exception {
        try (EventFd counter = EventFd.create();
                Epoll epoll = Epoll.create()) {
            counter.signal();
            epoll.add(counter.fd(), 1);
            assertThat(epoll.await(-1)).isEqualTo(1);
        }
    }

    @Test
    void aDescriptorMayBeAddedAndRemovedWhileAThreadWaits() throws Exception {
        try (EventFd first = EventFd.create();
                EventFd second = EventFd.create();
                Epoll epoll = Epoll.create()) {
            epoll.add(first.fd(), 1);
            AtomicLong seen = new AtomicLong();
            Thread waiter =
                    Thread.ofPlatform()
                            .start(() -> {
                                try {
                                    epoll.await(-1);
                                    seen.set(epoll.token(0));
                                } catch (ErrnoException e) {
                                    seen.set(-1);
                                }
                            });
            epoll.remove(first.fd());
            epoll.add(second.fd(), 2);
            first.signal();
            second.signal();
            waiter.join();
            assertThat(seen).hasValue(2);
        }
    }

    @Test
    void refusesAFileThatIsAlwaysReady() throws Exception {
        try (Epoll epoll = Epoll.create();
                Fd file = Fd.open(Path.of("/proc/self/exe"), Fd.O_RDONLY)) {
            assertThatExceptionOfType(ErrnoException.class)
                    .isThrownBy(() -> epoll.add(file, 1))
                    .satisfies(e -> assertThat(e.errno()).isEqualTo(Errno.EPERM));
        }
    }
}
