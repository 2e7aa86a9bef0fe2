// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.images;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.bunkai.base.Closer;
import io.bunkai.base.Deadline;
import io.bunkai.base.Fault;
import io.bunkai.base.FaultCode;
import io.bunkai.images.UnpackRequest.Compression;
import io.bunkai.linux.ErrnoException;
import io.bunkai.linux.ExitStatus;
import io.bunkai.linux.Fd;
import io.bunkai.linux.LinuxProcess;
import io.bunkai.linux.Pipe;
import io.bunkai.linux.Signals;
import io.bunkai.linux.Spawn;
import io.bunkai.oci.Digest;
import java.io.BufferedOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The parent's side of unpacking: starts the confined child, feeds it the layers while it verifies
 * them, and tells how it went. What the child says is a message to be shown, never a fact to be
 * relied on.
 *
 * <p>Two platform threads per child, because they block in the kernel: one feeds, one listens.
 */
final class UnpackingChild {
    private static final int CHUNK = UnpackRequest.MAX_CHUNK;
    private static final int REPORT_BYTES = 16 * 1024;
    private static final int LONGEST_MESSAGE = 1000;
    private static final int SIGXCPU = 24;

    private final ImageSource source;
    private final UnpackRequest request;

    /** Why the parent gave up; written by the feeding thread before it ends. */
    private @Nullable Throwable feedFailure;

    private String report = "";

    private UnpackingChild(ImageSource source, UnpackRequest request) {
        this.source = source;
        this.request = request;
    }

    /**
     * Unpacks an image into a new file. If this throws, the file may exist and is worthless.
     *
     * @param mountPoint an empty directory for the child's view of the world
     * @throws Fault what is wrong with the image or went wrong with the child; DEADLINE_EXCEEDED
     *     and CANCELLED (interrupted) if the child was ended before it was done
     */
    static void unpack(
            ImageSource source,
            UnpackLimits limits,
            Confinement confinement,
            Path mountPoint,
            Path disk,
            Deadline deadline) {
        UnpackRequest request =
                new UnpackRequest(
                        limits,
                        ErofsSuperBlock.uuidOf(source.id()),
                        source.layers().stream()
                                .map(layer ->
                                        new UnpackRequest.Layer(
                                                layer.compression(), layer.diffId().hex()))
                                .toList());
        new UnpackingChild(source, request)
                .run(confinement.command(mountPoint, limits), disk, deadline);
    }

    private void run(List<String> command, Path disk, Deadline deadline) {
        try (Closer open = new Closer()) {
            Fd output = open.own(Fd.open(disk, Fd.O_RDWR | Fd.O_CREAT | Fd.O_EXCL, 0600));
            Pipe input = open.own(Pipe.create());
            Pipe errors = open.own(Pipe.create());
            LinuxProcess child =
                    open.own(
                            Spawn.of(command)
                                    .stdin(input.read())
                                    .stdout(output)
                                    .stderr(errors.write())
                                    .directory(Path.of("/"))
                                    .newSession()
                                    .start());
            input.read().close();
            errors.write().close();
            Thread feeder =
                    Thread.ofPlatform()
                            .name("unpack feed " + child.pid())
                            .start(() -> feed(input.write()));
            Thread listener =
                    Thread.ofPlatform()
                            .name("unpack report " + child.pid())
                            .start(() -> listen(errors.read()));
            Optional<ExitStatus> exit = await(child, deadline);
            if (exit.isEmpty()) {
                child.signal(Signals.SIGKILL);
                awaitKilled(child);
            }
            joinUninterruptibly(feeder);
            joinUninterruptibly(listener);
            judge(exit);
        } catch (ErrnoException e) {
            throw Fault.unavailable("the process that unpacks images could not be started")
                    .causedBy(e);
        }
    }

    /** Empty if the deadline passed or the thread was interrupted. */
    private static Optional<ExitStatus> await(LinuxProcess child, Deadline deadline) {
        try {
            return child.await(deadline);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return Optional.empty();
        }
    }

    private static void awaitKilled(LinuxProcess child) {
        child.onExit().join();
    }

