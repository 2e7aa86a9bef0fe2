// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtiofs;

import io.bunkai.linux.Seccomp;
import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/**
 * What the command line of {@code bunkai-virtiofsd} says.
 *
 * @param sharedDir what is shared; null only with {@link #printCapabilities}
 * @param socketPath of the socket to listen on
 * @param fd a socket that listens or is connected, in the place of that
 * @param threadPoolSize how many threads may help; empty: as many as are of use
 * @param capabilities what of root's rights is kept
 * @param controlSocket where limits are asked for and changed; a socket to make
 * @param controlFd a socket that listens, in the place of that
 * @param handlesRequired whether it is an error if the shared directory has no file handles
 */
record ServerOptions(
        @Nullable Path sharedDir,
        Optional<Path> socketPath,
        Optional<String> socketGroup,
        OptionalInt fd,
        FileSystemOptions files,
        boolean handlesRequired,
        Sandbox sandbox,
        Seccomp.@Nullable Action seccomp,
        long capabilities,
        OptionalInt threadPoolSize,
        OptionalLong rlimitNofile,
        Optional<String> tag,
        Limits limits,
        Optional<Path> controlSocket,
        OptionalInt controlFd,
        LogLevel logLevel,
        boolean printCapabilities,
        boolean help,
        boolean version) {
    /** What of the log is written. */
    enum LogLevel {
        ERROR,
        WARN,
        INFO,
        DEBUG,
        TRACE,
        OFF
    }
}
