// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.kernel;

/** Told what is being done. */
interface Progress {
    /** A step begins. */
    void step(String what);

    /** The step goes on; called often, and shown as often as is fit. */
    void detail(String what);
}
