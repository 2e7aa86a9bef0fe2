// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

import io.bunkai.base.Closer;
import io.bunkai.base.Fault;
import io.bunkai.linux.ErrnoException;
import io.bunkai.linux.Fd;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;

/**
 * Where templates lie: a folder each, {@code memory}, {@code devices} and {@code manifest.json},
 * which appears when it is complete. A folder whose name begins with a dot is one in the making.
 */
final class TemplateStore {
    private static final System.Logger LOG = System.getLogger(TemplateStore.class.getName());
    private static final String MAKING = ".";
    private static final String EMPTY = ".empty";
    private static final String MEMORY = "memory";
    private static final String DEVICES = "devices";
    private static final String MANIFEST = "manifest.json";

    private final Path directory;

    private TemplateStore(Path directory) {
        this.directory = directory;
    }

    /**
     * What is known of a template.
     *
     * @param bytes of its memory that are not zero
     * @param checksum of them
     * @param devicesChecksum of its devices
     */
    record Manifest(
            String key,
            List<String> inputs,
            long createdAtMillis,
            long bytes,
            long checksum,
            long devicesChecksum) {
        Manifest {
            inputs = List.copyOf(inputs);
        }

        TemplateView view() {
            return new TemplateView(
                    key, inputs, createdAtMillis, bytes, !TemplateShape.isCurrent(inputs));
        }
    }

    /** A template that clones can be made of, also when another one has taken its place. */
    static final class Template implements AutoCloseable {
        private final Manifest manifest;
        private final Frozen frozen;
        private final AtomicInteger clones = new AtomicInteger();

        private Template(Manifest manifest, Frozen frozen) {
            this.manifest = manifest;
            this.frozen = frozen;
        }

        /** {@return what a clone is made of, the caller's to close} */
        Frozen lend() throws ErrnoException {
            return frozen.duplicate();
        }

        TemplateView view() {
            return manifest.view();
        }

        int countClone() {
            return clones.incrementAndGet();
        }

        boolean isOlderThan(Duration age) {
            return System.currentTimeMillis() - manifest.createdAtMillis() > age.toMillis();
        }

        /** Clones that run, and starts under way, have descriptors of their own. */
        @Override
        public void close() {
            frozen.close();
        }
    }

    /**
     * A frozen machine.
     *
     * @param memory sealed
     * @param devices to be read from the beginning
     */
    record Frozen(Fd memory, Fd devices) implements AutoCloseable {
        Frozen duplicate() throws ErrnoException {
            try (Closer undo = new Closer()) {
                Fd ownMemory = undo.own(memory.duplicate());
                Fd ownDevices = undo.own(devices.duplicate());
                undo.release();
                return new Frozen(ownMemory, ownDevices);
            }
        }

        @Override
        public void close() {
            memory.close();
            devices.close();
        }
    }

    /**
     * Uses a folder, which is made if it is not there; what was half made in it goes.
     *
     * @throws Fault INTERNAL if it cannot be used
     */
    static TemplateStore open(Path directory) {
        TemplateStore store = new TemplateStore(directory);
        try {
            Files.createDirectories(directory);
            Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwx------"));
            try (DirectoryStream<Path> half = Files.newDirectoryStream(directory, MAKING + "*")) {
                for (Path folder : half) {
                    delete(folder);
                }
            }
            try (RandomAccessFile empty = new RandomAccessFile(store.empty().toFile(), "rw")) {
                empty.setLength(TemplateShape.DISK.bytes());
            }
            return store;
        } catch (IOException e) {
            throw Fault.internal("templates cannot be kept in %s", directory).causedBy(e);
        }
    }

    /** {@return a disk that holds nothing, as large as all of them look} */
    Path empty() {
        return directory.resolve(EMPTY);
    }

