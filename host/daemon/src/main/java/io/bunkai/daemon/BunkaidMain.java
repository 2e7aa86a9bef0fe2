// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.daemon;

import io.bunkai.base.Fault;
import java.util.List;

/** The daemon's program. */
public final class BunkaidMain {
    private static final int UNUSABLE = 2;

    private BunkaidMain() {}

    /** Runs until it is told to end: by the control socket, or by SIGTERM. Containers run on. */
    public static void main(String[] arguments) throws InterruptedException {
        try (Daemon daemon = Daemon.start(DaemonOptions.parse(List.of(arguments)))) {
            Runtime.getRuntime().addShutdownHook(new Thread(daemon::close, "shutdown"));
            daemon.awaitShutdown();
        } catch (Fault e) {
            report(e);
            System.exit(UNUSABLE);
        }
        System.exit(0);
    }

    private static void report(Fault fault) {
        System.err.println("error: bunkaid did not start: " + fault.getMessage());
        for (Throwable cause = fault.getCause(); cause != null; cause = cause.getCause()) {
            System.err.println("cause: " + cause.getMessage());
        }
        fault.hint().ifPresent(hint -> System.err.println("hint:  " + hint));
    }
}
