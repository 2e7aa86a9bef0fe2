// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
/** The ttrpc protocol: message codec, client and server over any pair of byte streams. */
@org.jspecify.annotations.NullMarked
module io.bunkai.ttrpc {
    requires transitive io.bunkai.base;
    requires com.google.protobuf;
    requires static org.jspecify;

    exports io.bunkai.ttrpc;
}
