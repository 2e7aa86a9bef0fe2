// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.images;

import io.bunkai.base.Fault;
import io.bunkai.base.FaultCode;
import io.bunkai.images.Inode.Directory;
import io.bunkai.images.Inode.Metadata;
import io.bunkai.linux.Directories;
import io.bunkai.linux.Errno;
import io.bunkai.linux.ErrnoException;
import io.bunkai.linux.Fd;
import io.bunkai.linux.FileStatus;
import io.bunkai.linux.FileType;
import io.bunkai.linux.Xattrs;
import java.io.IOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * Lays the directories of an overlay over each other and writes the result as one file system, or
 * writes a single one of them as it is.
 *
 * <p>In such a directory a character device 0/0 hides the name that it has in lower layers, and a
 * directory with {@code trusted.overlay.opaque=y} hides all that it has there. Of several
 * directories the lowest is the bottom of every overlay, so these markers are obeyed and left out.
 * A single one may stand above others, so its markers are kept. Where a file is a reference into
 * another layer ({@code redirect}, {@code metacopy}), it is refused: the other layer may be on
 * another disk under other names.
 *
 * <p>No name is looked up twice and no link is followed: a directory and a regular file are opened,
 * and what is open is then asked what it is.
 *
 * <p>Used by one thread, which is the only one in its process that cares for the working directory:
 * to ask for the attributes of a link or a device the process must work in its directory.
 *
 * @spec https://docs.kernel.org/filesystems/overlayfs.html overlayfs
 */
final class DirectoryStack {
    private static final int OPEN_DIRECTORY = Fd.O_RDONLY | Fd.O_DIRECTORY | Fd.O_NOFOLLOW;
    private static final int OPEN_FILE =
            Fd.O_RDONLY | Fd.O_NOFOLLOW | Fd.O_NONBLOCK | Fd.O_NOCTTY; // in case it is no file
    private static final int ALL_PERMISSIONS = 0777;

    private static final String OVERLAY = "trusted.overlay.";
    private static final String OPAQUE = OVERLAY + "opaque";
    private static final byte[] MARK = {'y'};

    /** Of what only the other layer can complete, and of whiteouts in a form that nobody writes. */
    private static final List<String> REFERENCES =
            List.of(OVERLAY + "redirect", OVERLAY + "metacopy", OVERLAY + "whiteout");

    private final UnpackLimits limits;
    private final boolean merges;
    private final Budget budget;
    private final FileTree tree;
    private final ErofsWriter writer;

    /** Files of the directory tree at hand that have more than one name. */
    private final Map<Identity, Inode> linked = new HashMap<>();

    /** Names of the directories on the way to where we are. */
    private final List<String> way = new ArrayList<>();

    /** No other file has the same. */
    private record Identity(int deviceMajor, int deviceMinor, long inode) {}

    /**
     * @param merges whether there will be several directories, which become one tree
     */
    DirectoryStack(UnpackLimits limits, boolean merges, BlockOutput out) {
        this.limits = limits;
        this.merges = merges;
        this.budget = new Budget(limits);
        this.tree = new FileTree(limits.entries(), limits.depth());
        this.writer = new ErofsWriter(out);
    }

    /**
     * Adds the next directory, lowest first.
     *
     * @throws Fault RESOURCE_EXHAUSTED if it goes beyond a limit, UNIMPLEMENTED if it refers to
     *     another layer, ABORTED if it changes meanwhile, UNAVAILABLE if it cannot be read
     */
    void add(Fd directory) throws IOException {
        budget.takeLayer();
        tree.beginLayer();
        linked.clear();
        try {
            SortedMap<String, byte[]> xattrs = Xattrs.of(directory);
            tree.root().metadata = metadata("", FileStatus.of(directory), xattrs);
            // That a root is opaque does not mean anything to an overlay either.
            addAll(directory, tree.root());
        } catch (ErrnoException e) {
            throw unreadable("", e);
        }
    }

    /**
     * Writes the file system. To be called after the last directory.
     *
     * @return its length in bytes
     */
    long finish(String uuid) throws IOException {
        return writer.finish(tree.root(), HexFormat.of().parseHex(uuid));
    }

