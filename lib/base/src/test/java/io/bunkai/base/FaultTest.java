// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.base;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.time.Duration;
import org.junit.jupiter.api.Test;

class FaultTest {
    @Test
    void carriesCodeMessageHintAndCause() {
        IOException cause = new IOException("why");
        Fault fault =
                Fault.notFound("there is no container '%s'", "x")
                        .causedBy(cause)
                        .withHint("list them");
        assertThat(fault.code()).isEqualTo(FaultCode.NOT_FOUND);
        assertThat(fault).hasMessage("there is no container 'x'").hasCause(cause);
        assertThat(fault.hint()).contains("list them");
    }

    @Test
    void codesKeepTheirNumbersOnTheWire() {
        for (FaultCode code : FaultCode.values()) {
            assertThat(FaultCode.ofNumber(code.number())).isEqualTo(code);
        }
        assertThat(FaultCode.ofNumber(999)).isEqualTo(FaultCode.UNKNOWN);
    }

    @Test
    void aDeadlineIsRightAlsoWhenTheClockOverflows() {
        long[] now = {Long.MAX_VALUE - 5};
        Deadline deadline = Deadline.after(Duration.ofNanos(10), () -> now[0]);
        assertThat(deadline.remaining()).isEqualTo(Duration.ofNanos(10));
        now[0] += 6;
        assertThat(deadline.atMost(Duration.ofNanos(3)).remaining()).isEqualTo(Duration.ofNanos(3));
        assertThat(deadline.atMost(Duration.ofDays(1)).remaining()).isEqualTo(Duration.ofNanos(4));
        now[0] += 4;
        assertThat(deadline.hasPassed()).isTrue();
        assertThat(deadline.remaining()).isZero();
    }
}
