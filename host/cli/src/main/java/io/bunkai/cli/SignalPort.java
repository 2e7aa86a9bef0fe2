// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.cli;

import java.util.List;
import java.util.function.IntConsumer;

/** The signals that are sent to this process. */
interface SignalPort {
    /**
     * From now on these signals go to {@code receiver}, on a thread of their own, instead of doing
     * what they usually do. What this platform cannot hand over keeps its usual effect.
     *
     * @param names without "SIG"
     * @param receiver gets the signal's number
     * @return gives the signals back
     */
    Registration deliver(List<String> names, IntConsumer receiver);

    /** The way back. */
    interface Registration extends AutoCloseable {
        @Override
        void close();
    }
}
