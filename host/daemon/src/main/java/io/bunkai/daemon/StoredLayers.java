// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.daemon;

import io.bunkai.base.Deadline;
import io.bunkai.images.LayerStore;
import io.bunkai.runtime.LayerSource;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

/** The store of layers as the runtime sees it. */
final class StoredLayers implements LayerSource {
    /** The first use of a large layer reads and writes all of it. */
    private static final Duration PATIENCE = Duration.ofMinutes(15);

    private final LayerStore store;

    StoredLayers(LayerStore store) {
        this.store = store;
    }

    @Override
    public List<Path> disks(List<List<Path>> stacks) {
        Deadline deadline = Deadline.after(PATIENCE);
        return stacks.stream().map(stack -> store.disk(stack, deadline)).toList();
    }

    @Override
    public void write(List<Path> folders, Path disk) {
        store.write(folders, disk, Deadline.after(PATIENCE));
    }
}
