// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.cli;

import io.bunkai.linux.ErrnoException;
import io.bunkai.linux.Fd;
import io.bunkai.linux.Terminal;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** The terminal behind descriptors 0 and 1. */
final class LinuxTerminal implements TerminalPort {
    private static final Terminal.Size UNKNOWN = new Terminal.Size(0, 0);

    /**
     * The name tells a terminal well enough to decide about decoration, and costs no native call,
     * whose linking would be the larger part of a short command.
     */
    private static boolean looksLikeATerminal(int descriptor) {
        try {
            Path target = Files.readSymbolicLink(Path.of("/proc/self/fd/" + descriptor));
            return target.startsWith("/dev/pts")
                    || target.toString().startsWith("/dev/tty")
                    || target.toString().equals("/dev/console");
        } catch (IOException e) {
            return false; // closed, or no /proc
        }
    }

    @Override
    public boolean isInput() {
        return looksLikeATerminal(0) && Terminal.isTerminal(Fd.standardInput());
    }

    @Override
    public boolean isOutput() {
        return looksLikeATerminal(1);
    }

    @Override
    public Terminal.Size size() {
        try {
            if (looksLikeATerminal(1)) {
                return Terminal.size(Fd.standardOutput());
            }
            if (looksLikeATerminal(0)) {
                return Terminal.size(Fd.standardInput());
            }
        } catch (ErrnoException e) {
            // no terminal after all: it has no size
        }
        return UNKNOWN;
    }

    @Override
    public Terminal.RawMode raw() throws IOException {
        Terminal.RawMode mode = Terminal.raw(Fd.standardInput());
        // A hook that runs after a proper close does no harm: closing twice does nothing new, and
        // the process is about to end.
        Thread restore = new Thread(mode::close, "restore the terminal");
        Runtime.getRuntime().addShutdownHook(restore);
        return () -> {
            mode.close();
            try {
                Runtime.getRuntime().removeShutdownHook(restore);
            } catch (IllegalStateException e) {
                // the process is ending, and the hook is running or has run
            }
        };
    }
}
