// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.bunkai.base.Fault;
import io.bunkai.base.FaultCode;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class CrashPointsTest {
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
