// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
/** The ttrpc protocol: message codec, client and server over any pair of byte streams. */
package io.bunkai.ttrpc;
