// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.shim;

import java.time.Instant;

/**
 * What is told of a task that was deleted because its shim is gone, as containerd sees it.
 *
 * @param pid what was told as the task's process; 0 if it was never started
 * @param exitStatus as a shell has it
 * @param exitedAt when it ended
 */
public record DeletedTask(int pid, int exitStatus, Instant exitedAt) {}
