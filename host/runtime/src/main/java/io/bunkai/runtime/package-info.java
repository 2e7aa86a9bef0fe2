// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
/** The life of sandboxes, containers and processes; plans, journal, timeline. The only policy. */
package io.bunkai.runtime;
