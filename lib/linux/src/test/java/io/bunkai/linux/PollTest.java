// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.util.List;
import org.junit.jupiter.api.Test;

class PollTest {
    @Test
    void wakesForAnyOfSeveralDescriptors() throws Exception {
        try (Pipe silent = Pipe.create();
                Pipe talking = Pipe.create()) {
            List<Poll.Interest> both =
                    List.of(
                            Poll.Interest.toRead(silent.read()),
                            Poll.Interest.toRead(talking.read()));
            assertThat(Poll.any(both, 0)).isFalse();
            talking.write().writeFully(new byte[] {1});
            assertThat(Poll.any(both, -1)).isTrue();
        }
    }

    @Test
    void wakesWhenTheOtherSideHangsUp() throws Exception {
        try (Pipe pipe = Pipe.create()) {
            pipe.write().close();
            assertThat(Poll.readable(pipe.read(), -1)).isTrue();
        }
    }

    @Test
    void tellsWhetherThereIsRoomToWrite() throws Exception {
        try (Pipe pipe = Pipe.create()) {
            pipe.write().setNonBlocking();
            List<Poll.Interest> room = List.of(Poll.Interest.toWrite(pipe.write()));
            assertThat(Poll.any(room, 0)).isTrue();
            byte[] block = new byte[64 * 1024];
            assertThat(pipe.write().write(block, 0, block.length)).isEqualTo(block.length);
            assertThat(Poll.any(room, 0)).isFalse();
            assertThatExceptionOfType(ErrnoException.class)
                    .isThrownBy(() -> pipe.write().write(block, 0, block.length))
                    .satisfies(e -> assertThat(e.errno()).isEqualTo(Errno.EAGAIN));
        }
    }

    @Test
    void anEdgeThatCameBeforeTheWaitIsNotLost() throws Exception {
        try (Pipe pipe = Pipe.create();
                Edges edges = Edges.of(pipe.read())) {
            pipe.write().writeFully(new byte[] {1});
            edges.await();
            pipe.write().writeFully(new byte[] {2}); // a second edge, though nothing was read
            edges.await();
            pipe.write().close();
            edges.await();
        }
    }
}
