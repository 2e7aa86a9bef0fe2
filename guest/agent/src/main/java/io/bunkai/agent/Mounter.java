// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.agent;

import io.bunkai.linux.ErrnoException;
import io.bunkai.linux.Mounts;
import java.nio.file.Path;

/** What attaches and detaches file systems: the kernel, or something that only takes notes. */
interface Mounter {
    /** The kernel. */
    Mounter KERNEL =
            new Mounter() {
                @Override
                public void mount(String source, Path target, String type, long flags, String data)
                        throws ErrnoException {
                    Mounts.mount(source, target, type, flags, data);
                }

                @Override
                public void unmount(Path target, int flags) throws ErrnoException {
                    Mounts.unmount(target, flags);
                }
            };

    /** As {@link Mounts#mount}. */
    void mount(String source, Path target, String type, long flags, String data)
            throws ErrnoException;

    /** As {@link Mounts#unmount}. */
    void unmount(Path target, int flags) throws ErrnoException;
}
