// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

import io.bunkai.api.AgentMethods;
import io.bunkai.api.agent.SignalProcessRequest;
import io.bunkai.api.agent.TtyWinResizeRequest;
import io.bunkai.api.agent.WaitProcessRequest;
import io.bunkai.base.Deadline;
import io.bunkai.base.Fault;
import io.bunkai.linux.Terminal;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;

/**
 * One process in a guest as it is seen from here: its streams, its signals, its end. The
 * container's own process and those that were added to it are alike.
 */
final class ContainerProcess {
    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final int LARGEST_STATUS = 255;

    private final GuestCalls guest;
    private final String containerId;
    private final String execId;
    private final ProcessStreams streams;
    private final CompletableFuture<ProcessExit> exit = new CompletableFuture<>();

    ContainerProcess(GuestCalls guest, String containerId, String execId, ProcessStreams streams) {
        this.guest = guest;
        this.containerId = containerId;
        this.execId = execId;
        this.streams = streams;
    }

    ProcessStreams streams() {
        return streams;
    }

    /** {@return completed once the process has ended and its output has been delivered} */
    CompletableFuture<ProcessExit> exit() {
        return exit;
    }

    /**
     * Waits for the process in the guest.
     *
     * @return its exit code, 128 + signal if it was killed
     * @throws Fault what the agent answered instead
     * @throws IOException if the guest was lost first, or answers what no process ends with
     */
    int awaitEnd() throws IOException {
        int status =
                guest.call(
                                AgentMethods.WAIT_PROCESS,
                                WaitProcessRequest.newBuilder()
                                        .setContainerId(containerId)
                                        .setExecId(execId)
                                        .build(),
                                Deadline.never())
                        .getStatus();
        if (status < 0 || status > LARGEST_STATUS) {
            throw new IOException("the agent says that a process ended with status " + status);
        }
        return status;
    }

    /**
     * Sends a signal.
     *
     * @throws Fault NOT_FOUND or FAILED_PRECONDITION if the process has ended, UNAVAILABLE if the
     *     guest was lost
     */
    void signal(int signal) {
        ask(
                "signal",
                () ->
                        guest.call(
                                AgentMethods.SIGNAL_PROCESS,
                                SignalProcessRequest.newBuilder()
                                        .setContainerId(containerId)
                                        .setExecId(execId)
                                        .setSignal(signal)
                                        .build(),
                                Deadline.after(PATIENCE)));
    }

    /**
     * Changes the size of its terminal.
     *
     * @throws Fault FAILED_PRECONDITION if it has none, UNAVAILABLE if the guest was lost
     */
    void resize(Terminal.Size size) {
        ask(
                "resize",
                () ->
                        guest.call(
                                AgentMethods.TTY_WIN_RESIZE,
                                TtyWinResizeRequest.newBuilder()
                                        .setContainerId(containerId)
                                        .setExecId(execId)
                                        .setRow(size.rows())
                                        .setColumn(size.columns())
                                        .build(),
                                Deadline.after(PATIENCE)));
    }

    @FunctionalInterface
    private interface Question {
        void ask() throws IOException;
    }

    private void ask(String what, Question question) {
        try {
            question.ask();
        } catch (IOException e) {
            throw Fault.unavailable("the guest of %s was lost: %s", containerId, what).causedBy(e);
        }
    }
}
