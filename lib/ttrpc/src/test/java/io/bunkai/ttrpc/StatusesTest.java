// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.ttrpc;

import static org.assertj.core.api.Assertions.assertThat;

import io.bunkai.base.Fault;
import io.bunkai.base.FaultCode;
import io.bunkai.ttrpc.wire.Status;
import java.io.IOException;
import org.junit.jupiter.api.Test;

class StatusesTest {
    @Test
    void aFaultKeepsItsCodeMessageCausesAndHint() {
        Fault fault =
                Fault.failedPrecondition("sandbox a1b2 did not start")
                        .causedBy(
                                new IOException(
                                        "QEMU ended\n  without a word",
                                        new IOException("Permission denied")))
                        .withHint("run: bunkai check");
        Status status = Statuses.statusOf(fault);
        assertThat(status.getCode()).isEqualTo(9);
        assertThat(status.getMessage())
                .isEqualTo(
                        """
                        sandbox a1b2 did not start
                        cause: QEMU ended without a word
                        cause: Permission denied
                        hint: run: bunkai check\
                        """);

        Fault received = Statuses.faultOf(status);
        assertThat(received.code()).isEqualTo(FaultCode.FAILED_PRECONDITION);
        assertThat(received).hasMessage("sandbox a1b2 did not start");
        assertThat(received.hint()).contains("run: bunkai check");
        assertThat(received.getCause())
                .hasMessage("QEMU ended without a word")
                .hasRootCauseMessage("Permission denied");
    }

    @Test
    void onOneLineAFaultReadsAsASentence() {
        Fault fault =
                Fault.failedPrecondition("sandbox a1b2 did\nnot start")
                        .causedBy(
                                new IOException(
                                        "QEMU ended\n  without a word",
                                        new IOException("Permission denied")))
                        .withHint("run: bunkai check");
        Status status = Statuses.statusOnOneLineOf(fault);
        assertThat(status.getCode()).isEqualTo(9);
        assertThat(status.getMessage())
                .isEqualTo(
                        "sandbox a1b2 did not start: QEMU ended without a word:"
                                + " Permission denied (run: bunkai check)");
        assertThat(Statuses.statusOnOneLineOf(new IOException("a\nb")).getMessage())
                .isEqualTo("internal error: java.io.IOException: a b");
    }

    @Test
    void aTextOfAnotherImplementationIsTheMessage() {
        Fault received = Statuses.faultOf(status(5, "Link not found\n caused by nothing"));
        assertThat(received.code()).isEqualTo(FaultCode.NOT_FOUND);
        assertThat(received).hasMessage("Link not found\n caused by nothing").hasNoCause();
        assertThat(received.hint()).isEmpty();
    }

    @Test
    void aCodeThatNobodyAssignedIsUnknown() {
        assertThat(Statuses.faultOf(status(-7, "?")).code()).isEqualTo(FaultCode.UNKNOWN);
    }

    @Test
    void anythingElseIsAnInternalError() {
        Status status = Statuses.statusOf(new IllegalStateException("no such state"));
        assertThat(status.getCode()).isEqualTo(13);
        assertThat(status.getMessage())
                .isEqualTo("internal error: java.lang.IllegalStateException: no such state");
    }

    @Test
    void textsOfAHostilePeerAreTakenApartInBoundedSteps() {
        Fault received = Statuses.faultOf(status(2, "x" + "\ncause: y".repeat(100_000)));
        int depth = 0;
        for (Throwable cause = received.getCause(); cause != null; cause = cause.getCause()) {
            depth++;
        }
        assertThat(depth).isEqualTo(8);
    }

    private static Status status(int code, String message) {
        return Status.newBuilder().setCode(code).setMessage(message).build();
    }
}
