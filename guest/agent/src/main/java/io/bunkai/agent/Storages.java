// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.agent;

import io.bunkai.api.agent.Storage;
import io.bunkai.base.Deadline;
import io.bunkai.base.Fault;
import io.bunkai.linux.Errno;
import io.bunkai.linux.ErrnoException;
import io.bunkai.linux.Machine;
import io.bunkai.linux.Mounts;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Mounts what requests name, beneath one directory.
 *
 * <p>The same mount point may be asked for several times, by containers that share it; it is
 * unmounted with the last of them. Thread-safe: the count is guarded by the monitor, and mounts are
 * made one at a time.
 */
final class Storages {
    /** The drivers there are, as GetGuestDetails tells them. */
    static final List<String> DRIVERS =
            List.of("blk", "bind", "ephemeral", "local", "overlayfs", "virtio-fs");

    private static final String OVERLAY_RW = "io.katacontainers.fs-opt.overlay-rw";
    private static final String FSGID = "fsgid=";
    private static final String MODE = "mode=";
    private static final int PERMISSIONS = 07777;
    private static final int SET_GROUP = 02070;
    private static final long FIRST_NAP_MILLIS = 2;
    private static final long LONGEST_NAP_MILLIS = 50;

    private final GuestLayout layout;
    private final Mounter mounter;
    private final Map<Path, Integer> users = new HashMap<>();

    Storages(GuestLayout layout, Mounter mounter) {
        this.layout = layout;
        this.mounter = mounter;
    }

    /**
     * Mounts one.
     *
     * @return where, to be given to {@link #detach}
     * @throws Fault INVALID_ARGUMENT if it makes no sense, UNIMPLEMENTED if there is no such
     *     driver, DEADLINE_EXCEEDED if its device does not appear in time
     */
    Path attach(Storage storage, String owner) throws IOException, InterruptedException {
        long begin = Machine.bootMicros();
        Path target = Beneath.strictly(layout.containers(), storage.getMountPoint());
        String source =
                storage.getDriver().equals("blk")
                        ? awaitBlockDevice(storage.getSource())
                        : storage.getSource();
        Patience patience = new Patience();
        while (!isAttached(storage, source, target, owner)) {
            patience.nap("no file system '" + Log.printable(source) + "'");
        }
        Log.step("storage." + storage.getDriver(), owner, begin);
        Log.info(
                "storage driver="
                        + storage.getDriver()
                        + " source="
                        + storage.getSource()
                        + " fstype="
                        + storage.getFstype()
                        + " options="
                        + String.join(",", storage.getOptionsList())
                        + " mount_point="
                        + storage.getMountPoint());
        return target;
    }

    private synchronized boolean isAttached(
            Storage storage, String source, Path target, String owner) throws IOException {
        int before = users.getOrDefault(target, 0);
        if (before == 0 && !isMounted(storage, source, target, owner)) {
            return false;
        }
        users.put(target, before + 1);
        return true;
    }

    /** {@return false if the device of a file system is not there yet} */
    private boolean isMounted(Storage storage, String source, Path target, String owner)
            throws IOException {
        switch (storage.getDriver()) {
            case "blk" -> {
                MountOptions options = MountOptions.parse(storage.getOptionsList());
                Files.createDirectories(target);
                mount(source, target, storage.getFstype(), options);
            }
            case "virtio-fs" -> {
                Files.createDirectories(target);
                if (!isShared(source, target, MountOptions.parse(storage.getOptionsList()))) {
                    return false;
                }
                hold(target);
            }
            case "ephemeral" -> ephemeral(storage, target);
            case "overlayfs" -> overlay(storage, target, owner);
            case "bind" -> bind(storage, target);
            case "local" -> local(storage, target);
            default ->
                    throw Fault.unimplemented(
                            "no storage driver '%s'", Log.printable(storage.getDriver()));
        }
        return true;
    }

