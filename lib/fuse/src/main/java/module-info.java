// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0

/**
 * The FUSE protocol, server side: tables, decoder, encoder, dispatcher; no transport, no policy.
 */
@org.jspecify.annotations.NullMarked
module io.bunkai.fuse {
    requires io.bunkai.linux; // the numbers of Errno
    requires static org.jspecify;

    exports io.bunkai.fuse;
}