    /** What is in a directory: first its files, then its directories with what is in them. */
    private void addAll(Fd directory, Directory place) throws IOException {
        SortedMap<String, FileType> entries = entriesOf(directory);
        for (Map.Entry<String, FileType> entry : entries.entrySet()) {
            if (entry.getValue() != FileType.DIRECTORY) {
                addOther(directory, place, entry.getKey(), entry.getValue());
            }
        }
        for (Map.Entry<String, FileType> entry : entries.entrySet()) {
            if (entry.getValue() == FileType.DIRECTORY) {
                addDirectory(directory, place, entry.getKey());
            }
        }
    }

    /** Sorted, so that the same files give the same disk wherever they stand. */
    private SortedMap<String, FileType> entriesOf(Fd directory) {
        SortedMap<String, FileType> entries = new TreeMap<>();
        try {
            Directories.list(
                    directory,
                    (name, type) -> {
                        budget.takeEntry();
                        entries.put(Bytes.of(name), type);
                    });
            boolean special = false;
            for (Map.Entry<String, FileType> entry : entries.entrySet()) {
                if (entry.getValue() == FileType.UNKNOWN) {
                    entry.setValue(FileStatus.of(directory, Bytes.raw(entry.getKey())).type());
                }
                special |= !isOpened(entry.getValue());
            }
            if (special) {
                directory.enter(); // its files come before what is in its directories
            }
            return entries;
        } catch (ErrnoException e) {
            throw unreadable("", e);
        }
    }

    private static boolean isOpened(FileType type) {
        return type == FileType.REGULAR_FILE || type == FileType.DIRECTORY;
    }

    private void addDirectory(Fd parent, Directory parentPlace, String name) throws IOException {
        if (way.size() + 1 >= limits.depth()) {
            throw Fault.resourceExhausted(
                    "%s is nested more than %d directories deep", shown(name), limits.depth());
        }
        try (Fd directory = Fd.openAt(parent, Bytes.raw(name), OPEN_DIRECTORY)) {
            Directory place = putDirectory(directory, parentPlace, name);
            way.add(name);
            addAll(directory, place);
            way.removeLast();
        } catch (ErrnoException e) {
            throw unreadable(name, e);
        }
    }

    private Directory putDirectory(Fd directory, Directory parentPlace, String name)
            throws ErrnoException {
        SortedMap<String, byte[]> xattrs = Xattrs.of(directory);
        Metadata metadata = metadata(name, FileStatus.of(directory), xattrs);
        if (isOpaque(xattrs) && !merges) {
            metadata.xattrs().put(OPAQUE, MARK);
        }
        Directory place = tree.putDirectory(parentPlace, name, metadata);
        if (isOpaque(xattrs) && merges) {
            tree.removeLower(place);
        }
        return place;
    }

    private static boolean isOpaque(SortedMap<String, byte[]> xattrs) {
        return Arrays.equals(xattrs.get(OPAQUE), MARK);
    }

    private void addOther(Fd directory, Directory place, String name, FileType type)
            throws IOException {
        try {
            if (type == FileType.REGULAR_FILE) {
                addFile(directory, place, name);
            } else {
                addSpecial(directory, place, name);
            }
        } catch (ErrnoException e) {
            throw unreadable(name, e);
        }
    }

    private void addFile(Fd directory, Directory place, String name) throws IOException {
        try (Fd file = Fd.openAt(directory, Bytes.raw(name), OPEN_FILE)) {
            FileStatus status = FileStatus.of(file);
            if (status.type() != FileType.REGULAR_FILE) {
                throw changed(name);
            }
            if (!addLinked(place, name, status)) {
                budget.takeBytes(status.size());
                Metadata metadata = metadata(name, status, Xattrs.of(file));
                ErofsWriter.Content content = new FileContent(file, status, name);
                Inode.FileData data = writer.spool(content, status.size(), metadata);
                put(place, name, new Inode.RegularFile(metadata, data), status);
            }
        }
    }

    /** A file's bytes. Its holes are not read: that would cost the time and memory of data. */
    private final class FileContent implements ErofsWriter.Content {
        private final Fd file;
        private final String name;
        private long position;
        private long dataStart;
        private long dataEnd;

        FileContent(Fd file, FileStatus status, String name) {
            this.file = file;
            this.name = name;
            this.dataEnd = status.allocated() < status.size() ? 0 : status.size();
        }

        @Override
        public int read(byte[] buffer, int offset, int length) throws IOException {
            if (position == dataEnd) {
                findData();
            }
            int some;
            if (position < dataStart) {
                some = (int) Math.min(length, dataStart - position);
                Arrays.fill(buffer, offset, offset + some, (byte) 0);
            } else {
                some = file.read(buffer, offset, (int) Math.min(length, dataEnd - position));
                if (some == 0) {
                    throw changed(name);
                }
            }
            position += some;
            return some;
        }

