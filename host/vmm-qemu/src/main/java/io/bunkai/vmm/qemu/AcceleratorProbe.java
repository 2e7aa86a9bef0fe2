// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.vmm.qemu;

import io.bunkai.base.Deadline;
import io.bunkai.vmm.Accelerator;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Tells whether guests run under KVM on this machine. That {@code /dev/kvm} opens, and that a
 * virtual machine and a processor can be made, proves nothing: a probe guest has to run, see {@link
 * ProbeFirmware}.
 *
 * <p>The answer is kept in a file and holds for one boot of the machine, one kernel and one QEMU.
 * An answer that only says "not in time" is not kept. Usable from any thread; one probe at a time.
 */
public final class AcceleratorProbe {
    private static final System.Logger LOG = System.getLogger(AcceleratorProbe.class.getName());
    private static final Duration LONGEST = Duration.ofSeconds(3);
    private static final String WORKS = "works";
    private static final String FAILS = "fails ";
    private static final Path DEVICE = Path.of("/dev/kvm");

    private final Path file;
    private final Path device;
    private final ReentrantLock probing = new ReentrantLock();

    /**
     * Whether guests run under KVM.
     *
     * @param works whether they do
     * @param reason why, or why not: one clause, for people
     */
    public record Answer(boolean works, String reason) {
        /** {@return what a machine is to use when the configuration says "auto"} */
        public Accelerator accelerator() {
            return works ? Accelerator.KVM : Accelerator.TCG;
        }
    }

    /**
     * A probe that keeps its answer.
     *
     * @param file where; its directory is made if it is missing
     */
    public AcceleratorProbe(Path file) {
        this(file, DEVICE);
    }

    AcceleratorProbe(Path file, Path device) {
        this.file = file;
        this.device = device;
    }

    /**
     * {@return whether guests run under KVM} Takes at most three seconds, and next to nothing when
     * the answer is known.
     *
     * @param qemu the QEMU program, an absolute path
     */
    public Answer kvm(Path qemu, Deadline deadline) {
        if (!Files.exists(device)) {
            return new Answer(false, "there is no " + device);
        }
        if (!Files.isReadable(device) || !Files.isWritable(device)) {
            return new Answer(false, device + " is not open to this user");
        }
        probing.lock();
        try {
            String key = key(qemu);
            Optional<Answer> known = read(key);
            return known.isPresent() ? known.get() : probe(qemu, key, deadline);
        } catch (IOException e) {
            return new Answer(false, "the probe could not be made: " + e.getMessage());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return new Answer(false, "the probe was interrupted");
        } finally {
            probing.unlock();
        }
    }

    private Answer probe(Path qemu, String key, Deadline deadline)
            throws IOException, InterruptedException {
        return switch (ProbeGuest.run(qemu, Accelerator.KVM, deadline.atMost(LONGEST))) {
            case ProbeGuest.Outcome.Ran() -> keep(key, new Answer(true, "a probe guest ran"));
            case ProbeGuest.Outcome.Failed(String reason) -> keep(key, new Answer(false, reason));
            case ProbeGuest.Outcome.Late(String reason) -> new Answer(false, reason);
        };
    }

    /** What the answer depends on, on one line. */
    private static String key(Path qemu) throws IOException {
        return String.join(
                " ",
                Files.readString(Path.of("/proc/sys/kernel/random/boot_id")).strip(),
                Files.readString(Path.of("/proc/sys/kernel/osrelease")).strip(),
                Long.toString(Files.size(qemu)),
                Long.toString(Files.getLastModifiedTime(qemu).toMillis()),
                qemu.toRealPath().toString());
    }

    private Optional<Answer> read(String key) {
        try {
            List<String> lines = Files.readAllLines(file);
            if (lines.size() != 2 || !lines.getFirst().equals(key)) {
                return Optional.empty();
            }
            String answer = lines.getLast();
            if (answer.equals(WORKS)) {
                return Optional.of(new Answer(true, "a probe guest ran"));
            }
            return answer.startsWith(FAILS)
                    ? Optional.of(new Answer(false, answer.substring(FAILS.length())))
                    : Optional.empty();
        } catch (IOException e) {
            return Optional.empty(); // not asked yet, or the file is damaged: it is asked again
        }
    }

    /** Replaces the file at once, so that no reader ever sees half of it. */
    private Answer keep(String key, Answer answer) {
        String line = answer.works() ? WORKS : FAILS + answer.reason().replace('\n', ' ');
        try {
            Files.createDirectories(file.toAbsolutePath().getParent());
            Path fresh = Files.createTempFile(file.toAbsolutePath().getParent(), "probe", ".tmp");
            try {
                Files.writeString(fresh, key + "\n" + line + "\n");
                Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE);
            } finally {
                Files.deleteIfExists(fresh); // what a full disk has left of it
            }
        } catch (IOException e) {
            LOG.log(
                    System.Logger.Level.WARNING,
                    "The answer of the KVM probe was not kept. path=" + file,
                    e);
        }
        return answer;
    }
}
