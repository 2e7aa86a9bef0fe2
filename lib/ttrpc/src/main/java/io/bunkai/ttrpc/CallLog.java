// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.ttrpc;

import java.util.Optional;

/**
 * What outlives the serving process of one connection's calls, so that a successor can answer those
 * that were not answered. Whoever serves gets each request from a stream that has the call in here
 * before it hands it out, and says here what became of it. Called by many threads at once.
 *
 * <p>A successor may send an answer that was sent already: a ttrpc client drops what it does not
 * wait for, since a stream's number is used once.
 */
public interface CallLog {
    /** Nothing outlives the process. */
    CallLog NONE =
            new CallLog() {
                @Override
                public boolean isRepeated(int stream) {
                    return false;
                }

                @Override
                public Optional<byte[]> note(int stream) {
                    return Optional.empty();
                }

                @Override
                public void note(int stream, byte[] note) {}

                @Override
                public void parked(int stream) {}

                @Override
                public void answered(int stream) {}
            };

    /** {@return whether a former process has had this call, and may have carried it out} */
    boolean isRepeated(int stream);

    /** {@return what a former process has noted about this call} */
    Optional<byte[]> note(int stream);

    /** Notes something about a call, in place of what was noted before. */
    void note(int stream, byte[] note);

    /** The call waits for something that may be long in coming; a successor can go on waiting. */
    void parked(int stream);

    /** The answer has been sent, or nobody is there to get it. */
    void answered(int stream);
}
