// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtiofs;

import io.bunkai.fuse.FuseServer;
import io.bunkai.virtio.DeviceConfig;
import io.bunkai.virtio.GuestFault;
import io.bunkai.virtio.QueueHandler;
import io.bunkai.virtio.QueueLimits;
import io.bunkai.virtio.VhostUserDevice;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The virtio file system device: queue 0 is for what must not wait behind requests, which is
 * forgetting, all others are for requests.
 *
 * @spec https://docs.oasis-open.org/virtio/virtio/v1.2/virtio-v1.2.html VIRTIO 1.2, 5.11
 */
class FileSystemDevice implements VhostUserDevice {
    private static final System.Logger LOG = System.getLogger(FileSystemDevice.class.getName());

    /** As many as QEMU knows descriptors for. */
    private static final int DESCRIPTORS = 1024;

    /** One MiB of data, its header and what goes before, each way. */
    private static final int CHAIN_BYTES = 4 << 20;

    private final int requestQueues;
    private final FuseServer server;
    private final PassthroughFileSystem files;
    private final Throttle throttle;
    private final @Nullable DeviceConfig config;

    FileSystemDevice(
            int requestQueues,
            FuseServer server,
            PassthroughFileSystem files,
            Throttle throttle,
            @Nullable DeviceConfig config) {
        this.requestQueues = requestQueues;
        this.server = server;
        this.files = files;
        this.throttle = throttle;
        this.config = config;
    }

    @Override
    public int queues() {
        return 1 + requestQueues;
    }

    @Override
    public QueueHandler handler(int queue) {
        return new FuseQueue(server, throttle);
    }

    @Override
    public QueueLimits limits(int queue) {
        return QueueLimits.DEFAULT.withDescriptors(DESCRIPTORS).withChainBytes(CHAIN_BYTES);
    }

    @Override
    public Optional<DeviceConfig> config() {
        return Optional.ofNullable(config);
    }

    @Override
    public void reset() {
        files.destroy();
    }

    @Override
    public void queueBroken(int queue, GuestFault fault) {
        LOG.log(
                System.Logger.Level.WARNING,
                "A queue is broken by the guest. queue={0} reason={1}",
                queue,
                fault.getMessage());
    }
}
