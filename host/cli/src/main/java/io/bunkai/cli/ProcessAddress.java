// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.cli;

import io.bunkai.api.ControlMethods;
import io.bunkai.api.control.StartRequest;
import io.bunkai.base.Fault;

/**
 * Which process.
 *
 * @param container id of its container
 * @param exec empty for the container's own process
 */
record ProcessAddress(String container, String exec) {
    /** Starts it and returns when it has been started. */
    void start(Daemon daemon) throws StartFailed {
        try {
            daemon.await(
                    ControlMethods.START,
                    StartRequest.newBuilder().setContainer(container).setExecId(exec).build());
        } catch (Fault fault) {
            throw new StartFailed(fault);
        }
    }
}
