// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtiofs;

import io.bunkai.base.Closer;
import io.bunkai.base.Fault;
import io.bunkai.linux.Fd;
import io.bunkai.linux.UnixSockets;
import io.bunkai.virtio.VhostUserSession;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;

/**
 * Serves a directory of its own to a guest of its own for a moment, so that all that a real one
 * needs is loaded and compiled: before a spare is assigned, and when the start of the program is
 * recorded.
 */
final class Rehearsal {
    private static final int DEPTH = 8;
    private static final int DESCRIPTORS = 2000;

    private Rehearsal() {}

    /**
     * Rehearses.
     *
     * @param time how long all exercises may take together
     * @throws Fault if there is no place for it
     */
    static void run(Duration time) {
        try {
            Path folder = Files.createTempDirectory(place(), "bunkai-rehearsal");
            try (Closer all = new Closer()) {
                all.onClose(() -> remove(folder));
                Exercises.fillSmall(folder);
                perform(folder, time.toNanos() / Exercises.all().size(), all);
            }
        } catch (IOException e) {
            throw Fault.unavailable("the rehearsal failed").causedBy(e);
        }
    }

    private static Path place() {
        Path memory = Path.of("/dev/shm");
        return Files.isWritable(memory) ? memory : Path.of(System.getProperty("java.io.tmpdir"));
    }

    private static void perform(Path folder, long nanos, Closer all) throws IOException {
        ServerOptions options =
                OptionParser.parse(List.of("--fd=0", "--shared-dir=" + folder, "--xattr"));
        Share share = all.own(Share.open(folder));
        ParallelGate gate = all.own(new ParallelGate(1));
        Throttle throttle = all.own(new Throttle(options.limits()));
        FileSystemDevice device =
                DirectoryServer.device(
                        options, share, gate, throttle, new Descriptors(DESCRIPTORS));
        UnixSockets.Pair pair = UnixSockets.pair();
        VhostUserSession session = new VhostUserSession(pair.other(), device);
        CompletableFuture<Void> served = new CompletableFuture<>();
        Thread.ofPlatform().name("rehearsal").start(() -> serve(session, served));
        try (GuestMount guest = GuestMount.connect(pair.one(), 1, DEPTH)) {
            guest.init();
            for (Exercises.Preparation exercise : Exercises.all().values()) {
                Exercises.drive(guest.lane(0), exercise.with(guest, 1), 1, nanos / 2);
                Exercises.drive(guest.lane(0), exercise.with(guest, DEPTH), DEPTH, nanos / 2);
            }
            various(guest);
            guest.stop();
        }
        served.join();
        device.reset();
        System.gc(); // what only the rehearsal needed
    }

    /** What is not measured, and has to be loaded all the same. */
    private static void various(GuestMount guest) throws IOException {
        GuestMount.Created made = guest.create(GuestMount.ROOT, "various", Fd.O_RDWR, 0100600);
        long node = made.entry().node();
        guest.write(node, made.handle(), 0, new byte[1]);
        guest.release(node, made.handle());
        guest.symlink(GuestMount.ROOT, "link", "various");
        guest.mkdir(GuestMount.ROOT, "folder", 0700);
        guest.unlink(GuestMount.ROOT, "various");
    }

    private static void serve(VhostUserSession session, CompletableFuture<Void> served) {
        try (session) {
            session.serve();
            served.complete(null);
        } catch (IOException | RuntimeException e) {
            served.completeExceptionally(e);
        }
    }

    private static void remove(Path folder) throws IOException {
        try (Stream<Path> all = Files.walk(folder)) {
            for (Path path : all.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(path);
            }
        }
    }
}
