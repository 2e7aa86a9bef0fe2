// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
/**
 * What tests share: pipes in memory, bytes by hand, clocks by hand, the leak check. Never part of a
 * product.
 */
@org.jspecify.annotations.NullMarked
module io.bunkai.testkit {
    requires transitive io.bunkai.base;
    requires static org.jspecify;
    requires static org.junit.jupiter.api;

    exports io.bunkai.testkit;
}