    /**
     * Mounts the file systems beneath a shared one for the agent, too, by opening their roots. If
     * only a container had them they would be shut down at its end, and kernels (6.1 at least) do
     * not survive that when a file was closed while it was being read ahead: its release is still
     * on the way.
     */
    private static void hold(Path shared) throws IOException {
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(shared)) {
            for (Path entry : entries) {
                if (Files.isDirectory(entry)) {
                    try (DirectoryStream<Path> _ = Files.newDirectoryStream(entry)) {
                        Log.debug("holds " + entry);
                    }
                }
            }
        }
    }

    /** The kernel takes the tag of a device that it has not found yet for an invalid one. */
    private boolean isShared(String tag, Path target, MountOptions options) {
        try {
            mounter.mount(tag, target, "virtiofs", options.flags(), options.data());
            return true;
        } catch (ErrnoException e) {
            if (e.errno() == Errno.EINVAL) {
                return false;
            }
            throw notMounted(tag, target, "virtiofs", e);
        }
    }

    private void mount(String source, Path target, String type, MountOptions options) {
        try {
            mounter.mount(
                    source.isEmpty() ? "none" : source,
                    target,
                    type,
                    options.flags(),
                    options.data());
        } catch (ErrnoException e) {
            throw notMounted(source, target, type, e);
        }
    }

    private static Fault notMounted(String source, Path target, String type, ErrnoException e) {
        return Fault.failedPrecondition(
                        "'%s' was not mounted on %s as %s",
                        Log.printable(source), target, Log.printable(type))
                .causedBy(e);
    }

    /** Memory: tmpfs, or huge pages. */
    private void ephemeral(Storage storage, Path target) throws IOException {
        Files.createDirectories(target);
        String type = storage.getFstype().isEmpty() ? "tmpfs" : storage.getFstype();
        List<String> options = new ArrayList<>();
        for (String option : storage.getOptionsList()) {
            if (!option.startsWith(FSGID)) {
                options.add(option);
            }
        }
        mount(storage.getSource(), target, type, MountOptions.parse(options));
        giveToGroup(storage, target);
    }

    /** A directory of the guest's own. */
    private static void local(Storage storage, Path target) throws IOException {
        Files.createDirectories(target);
        for (String option : storage.getOptionsList()) {
            if (option.startsWith(MODE)) {
                try {
                    int mode = Integer.parseInt(option.substring(MODE.length()), 8);
                    Files.setAttribute(target, "unix:mode", mode & PERMISSIONS);
                } catch (NumberFormatException e) {
                    throw Fault.invalidArgument("'%s' is no mode", Log.printable(option))
                            .causedBy(e);
                }
            }
        }
        giveToGroup(storage, target);
    }

    /** Files made in it belong to the group that the pod asked for. */
    private static void giveToGroup(Storage storage, Path target) throws IOException {
        int group = storage.getFsGroup().getGroupId();
        for (String option : storage.getOptionsList()) {
            if (option.startsWith(FSGID)) {
                group = Integer.parseUnsignedInt(option.substring(FSGID.length()));
            }
        }
        if (group != 0) {
            int mode = (int) Files.getAttribute(target, "unix:mode", LinkOption.NOFOLLOW_LINKS);
            Files.setAttribute(target, "unix:gid", group, LinkOption.NOFOLLOW_LINKS);
            Files.setAttribute(target, "unix:mode", (mode | SET_GROUP) & PERMISSIONS);
        }
    }

    private void bind(Storage storage, Path target) throws IOException {
        Path source = Path.of(storage.getSource());
        if (Files.isDirectory(source)) {
            Files.createDirectories(target);
        } else {
            Files.createDirectories(target.resolveSibling("."));
            if (!Files.exists(target)) {
                Files.createFile(target);
            }
        }
        MountOptions options = MountOptions.parse(storage.getOptionsList());
        long propagation =
                options.flags()
                        & (Mounts.MS_PRIVATE
                                | Mounts.MS_SLAVE
                                | Mounts.MS_SHARED
                                | Mounts.MS_UNBINDABLE);
        long recursive = options.flags() & Mounts.MS_REC;
        long rest = options.flags() & ~propagation & ~Mounts.MS_REC & ~Mounts.MS_BIND;
        mount(source.toString(), target, "bind", new MountOptions(Mounts.MS_BIND | recursive, ""));
        if (rest != 0) { // the kernel ignores other flags when it binds
            long again = Mounts.MS_BIND | Mounts.MS_REMOUNT | rest;
            mount("", target, "bind", new MountOptions(again, ""));
        }
        if (propagation != 0) {
            mount("", target, "bind", new MountOptions(propagation | recursive, ""));
        }
    }

    /**
     * Layers under a writable one. Its directories are made here, the upper one with the owner and
     * mode of the top layer's root, since it is the upper directory that becomes the container's
     * "/".
     */
    private void overlay(Storage storage, Path target, String owner) throws IOException {
        List<String> options = new ArrayList<>();
        String lower = "";
        for (String option : storage.getOptionsList()) {
            if (option.startsWith("lowerdir=")) {
                lower = option.substring("lowerdir=".length());
            }
            if (option.equals(OVERLAY_RW)) {
                Path own = layout.containers().resolve(owner);
                options.add("upperdir=" + own.resolve("upper"));
                options.add("workdir=" + own.resolve("work"));
            } else {
                options.add(option);
            }
        }
        for (String option : options) {
            if (option.startsWith("upperdir=")) {
                Path upper = makeDirectory(option.substring("upperdir=".length()));
                copyOwnerAndMode(lower, upper);
            } else if (option.startsWith("workdir=")) {
                makeDirectory(option.substring("workdir=".length()));
            }
        }
        Files.createDirectories(target);
        mount("overlay", target, "overlay", MountOptions.parse(options));
    }

    private Path makeDirectory(String text) throws IOException {
        return Files.createDirectories(Beneath.strictly(layout.containers(), text));
    }

    private static void copyOwnerAndMode(String lower, Path upper) throws IOException {
        int colon = lower.indexOf(':');
        Path top = Path.of(colon < 0 ? lower : lower.substring(0, colon));
        Map<String, Object> attributes = Files.readAttributes(top, "unix:mode,uid,gid");
        Files.setAttribute(upper, "unix:uid", attributes.get("uid"));
        Files.setAttribute(upper, "unix:gid", attributes.get("gid"));
        if (attributes.get("mode") instanceof Integer mode) {
            Files.setAttribute(upper, "unix:mode", mode & PERMISSIONS);
        }
    }

    /**
     * {@return the node of a disk} The kernel finds plugged devices in its own time, and has no
     * file to wait on.
     *
     * @param source its PCI path, or its node
     * @throws Fault INVALID_ARGUMENT if it is neither, DEADLINE_EXCEEDED if it does not appear in
     *     time
     */
    String awaitBlockDevice(String source) throws InterruptedException {
        boolean isNode = source.startsWith("/");
        PciPath path = isNode ? null : PciPath.parse(source);
        Patience patience = new Patience();
        while (true) {
            Optional<Path> node =
                    path == null
                            ? Optional.of(Beneath.strictly(layout.dev(), source))
                            : path.blockDevice(layout.sys()).map(layout.dev()::resolve);
            if (node.isPresent() && Files.exists(node.get())) {
                return node.get().toString();
            }
            patience.nap("no block device at '" + Log.printable(source) + "'");
        }
    }

    /** For devices that are plugged: with each nap it waits longer, up to a deadline. */
    private final class Patience {
        private final Deadline deadline = Deadline.after(layout.hotplugTimeout());
        private long nap = FIRST_NAP_MILLIS;

        void nap(String complaint) throws InterruptedException {
            if (deadline.hasPassed()) {
                throw Fault.deadlineExceeded(
                        "%s within %d ms", complaint, layout.hotplugTimeout().toMillis());
            }
            Thread.sleep(nap);
            nap = Math.min(nap * 2, LONGEST_NAP_MILLIS);
        }
    }

    /** Lets go of a mount point; the last to do so unmounts it. Never fails. */
    void detach(Path target) {
        synchronized (this) {
            int left = users.getOrDefault(target, 1) - 1;
            if (left > 0) {
                users.put(target, left);
                return;
            }
            users.remove(target);
            unmount(target);
        }
    }

    /**
     * Only an empty directory is removed afterwards: if something is still mounted there, its files
     * are not the agent's to delete.
     */
    private void unmount(Path target) {
        try {
            mounter.unmount(target, Mounts.UMOUNT_NOFOLLOW);
        } catch (ErrnoException e) {
            if (e.errno() == Errno.EBUSY) {
                detachLazily(target);
            } else if (e.errno() != Errno.EINVAL && e.errno() != Errno.ENOENT) {
                Log.warning(String.valueOf(e.getMessage()));
            } // else nothing is mounted there, as with a local directory
        }
        try {
            Files.deleteIfExists(target);
        } catch (IOException e) {
            Log.debug("left behind: " + target);
        }
    }

    private void detachLazily(Path target) {
        try {
            mounter.unmount(target, Mounts.UMOUNT_NOFOLLOW | Mounts.MNT_DETACH);
            Log.warning("was in use and is unmounted when it no longer is: " + target);
        } catch (ErrnoException e) {
            Log.warning(String.valueOf(e.getMessage()));
        }
    }
}
