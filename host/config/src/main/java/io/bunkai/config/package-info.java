// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
/**
 * configuration.toml: every key with type, default and meaning; drop-ins; how a changed key is
 * treated.
 */
package io.bunkai.config;
