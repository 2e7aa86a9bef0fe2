// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
/** What tests share: pipes in memory, bytes by hand, the leak check. Never part of a product. */
package io.bunkai.testkit;
