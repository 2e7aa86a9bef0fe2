// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
/** What tests share: a clock moved by hand, the leak check. Never part of a product. */
package io.bunkai.testkit;
