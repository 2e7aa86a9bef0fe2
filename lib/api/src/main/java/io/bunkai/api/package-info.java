// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
/**
 * Where host and guest, command line and daemon meet: protocol definitions and the agent channel.
 */
package io.bunkai.api;