    /** {@return a new folder to make a template in} */
    Path begin(TemplateShape shape) throws IOException {
        Path folder = directory.resolve(MAKING + shape.key());
        delete(folder);
        return Files.createDirectory(
                folder,
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
    }

    /** Deletes such a folder, if it did not become a template. */
    static void discard(Path folder) throws IOException {
        delete(folder);
    }

    /** {@return where the devices go in such a folder} */
    static Path devicesIn(Path folder) {
        return folder.resolve(DEVICES);
    }

    /**
     * Completes a template whose devices are in its folder. In the end it is there under its key,
     * in the place of a former one.
     *
     * @param memory sealed; stays the caller's, the template has another descriptor
     */
    Template complete(TemplateShape shape, Path folder, Fd memory) throws IOException {
        FrozenMemory.Content content = FrozenMemory.save(memory, folder.resolve(MEMORY));
        Manifest manifest =
                new Manifest(
                        shape.key(),
                        shape.inputs(),
                        System.currentTimeMillis(),
                        content.bytes(),
                        content.checksum(),
                        checksum(folder.resolve(DEVICES)));
        Files.write(folder.resolve(MANIFEST), PlanJson.MAPPER.writeValueAsBytes(manifest));
        delete(shape.key());
        Path place = directory.resolve(shape.key());
        Files.move(folder, place, StandardCopyOption.ATOMIC_MOVE);
        return new Template(manifest, frozen(memory.duplicate(), place));
    }

    /** Takes over the memory. */
    private static Frozen frozen(Fd memory, Path folder) throws ErrnoException {
        try (Closer undo = new Closer()) {
            undo.own(memory);
            Fd devices = Fd.open(folder.resolve(DEVICES), Fd.O_RDONLY);
            undo.release();
            return new Frozen(memory, devices);
        }
    }

    /** {@return the template of this shape; null if there is none that is whole} */
    @Nullable Template load(TemplateShape shape, long memoryBytes) {
        Path folder = directory.resolve(shape.key());
        if (!Files.exists(folder)) {
            return null;
        }
        try {
            Manifest manifest = manifest(folder);
            if (!shape.key().equals(manifest.key())
                    || !manifest.inputs().equals(shape.inputs())
                    || manifest.devicesChecksum() != checksum(folder.resolve(DEVICES))) {
                throw new IOException("its parts do not belong together");
            }
            Fd memory = FrozenMemory.load(folder.resolve(MEMORY), memoryBytes, manifest.checksum());
            return new Template(manifest, frozen(memory, folder));
        } catch (IOException | JacksonException e) {
            LOG.log(
                    System.Logger.Level.WARNING,
                    "a template is damaged and is made anew template={0} reason={1}",
                    shape.key(),
                    e.getMessage());
            delete(shape.key());
            return null;
        }
    }

    private static Manifest manifest(Path folder) throws IOException {
        return PlanJson.MAPPER.readValue(
                Files.readAllBytes(folder.resolve(MANIFEST)), Manifest.class);
    }

    private static long checksum(Path file) throws IOException {
        var checksum = new java.util.zip.CRC32C();
        checksum.update(Files.readAllBytes(file));
        return checksum.getValue();
    }

    /** {@return what there is, in no order} */
    List<TemplateView> all() {
        List<TemplateView> found = new ArrayList<>();
        try (DirectoryStream<Path> folders = Files.newDirectoryStream(directory, "[0-9a-f]*")) {
            for (Path folder : folders) {
                try {
                    found.add(manifest(folder).view());
                } catch (IOException | JacksonException e) {
                    LOG.log(System.Logger.Level.DEBUG, "no template: " + folder, e);
                }
            }
        } catch (IOException e) {
            throw Fault.internal("the templates in %s cannot be listed", directory).causedBy(e);
        }
        return found;
    }

    /** Deletes all but the youngest templates. {@return the keys of those that were deleted} */
    List<String> deleteAllBut(int most) {
        List<String> surplus =
                all().stream()
                        .sorted(Comparator.comparingLong(TemplateView::createdAtMillis).reversed())
                        .skip(most)
                        .map(TemplateView::key)
                        .toList();
        surplus.forEach(this::delete);
        return surplus;
    }

    /** Deletes a template. Nothing if there is none. */
    void delete(String key) {
        try {
            delete(directory.resolve(key));
        } catch (IOException e) {
            LOG.log(System.Logger.Level.WARNING, "a template stays behind template=" + key, e);
        }
    }

    private static void delete(Path place) throws IOException {
        if (Files.isDirectory(place)) {
            try (DirectoryStream<Path> files = Files.newDirectoryStream(place)) {
                for (Path file : files) {
                    Files.deleteIfExists(file);
                }
            } catch (NoSuchFileException e) {
                return;
            }
        }
        Files.deleteIfExists(place);
    }
}
