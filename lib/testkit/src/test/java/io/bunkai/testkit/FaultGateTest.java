// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bunkai.base.Deadline;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class FaultGateTest {
    private static final Duration LONG = Duration.ofSeconds(60);

    private static Path socketOf(FaultGate gate) {
        return Path.of(gate.address().split("@", 2)[1]);
    }

    private static SocketChannel come(FaultGate gate, String name) throws Exception {
        SocketChannel process = SocketChannel.open(UnixDomainSocketAddress.of(socketOf(gate)));
        process.write(ByteBuffer.wrap(name.getBytes(StandardCharsets.UTF_8)));
        process.shutdownOutput();
        return process;
    }

    @Test
    void whoComesIsHeldUntilTheTestLetsGo() throws Exception {
        try (FaultGate gate = FaultGate.at("exec-started");
                SocketChannel process = come(gate, "exec-started")) {
            gate.awaitReached(Deadline.after(LONG));
            process.configureBlocking(false);
            assertThat(process.read(ByteBuffer.allocate(1))).isZero();

            gate.letGo();
            process.configureBlocking(true);
            assertThat(process.read(ByteBuffer.allocate(1))).isEqualTo(-1);
        }
    }

    @Test
    void aTestThatDoesNotComeToItsPointFails() {
        FaultGate gate = FaultGate.at("exec-started");
        Path socket = socketOf(gate);
        assertThatThrownBy(() -> gate.awaitReached(Deadline.after(Duration.ZERO)))
                .hasMessageContaining("exec-started was never reached");
        assertThatThrownBy(gate::close).hasMessageContaining("has proven nothing");
        assertThat(Files.exists(socket.getParent())).isFalse();
    }

    @Test
    void anotherPointIsNotThisOne() throws Exception {
        FaultGate gate = FaultGate.at("exec-started");
        try (SocketChannel _ = come(gate, "exec-ended")) {
            assertThatThrownBy(() -> gate.awaitReached(Deadline.after(LONG)))
                    .hasStackTraceContaining("held at exec-ended and not at exec-started");
        }
        assertThatThrownBy(gate::close).isInstanceOf(AssertionError.class);
    }

    @Test
    void aProcessThatDiesThereHasComeThere() throws Exception {
        try (FaultGate gate = FaultGate.at("exec-started")) {
            come(gate, "exec-started").close();
            gate.awaitReached(Deadline.after(LONG));
            assertThat(gate.isReached()).isTrue();
        }
    }
}
