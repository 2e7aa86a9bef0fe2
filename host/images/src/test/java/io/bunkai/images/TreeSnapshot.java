// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.images;

import static java.util.stream.Collectors.joining;

import io.bunkai.oci.Digest;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * Every file of a tree with all that can be known of it, in a form that can be compared: GNU tar
 * archives the tree, sorted, so that of a group of hard links all but the first name say so.
 */
final class TreeSnapshot {
    private TreeSnapshot() {}

    private static final List<String> TAR =
            List.of(
                    "tar",
                    "--create",
                    "--file=-",
                    "--sort=name",
                    "--numeric-owner",
                    "--xattrs",
                    "--xattrs-include=*",
                    "--format=posix",
                    "--pax-option=delete=atime,delete=ctime",
                    "--directory");

    static SortedMap<String, String> of(Path tree) {
        List<Object> command = new ArrayList<>(TAR);
        command.addAll(List.of(tree, "."));
        return read(Command.output(command.toArray()));
    }

    /** What the kernel shows of an overlay of these directories, lowest first. */
    static SortedMap<String, String> ofOverlay(List<Path> directories, Path mountPoint) {
        String lower = directories.reversed().stream().map(Path::toString).collect(joining(":"));
        String script =
                "mount -t overlay -o \"ro,lowerdir=$1\" overlay \"$2\"; shift 2; exec \"$@\"";
        List<Object> command =
                new ArrayList<>(List.of("unshare", "-m", "sh", "-ec", script, "sh", lower));
        command.add(mountPoint);
        command.addAll(TAR);
        command.addAll(List.of(mountPoint, "."));
        return read(Command.output(command.toArray()));
    }

    private static SortedMap<String, String> read(byte[] archive) {
        SortedMap<String, String> files = new TreeMap<>();
        try {
            TarReader tar = new TarReader(new ByteArrayInputStream(archive));
            for (TarEntry entry = tar.next(); entry != null; entry = tar.next()) {
                files.put(entry.name(), describe(entry, tar));
            }
        } catch (IOException e) {
            throw new AssertionError(e);
        }
        return files;
    }

    private static String shown(byte[] value) {
        return value.length <= 32
                ? HexFormat.of().formatHex(value)
                : value.length + " bytes " + Digest.of(value).abbreviated();
    }

    private static String describe(TarEntry entry, TarReader tar) throws IOException {
        ByteArrayOutputStream content = new ByteArrayOutputStream();
        byte[] buffer = new byte[8192];
        for (int got = tar.read(buffer, 0, buffer.length);
                got > 0;
                got = tar.read(buffer, 0, buffer.length)) {
            content.write(buffer, 0, got);
        }
        SortedMap<String, String> xattrs = new TreeMap<>();
        entry.xattrs().forEach((name, value) -> xattrs.put(name, shown(value)));
        return "%s %o %d:%d %d,%d -> '%s' %d bytes %s, %d.%09d %s"
                .formatted(
                        entry.type(),
                        entry.mode(),
                        entry.uid(),
                        entry.gid(),
                        entry.major(),
                        entry.minor(),
                        entry.linkName(),
                        entry.size(),
                        Digest.of(content.toByteArray()).abbreviated(),
                        entry.mtimeSeconds(),
                        entry.mtimeNanos(),
                        xattrs);
    }
}
