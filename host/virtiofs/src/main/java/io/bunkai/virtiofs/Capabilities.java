// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtiofs;

import io.bunkai.fuse.ByteString;
import io.bunkai.fuse.XattrName;
import io.bunkai.linux.AttributeCalls;
import org.jspecify.annotations.Nullable;

/**
 * File capabilities under another name. The kernel removes those that it knows when a file is
 * changed; a guest that keeps its own under a mapped name must not find them on changed files.
 */
final class Capabilities {
    private final @Nullable ByteString name;

    Capabilities(@Nullable XattrMap xattrs) {
        name =
                xattrs == null
                        ? null
                        : xattrs.remappedCapability().map(XattrName::bytes).orElse(null);
    }

    /** Removes them from a file that changes; it is no failure if there are none. */
    void remove(Inode inode, Worker worker) {
        if (name == null) {
            return;
        }
        worker.put(Worker.TARGET, name);
        inode.fd().putDigits(worker.memory, Worker.DIGITS);
        AttributeCalls.tryRemove(worker.memory, Worker.DIGITS, Worker.TARGET);
    }
}