        private void findData() throws ErrnoException {
            dataStart = file.seekData(position);
            if (dataStart != Long.MAX_VALUE) {
                dataEnd = file.seekHole(dataStart);
                file.seekData(dataStart); // to read there
            }
        }
    }

    /** Anything but a directory or a regular file. The process works in the directory. */
    private void addSpecial(Fd directory, Directory place, String name) throws IOException {
        byte[] raw = Bytes.raw(name);
        FileStatus status = FileStatus.of(directory, raw);
        boolean isWhiteout =
                status.type() == FileType.CHARACTER_DEVICE
                        && status.specialMajor() == 0
                        && status.specialMinor() == 0;
        // A socket is of no use without whoever made it, but it stands where it stands.
        boolean isSocket = status.type() == FileType.SOCKET;
        if (isSocket || (isWhiteout && merges)) {
            tree.hide(place, name);
            return;
        }
        if (addLinked(place, name, status)) {
            return;
        }
        Metadata metadata = metadata(name, status, Xattrs.inWorkingDirectory(raw));
        Inode inode =
                switch (status.type()) {
                    case SYMBOLIC_LINK ->
                            new Inode.Symlink(
                                    metadata, Bytes.of(Directories.readLink(directory, raw)));
                    case CHARACTER_DEVICE -> device(metadata, false, status);
                    case BLOCK_DEVICE -> device(metadata, true, status);
                    case FIFO -> new Inode.Fifo(metadata);
                    case REGULAR_FILE, DIRECTORY, SOCKET, UNKNOWN -> throw changed(name);
                };
        put(place, name, inode, status);
    }

    private static Inode device(Metadata metadata, boolean isBlock, FileStatus status) {
        return new Inode.Device(metadata, isBlock, status.specialMajor(), status.specialMinor());
    }

    /** {@return whether this is another name of a file that is there already} */
    private boolean addLinked(Directory place, String name, FileStatus status) {
        Inode known = status.links() > 1 ? linked.get(identity(status)) : null;
        if (known != null) {
            tree.put(place, name, known);
        }
        return known != null;
    }

    private void put(Directory place, String name, Inode inode, FileStatus status) {
        tree.put(place, name, inode);
        if (status.links() > 1) {
            linked.put(identity(status), inode);
        }
    }

    private static Identity identity(FileStatus status) {
        return new Identity(status.deviceMajor(), status.deviceMinor(), status.inode());
    }

    private Metadata metadata(String name, FileStatus status, SortedMap<String, byte[]> xattrs) {
        for (String reference : REFERENCES) {
            if (xattrs.containsKey(reference)) {
                throw Fault.unimplemented(
                                "%s has the attribute %s: it is a reference into another layer of"
                                        + " an overlay, which cannot be followed",
                                shown(name), reference)
                        .withHint(
                                "turn redirect_dir and metacopy of overlayfs off, and unpack the"
                                        + " image again");
            }
        }
        Instant modified = status.modified();
        return new Metadata(
                // Permissions of a link mean nothing; everybody shows them as all set.
                status.type() == FileType.SYMBOLIC_LINK ? ALL_PERMISSIONS : status.permissions(),
                status.uid(),
                status.gid(),
                modified.getEpochSecond(),
                modified.getNano(),
                budget.keepXattrs(name, xattrs));
    }

    /** {@return the path of an entry of the directory at hand, or of itself if it has no name} */
    private String shown(String name) {
        List<String> path = new ArrayList<>(way);
        path.add(name);
        return Bytes.shown("/" + String.join("/", path));
    }

    private Fault changed(String name) {
        return Fault.of(FaultCode.ABORTED, "%s changed while it was read", shown(name))
                .withHint("try again when nobody writes to the directory");
    }

    /** What the kernel answers if a name stands for something else than a moment ago, or not. */
    private Fault unreadable(String name, ErrnoException e) {
        return switch (e.errno()) {
            case Errno.ENOENT,
                    Errno.ENOTDIR,
                    Errno.EISDIR,
                    Errno.ELOOP,
                    Errno.ENXIO,
                    Errno.EINVAL ->
                    changed(name).causedBy(e);
            default ->
                    Fault.unavailable("%s cannot be read: %s", shown(name), e.getMessage())
                            .causedBy(e);
        };
    }
}
