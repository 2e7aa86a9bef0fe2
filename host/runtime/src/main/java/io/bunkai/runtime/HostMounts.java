// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

import io.bunkai.base.ByteSize;
import io.bunkai.base.Fault;
import io.bunkai.oci.RuntimeSpec;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/**
 * The mounts of a container, with those of folders and files of the host exchanged for what the
 * guest has of them: an entry of the shared folder, or a copy.
 *
 * <p>What a machine's name service reads is copied, since nobody changes it and a file server has
 * its price; everything else is shared, so that each side sees what the other writes. Where nothing
 * can be shared, small files are copied, too.
 *
 * @param mounts in the words of the guest
 * @param files what the guest gets copies of
 * @param shares what it shares with the host
 */
record HostMounts(
        List<RuntimeSpec.Mount> mounts, List<Plan.GuestFile> files, List<Plan.Share> shares) {
    /** Where the guest has what is shared, as in Kata. */
    static final String SHARED = "/run/kata-containers/shared/containers";

    private static final Set<String> COPIED =
            Set.of("/etc/resolv.conf", "/etc/hosts", "/etc/hostname");

    private static final Set<String> FOLLOWING = Set.of("slave", "rslave", "shared", "rshared");
    private static final Set<String> READ_ONLY = Set.of("ro", "rro");

    /** A copy is one message to the agent. */
    private static final ByteSize LARGEST_COPY = ByteSize.ofMib(1);

    HostMounts {
        mounts = List.copyOf(mounts);
        files = List.copyOf(files);
        shares = List.copyOf(shares);
    }

    /**
     * Fits mounts to a guest.
     *
     * @param base what sources are relative to, if they are
     * @param home where the container's files are in the guest
     * @param canShare whether the guest can mount what is the host's
     * @throws Fault NOT_FOUND if a source does not exist, UNIMPLEMENTED if it is nothing that a
     *     guest can be given
     */
    static HostMounts of(List<RuntimeSpec.Mount> mounts, Path base, String home, boolean canShare) {
        List<RuntimeSpec.Mount> fitted = new ArrayList<>();
        List<Plan.GuestFile> files = new ArrayList<>();
        List<Plan.Share> shares = new ArrayList<>();
        for (RuntimeSpec.Mount mount : mounts) {
            if (!isBind(mount)) {
                fitted.add(mount);
                continue;
            }
            Path source = existing(mount, base);
            boolean isSmallFile =
                    Files.isRegularFile(source) && source.toFile().length() <= LARGEST_COPY.bytes();
            if (isSmallFile && (!canShare || COPIED.contains(mount.destination()))) {
                String copy = home + "/files/" + files.size();
                files.add(new Plan.GuestFile(source, copy));
                fitted.add(from(mount, copy));
            } else {
                refuseUnshareable(mount, source, canShare);
                fitted.add(from(mount, SHARED + "/" + share(mount, source, shares).name()));
            }
        }
        return new HostMounts(fitted, files, shares);
    }

    /** {@return whether something of the host is mounted} */
    static boolean isBind(RuntimeSpec.Mount mount) {
        return mount.type().equals("bind")
                || mount.options().contains("bind")
                || mount.options().contains("rbind");
    }

    /** {@return whether it cannot be written to} */
    static boolean isReadOnly(RuntimeSpec.Mount mount) {
        return mount.options().stream().anyMatch(READ_ONLY::contains);
    }

    private static Path existing(RuntimeSpec.Mount mount, Path base) {
        Path source = base.resolve(mount.source());
        try {
            return source.toRealPath();
        } catch (IOException e) {
            throw Fault.notFound(
                            "%s, which is to be mounted at %s, does not exist",
                            source, GuestText.printable(mount.destination()))
                    .causedBy(e)
                    .withHint("make it, or remove the mount");
        }
    }

    private static void refuseUnshareable(RuntimeSpec.Mount mount, Path source, boolean canShare) {
        String destination = GuestText.printable(mount.destination());
        if (!Files.isDirectory(source) && !Files.isRegularFile(source)) {
            throw Fault.unimplemented(
                            "%s cannot be mounted at %s: it is neither a folder nor a file, and"
                                    + " only the host's kernel can speak to it",
                            source, destination)
                    .withHint("remove the mount");
        }
        if (!canShare) {
            throw Fault.failedPrecondition(
                            "%s cannot be mounted at %s: only files of up to %s are copied to a"
                                    + " guest that shares nothing with the host",
                            source, destination, LARGEST_COPY)
                    .withHint("set shared_fs = \"virtio-fs\" in configuration.toml");
        }
    }

    private static Plan.Share share(RuntimeSpec.Mount mount, Path source, List<Plan.Share> shares) {
        boolean readOnly = isReadOnly(mount);
        boolean follows = !readOnly || mount.options().stream().anyMatch(FOLLOWING::contains);
        for (Plan.Share known : shares) {
            if (known.source().equals(source)
                    && known.readOnly() == readOnly
                    && known.follows() == follows) {
                return known;
            }
        }
        Plan.Share share =
                new Plan.Share(source, Integer.toString(shares.size()), readOnly, follows);
        shares.add(share);
        return share;
    }

    private static RuntimeSpec.Mount from(RuntimeSpec.Mount mount, String source) {
        return new RuntimeSpec.Mount(
                mount.destination(),
                mount.type(),
                source,
                mount.options(),
                mount.uidMappings(),
                mount.gidMappings());
    }
}
