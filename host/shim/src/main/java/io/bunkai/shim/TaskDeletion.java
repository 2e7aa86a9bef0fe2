// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.shim;

import java.nio.file.Path;

/** Ends and removes tasks whose connection containerd has lost. Called on any thread. */
@FunctionalInterface
public interface TaskDeletion {
    /**
     * Deletes a task and everything of it, whatever its state. One that is not there (any more) is
     * deleted as well: containerd asks after a start that failed, too, and may ask twice.
     *
     * @param owner whose task it is; what distinguishes it is the address and the namespace
     * @param id of the task; any text without control characters
     * @param bundle the task's directory, absolute
     * @return what is told of its end; containerd waits 5 s for it
     * @throws io.bunkai.base.Fault if it could not be ended
     */
    DeletedTask delete(TaskOwner owner, String id, Path bundle);
}
