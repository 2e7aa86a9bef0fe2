// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

import java.nio.file.Path;
import java.util.List;

/** Where the runtime gets disks from that are made of folders: layers of a root file system. */
public interface LayerSource {
    /**
     * {@return an EROFS disk for each stack of folders that do not change any more} Made on first
     * use, and kept.
     *
     * @param stacks folders whose files are merged, each lowest first; the first of them has
     *     nothing beneath it
     * @throws io.bunkai.base.Fault NOT_FOUND if a folder is not there, RESOURCE_EXHAUSTED if it is
     *     too large or the disk is full, UNIMPLEMENTED if it holds something that no disk can
     */
    List<Path> disks(List<List<Path>> stacks);

    /**
     * Makes a disk, for one container alone, of folders that may still change.
     *
     * @param disk a file that does not exist yet; the caller's to delete
     * @throws io.bunkai.base.Fault as {@link #disks}
     */
    void write(List<Path> folders, Path disk);
}
