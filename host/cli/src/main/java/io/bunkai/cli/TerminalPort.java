// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.cli;

import io.bunkai.linux.Terminal;
import java.io.IOException;

/** The terminal that a command may have been started from. */
interface TerminalPort {
    /** {@return whether standard input is a terminal} */
    boolean isInput();

    /** {@return whether standard output is a terminal} */
    boolean isOutput();

    /** {@return the terminal's size; zeros if there is none} */
    Terminal.Size size();

    /**
     * Hands every key through as it is.
     *
     * @return puts the terminal back, also when the process is told to end before that
     * @throws IOException if standard input is no terminal
     */
    Terminal.RawMode raw() throws IOException;
}
