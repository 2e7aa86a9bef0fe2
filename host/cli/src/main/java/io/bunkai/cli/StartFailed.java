// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.cli;

import io.bunkai.base.Fault;

/** The process was not started; the exit status tells why, as shells do. */
final class StartFailed extends Exception {
    private static final long serialVersionUID = 1L;

    private final Fault fault;

    StartFailed(Fault fault) {
        super(fault);
        this.fault = fault;
    }

    Fault fault() {
        return fault;
    }
}
