// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.base;

/** Monotonic time. A parameter wherever time matters, so that a test can move it. */
@FunctionalInterface
public interface NanoClock {
    /** The machine's monotonic clock. */
    NanoClock SYSTEM = System::nanoTime;

    /** {@return nanoseconds since an arbitrary origin; only differences have a meaning} */
    long nanos();
}
