// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.shim;

import io.bunkai.base.Fault;
import io.bunkai.linux.Fd;
import io.bunkai.linux.KeptFds;
import java.util.Optional;

/**
 * The open ends of a process's streams that are kept for a later daemon: containerd never notices
 * that somebody else reads and writes them.
 *
 * <p>Kept as {@code io.<socket>.<task>.<exec>.<stream>}: the name of the owner's socket,
 * containerd's ids, and 0, 1 or 2; an input that containerd has ended is 0e.
 *
 * @param kept where they are kept
 * @param prefix of their names, up to the stream
 */
record KeptStreams(KeptFds kept, String prefix) {
    private static final System.Logger LOG = System.getLogger(KeptStreams.class.getName());

    static final String STDIN = "0";
    static final String ENDED_STDIN = "0e";
    static final String STDOUT = "1";
    static final String STDERR = "2";

    /**
     * {@return the streams of a process}
     *
     * @param execId empty for the task's own
     */
    static KeptStreams of(KeptFds kept, TaskOwner owner, String taskId, String execId) {
        String process = Digests.shortOf(owner.address(), owner.namespace(), taskId, execId);
        return new KeptStreams(kept, "io." + process + ".");
    }

    /** {@return a stream that a former daemon has left; the caller's} */
    Optional<Fd> claim(String stream) {
        return kept.claim(prefix + stream);
    }

    /** Keeps a stream. One that cannot be kept is lost with this daemon, and that is said. */
    void keep(String stream, Fd fd) {
        try {
            kept.keep(prefix + stream, fd);
        } catch (Fault e) {
            LOG.log(
                    System.Logger.Level.WARNING,
                    "a stream is not kept for a later daemon name={0}{1} reason={2}",
                    prefix,
                    stream,
                    e.getMessage());
        }
    }

    /** Drops a stream: who has the other side open finds the end. */
    void drop(String stream) {
        kept.drop(prefix + stream);
    }

    /** Drops all of them. */
    void dropAll() {
        drop(STDIN);
        drop(ENDED_STDIN);
        drop(STDOUT);
        drop(STDERR);
    }
}
