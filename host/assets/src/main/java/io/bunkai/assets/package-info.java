// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
/** Whether a guest's kernel and image fit each other and the runtime; nothing is ever mounted. */
package io.bunkai.assets;
