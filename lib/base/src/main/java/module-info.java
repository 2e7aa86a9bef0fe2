// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0

/** Sizes, deadlines, closers, task scopes and the error vocabulary. Knows no word of containers. */
@org.jspecify.annotations.NullMarked
module io.bunkai.base {
    requires static com.google.errorprone.annotations;
    requires static transitive org.jspecify;

    exports io.bunkai.base;
}
