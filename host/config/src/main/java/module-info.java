// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
/**
 * configuration.toml: every key with type, default and meaning; drop-ins; how a changed key is
 * treated.
 */
@org.jspecify.annotations.NullMarked
module io.bunkai.config {
    requires transitive io.bunkai.base;
    requires org.tomlj;
    requires static org.jspecify;

    exports io.bunkai.config;
}