    private static void joinUninterruptibly(Thread thread) {
        boolean interrupted = false;
        while (true) {
            try {
                thread.join();
                break;
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    // The feeding thread.

    private void feed(Fd pipe) {
        try (DataOutputStream out =
                new DataOutputStream(new BufferedOutputStream(pipe.output(), CHUNK + 8))) {
            request.writeTo(out);
            for (ImageSource.Layer layer : source.layers()) {
                feedLayer(layer, out);
            }
            out.writeInt(UnpackRequest.COMMIT);
        } catch (ChildGone e) {
            // It says itself why, or its exit status does.
        } catch (IOException e) {
            // The same, if the header did not fit into the pipe any more; else the last flush.
            if (!(e instanceof ErrnoException)) {
                feedFailure = Fault.unavailable("the image cannot be read").causedBy(e);
            }
        } catch (RuntimeException | Error e) {
            feedFailure = e;
        }
    }

    /** The child does not read any more. */
    private static final class ChildGone extends IOException {
        private static final long serialVersionUID = 1L;

        ChildGone(IOException cause) {
            super(cause);
        }
    }

    /**
     * Sends a layer and hashes it on the way. If the child stops half-way, the rest is hashed all
     * the same: a wrong digest explains the child's trouble better than the child can.
     */
    private void feedLayer(ImageSource.Layer layer, DataOutputStream out) throws IOException {
        MessageDigest digest = Digest.newMessageDigest();
        ChildGone gone = null;
        long count = 0;
        byte[] chunk = new byte[CHUNK];
        try (InputStream in = source.open(layer)) {
            for (int got = in.readNBytes(chunk, 0, CHUNK);
                    got > 0;
                    got = in.readNBytes(chunk, 0, CHUNK)) {
                count += got;
                digest.update(chunk, 0, got);
                if (gone == null) {
                    gone = send(out, chunk, got);
                }
            }
        }
        verify(layer, count, Digest.ofRaw(digest.digest()));
        if (gone == null) {
            gone = endLayer(out);
        }
        if (gone != null) {
            throw gone;
        }
    }

    private static @Nullable ChildGone send(DataOutputStream out, byte[] chunk, int length) {
        try {
            UnpackRequest.writeChunk(out, chunk, length);
            return null;
        } catch (IOException e) {
            return new ChildGone(e);
        }
    }

    private static @Nullable ChildGone endLayer(DataOutputStream out) {
        try {
            out.writeInt(UnpackRequest.END_OF_LAYER);
            out.flush();
            return null;
        } catch (IOException e) {
            return new ChildGone(e);
        }
    }

    private static void verify(ImageSource.Layer layer, long count, Digest actual) {
        if (count != layer.size()) {
            throw Fault.invalidArgument(
                    "the layer %s has %d bytes; it should have %d",
                    layer.file(), count, layer.size());
        }
        Digest expected = layer.digest();
        if (expected == null && layer.compression() == Compression.NONE) {
            expected = layer.diffId();
        }
        if (expected != null && !actual.equals(expected)) {
            throw ImageSource.wrongDigest("layer", expected, actual);
        }
    }

    // The listening thread.

    private void listen(Fd pipe) {
        try (InputStream in = pipe.input()) {
            byte[] first = in.readNBytes(REPORT_BYTES);
            in.transferTo(java.io.OutputStream.nullOutputStream());
            report = new String(first, UTF_8);
        } catch (IOException e) {
            report = "";
        }
    }

    // The verdict.

    private void judge(Optional<ExitStatus> exit) {
        switch (feedFailure) {
            case null -> {}
            case RuntimeException e -> throw e;
            case Error e -> throw e;
            default -> throw Fault.internal("feeding the layers failed").causedBy(feedFailure);
        }
        if (exit.isEmpty()) {
            if (Thread.currentThread().isInterrupted()) {
                throw Fault.of(FaultCode.CANCELLED, "unpacking the image was interrupted");
            }
            throw Fault.deadlineExceeded("unpacking the image took too long");
        }
        Optional<String> said =
                report.lines().filter(line -> line.startsWith(LayerUnpacker.REPORT)).findFirst();
        if (said.isPresent() && said.get().startsWith(LayerUnpacker.REPORT_FAULT)) {
            throw faultOf(said.get().substring(LayerUnpacker.REPORT_FAULT.length()));
        }
        ExitStatus status = exit.get();
        if (status.signal() == SIGXCPU) {
            throw Fault.resourceExhausted(
                    "unpacking the image took more than %d seconds of processor time",
                    request.limits().processorSeconds());
        }
        if (said.isEmpty() || status.shellCode() != 0) {
            throw Fault.internal(
                    "the process that unpacks the image died (%s): %s", status, lastWords());
        }
    }

    private static Fault faultOf(String said) {
        int space = said.indexOf(' ');
        String[] parts = said.substring(space + 1).split("\t", 2);
        Fault fault =
                Fault.of(codeOf(said.substring(0, Math.max(space, 0))), "%s", clean(parts[0]));
        return parts.length > 1 ? fault.withHint("%s", clean(parts[1])) : fault;
    }

    private static FaultCode codeOf(String name) {
        for (FaultCode code : FaultCode.values()) {
            if (code.name().equals(name)) {
                return code;
            }
        }
        return FaultCode.UNKNOWN;
    }

    private String lastWords() {
        String words =
                report.lines()
                        .filter(line -> !line.startsWith(LayerUnpacker.REPORT))
                        .filter(line -> !line.isBlank())
                        .reduce((first, last) -> last)
                        .orElse("it said nothing");
        return clean(words);
    }

    private static String clean(String text) {
        String printable = text.replaceAll("\\p{Cntrl}", "?");
        return printable.length() <= LONGEST_MESSAGE
                ? printable
                : printable.substring(0, LONGEST_MESSAGE) + "…";
    }
}
