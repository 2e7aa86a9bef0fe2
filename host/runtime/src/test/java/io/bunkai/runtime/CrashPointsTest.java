// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.bunkai.base.Deadline;
import io.bunkai.base.Fault;
import io.bunkai.base.FaultCode;
import io.bunkai.testkit.FaultGate;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

@Timeout(60)
class CrashPointsTest {
    private static final Deadline SOON = Deadline.after(Duration.ofSeconds(60));

    /** The way to the gate is in its address, behind the label. */
    private static Path socketOf(FaultGate gate) {
        return Path.of(gate.address().split("@", 2)[1]);
    }

    @Test
    void whoComesToAPointIsHeldThereUntilTheTestLetsGo() throws Exception {
        try (FaultGate gate = FaultGate.at(CrashPoint.EXEC_STARTED.label())) {
            CrashPoints points = CrashPoints.holdAt(CrashPoint.EXEC_STARTED, socketOf(gate));
            points.reach(CrashPoint.EXEC_JOURNALED);
            Thread held = Thread.ofVirtual().start(() -> points.reach(CrashPoint.EXEC_STARTED));
            gate.awaitReached(SOON);
            assertThat(held.isAlive()).isTrue();
            points.reach(CrashPoint.EXEC_STARTED); // only the first one is held

            gate.letGo();
            held.join();
        }
    }

    @Test
    void whoIsCalledOffIsHeldNoLonger() throws Exception {
        try (FaultGate gate = FaultGate.at(CrashPoint.EXEC_STARTED.label())) {
            CrashPoints points = CrashPoints.holdAt(CrashPoint.EXEC_STARTED, socketOf(gate));
            CompletableFuture<Boolean> interrupted = new CompletableFuture<>();
            Thread held =
                    Thread.ofVirtual()
                            .start(() -> {
                                points.reach(CrashPoint.EXEC_STARTED);
                                interrupted.complete(Thread.currentThread().isInterrupted());
                            });
            gate.awaitReached(SOON);
            held.interrupt();
            assertThat(interrupted.get(60, TimeUnit.SECONDS)).isTrue();
        }
    }

    @ParameterizedTest
    @EnumSource
    void everyPointIsFoundByItsLabel(CrashPoint point) {
        assertThat(point.label()).matches("[a-z-]+");
        assertThat(CrashPoint.ofLabel(point.label())).isEqualTo(point);
    }

    @Test
    void aLabelThatNoneHasIsRefused() {
        assertThat(catchThrowableOfType(Fault.class, () -> CrashPoint.ofLabel("start")).code())
                .isEqualTo(FaultCode.INVALID_ARGUMENT);
    }

    @Test
    void nothingHappensAtOtherPoints() {
        CrashPoints points = CrashPoints.dieAt(CrashPoint.REMOVE_OUTPUT_GONE);
        points.reach(CrashPoint.CREATE_JOURNALED);
        CrashPoints.NONE.reach(CrashPoint.REMOVE_OUTPUT_GONE);
        assertThat(CrashPoint.REMOVE_OUTPUT_GONE.label()).isEqualTo("remove-output-gone");
    }
}
