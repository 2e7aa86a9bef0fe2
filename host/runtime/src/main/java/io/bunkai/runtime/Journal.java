// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

import io.bunkai.base.Fault;
import io.bunkai.base.FaultCode;
import io.bunkai.linux.Fd;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import tools.jackson.core.JacksonException;

/**
 * The daemon's memory of its containers: one file each, replaced as a whole, so that a reader sees
 * the state before a write or after it and never half of one. It outlives the daemon, not the
 * machine's boot. An interrupted thread writes all the same: the end of a start that is called off
 * has to be written, too.
 */
final class Journal {
    private static final System.Logger LOG = System.getLogger(Journal.class.getName());
    private static final String FILE = "journal.json";
    private static final String STAGED = "journal.json.new";
    private static final int OWNER_ONLY = 0600;

    private final Path directory;
    private final Runnable beforeWrite;

    /**
     * Uses the directory that holds one directory per container.
     *
     * @throws Fault INTERNAL if it cannot be made
     */
    Journal(Path directory) {
        this(directory, () -> {});
    }

    /** As the other one, and tells before each write, so that a test can fill the file system. */
    Journal(Path directory, Runnable beforeWrite) {
        this.directory = directory;
        this.beforeWrite = beforeWrite;
        try {
            Files.createDirectories(
                    directory,
                    PosixFilePermissions.asFileAttribute(
                            PosixFilePermissions.fromString("rwx------")));
        } catch (IOException e) {
            throw Fault.internal("the journal's directory %s cannot be made", directory)
                    .causedBy(e);
        }
    }

    /** {@return the directory of a container's machine: its sockets, and its record} */
    Path directoryOf(String id) {
        return directory.resolve(id);
    }

    /**
     * Writes a record, in place of the former one.
     *
     * @throws Fault RESOURCE_EXHAUSTED if the file system is full; the former record then still
     *     stands
     */
    void write(ContainerRecord record) {
        beforeWrite.run();
        Path home = directoryOf(record.id());
        Path staged = home.resolve(STAGED);
        try {
            Files.createDirectories(
                    home,
                    PosixFilePermissions.asFileAttribute(
                            PosixFilePermissions.fromString("rwx------")));
            writePrivately(staged, PlanJson.MAPPER.writeValueAsBytes(record));
            Files.move(staged, home.resolve(FILE), StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            deleteQuietly(staged);
            throw Fault.resourceExhausted("the journal of %s could not be written", record.id())
                    .causedBy(e)
                    .withHint("make room in %s", directory);
        }
    }

    /** Not through a channel: an interrupt would close it and look like a full file system. */
    private static void writePrivately(Path file, byte[] content) throws IOException {
        try (Fd fd = Fd.open(file, Fd.O_WRONLY | Fd.O_CREAT | Fd.O_TRUNC, OWNER_ONLY)) {
            fd.writeFully(content);
        }
    }

    /**
     * {@return all records; a directory without one belongs to a creation that was never reported,
     * and goes}
     */
    List<ContainerRecord> readAll() {
        List<ContainerRecord> records = new ArrayList<>();
        try (var homes = Files.newDirectoryStream(directory)) {
            for (Path home : homes) {
                if (Files.isDirectory(home)) {
                    read(home, records);
                } else {
                    LOG.log(
                            System.Logger.Level.WARNING,
                            "a file among the journals is ignored file={0}",
                            home);
                }
            }
        } catch (IOException e) {
            throw Fault.internal("the journal in %s cannot be read", directory).causedBy(e);
        }
        return records;
    }

    private void read(Path home, List<ContainerRecord> records) throws IOException {
        try {
            ContainerRecord record = FormerRecords.read(Files.readAllBytes(home.resolve(FILE)));
            if (record == null || !home.endsWith(record.id())) {
                throw notUnderstood(home, "it is not the record of this container");
            }
            if (record.version() != ContainerRecord.VERSION) {
                throw Fault.failedPrecondition(
                                "the journal in %s is of version %d, this daemon's is %d",
                                home, record.version(), ContainerRecord.VERSION)
                        .withHint("start the daemon that wrote it, and end its containers first");
            }
            records.add(record);
        } catch (NoSuchFileException e) {
            forget(home.getFileName().toString());
        } catch (JacksonException e) {
            // Where, and not what: the text that was not understood may be a secret.
            throw notUnderstood(
                    home,
                    e.getLocation() == null
                            ? "its content makes no sense"
                            : "line %d, column %d"
                                    .formatted(
                                            e.getLocation().getLineNr(),
                                            e.getLocation().getColumnNr()));
        }
    }

    private static Fault notUnderstood(Path home, String why) {
        return Fault.of(
                        FaultCode.DATA_LOSS,
                        "the journal in %s cannot be understood: %s",
                        home,
                        why)
                .withHint("look at the file, and remove the directory to give its container up");
    }

    /** Deletes what belongs to the machine and keeps the record. Idempotent. */
    void deleteMachineFiles(String id) {
        Path home = directoryOf(id);
        if (!Files.isDirectory(home)) {
            return;
        }
        try (var files = Files.newDirectoryStream(home)) {
            for (Path file : files) {
                if (!file.getFileName().toString().equals(FILE)) {
                    Files.deleteIfExists(file);
                }
            }
        } catch (IOException e) {
            throw Fault.internal("the files of %s cannot be removed", id).causedBy(e);
        }
    }

    /** Deletes everything about a container. Idempotent. */
    void forget(String id) {
        deleteMachineFiles(id);
        try {
            Files.deleteIfExists(directoryOf(id).resolve(FILE));
            Files.deleteIfExists(directoryOf(id));
        } catch (IOException e) {
            throw Fault.internal("the journal of %s cannot be removed", id).causedBy(e);
        }
    }

    private static void deleteQuietly(Path file) {
        try {
            Files.deleteIfExists(file);
        } catch (IOException e) {
            LOG.log(System.Logger.Level.WARNING, "a staged record was left behind file={0}", file);
        }
    }
}
