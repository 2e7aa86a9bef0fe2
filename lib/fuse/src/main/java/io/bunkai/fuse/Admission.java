// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.fuse;

/**
 * Decides when a request is carried out. Asked once for each request that was decoded and found
 * good, by the thread that calls {@link FuseServer#serve(FuseExchange, Admission)}.
 */
@FunctionalInterface
public interface Admission {
    /** Everything is carried out at once. */
    Admission FREE = _ -> true;

    /**
     * {@return whether it is carried out at once; if not, {@link FuseServer#resume} has to be
     * called once, by whatever thread}
     *
     * @param request belongs to its exchange, and stays as it is until the request is answered
     */
    boolean admits(RequestView request);
}
