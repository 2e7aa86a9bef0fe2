// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtiofs;

import io.bunkai.base.Closer;
import io.bunkai.fuse.FuseServer;
import io.bunkai.linux.Confinement;
import io.bunkai.linux.Fd;
import io.bunkai.linux.UnixSockets;
import io.bunkai.virtio.GuestFault;
import io.bunkai.virtio.VhostUserSession;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/** A directory that this process serves, and a guest that is none. Works in /proc/self/fd. */
final class ServedDirectory implements AutoCloseable {
    static final int MOST_DESCRIPTORS = 4000;

    final GuestMount guest;
    final PassthroughFileSystem files;
    final Descriptors descriptors;
    final Throttle throttle;
    private final VhostUserSession session;
    private final CompletableFuture<Void> served = new CompletableFuture<>();
    private final CompletableFuture<Integer> broken = new CompletableFuture<>();
    private final Closer all = new Closer();

    ServedDirectory(Path directory, String... arguments) throws IOException {
        this(directory, MOST_DESCRIPTORS, arguments);
    }

    ServedDirectory(Path directory, int most, String... arguments) throws IOException {
        List<String> words = new ArrayList<>(Arrays.asList(arguments));
        words.addAll(List.of("--fd=0", "--shared-dir=" + directory));
        ServerOptions options = OptionParser.parse(words);
        int umask = Confinement.umask(0);
        all.onClose(() -> Confinement.umask(umask));
        Share share = all.own(Share.open(directory));
        Fd before = all.own(Fd.open(Path.of("."), Fd.O_PATH));
        share.links().enter();
        all.onClose(before::enter);
        ParallelGate gate = all.own(new ParallelGate(options.threadPoolSize().orElse(2)));
        throttle = all.own(new Throttle(options.limits()));
        descriptors = new Descriptors(most);
        FileSystemOptions how = options.files();
        files =
                new PassthroughFileSystem(
                        share,
                        how,
                        descriptors,
                        Credentials.ofThisProcess(options.capabilities(), how.uids(), how.gids()),
                        gate);
        FuseServer server = new FuseServer(files, PassthroughFileSystem.initOptions(how));
        FileSystemDevice device =
                new FileSystemDevice(4, server, files, throttle, null) {
                    @Override
                    public void queueBroken(int queue, GuestFault fault) {
                        broken.complete(queue);
                    }
                };
        UnixSockets.Pair pair = UnixSockets.pair();
        session = new VhostUserSession(pair.other(), device);
        Thread.ofPlatform().name("session").start(this::serve);
        guest = all.own(GuestMount.connect(pair.one(), 2, 8));
    }

    private void serve() {
        try (session) {
            session.serve();
            served.complete(null);
        } catch (IOException | RuntimeException | Error e) {
            served.completeExceptionally(e);
        }
    }

    /** {@return the queue that the guest has broken} Waits until there is one. */
    int brokenQueue() {
        return broken.join();
    }

    @Override
    public void close() throws IOException {
        guest.stop();
        guest.close();
        served.join();
        files.destroy();
        all.close();
    }
}
