// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.ttrpc;

import org.jspecify.annotations.Nullable;

/**
 * What a peer named as the cause of its failure: a text and perhaps a further cause. It has no
 * stack trace, since it was not thrown here.
 */
public final class RemoteCause extends Exception {
    private static final long serialVersionUID = 1L;

    RemoteCause(String message, @Nullable RemoteCause cause) {
        super(message, cause, true, false);
    }
}
