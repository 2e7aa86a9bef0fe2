// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.agent;

import io.bunkai.api.agent.CopyFileRequest;
import io.bunkai.base.Fault;
import io.bunkai.linux.Fd;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;

/**
 * Files that the host hands over piece by piece: what a container is to see of the host without
 * sharing a folder with it. They appear under their name once they are whole; a file that is copied
 * again takes the place of the former one at once.
 *
 * <p>Beneath the containers' directory only, without symbolic links on the way. One piece at a
 * time: the host sends them one after the other.
 */
final class CopiedFiles {
    private static final int TYPE = 0170000;
    private static final int DIRECTORY = 0040000;
    private static final int REGULAR = 0100000;
    private static final int LINK = 0120000;
    private static final int PERMISSIONS = 07777;
    private static final int OWNER_ONLY = 0600;

    private final Path root;

    CopiedFiles(GuestLayout layout) {
        this.root = layout.containers();
    }

    /**
     * Takes one piece of a file; a directory or a symbolic link has one piece.
     *
     * @throws Fault INVALID_ARGUMENT if the place or the piece makes no sense
     */
    synchronized void take(CopyFileRequest request) throws IOException {
        Path path = Beneath.strictly(root, request.getPath());
        makeParents(path, request.getDirMode());
        switch (request.getFileMode() & TYPE) {
            case DIRECTORY -> {
                Files.createDirectories(path);
                giveTo(path, request);
            }
            case LINK -> link(path, request);
            case REGULAR, 0 -> piece(path, request);
            default ->
                    throw Fault.invalidArgument(
                            "%s is of a type that cannot be copied (mode %o)",
                            Log.printable(request.getPath()), request.getFileMode());
        }
    }

    private void makeParents(Path path, int mode) throws IOException {
        List<Path> missing = new ArrayList<>();
        Path parent = path.getParent();
        while (parent != null && !Files.exists(parent)) {
            missing.addFirst(parent);
            parent = parent.getParent();
        }
        for (Path directory : missing) {
            Files.createDirectory(directory);
            if (mode != 0) {
                Files.setAttribute(directory, "unix:mode", mode & PERMISSIONS);
            }
        }
    }

    private static void link(Path path, CopyFileRequest request) throws IOException {
        Path unfinished = unfinished(path);
        Files.deleteIfExists(unfinished);
        Files.createSymbolicLink(
                unfinished, Path.of(request.getData().toString(StandardCharsets.UTF_8)));
        Files.move(unfinished, path, StandardCopyOption.ATOMIC_MOVE);
    }

    private static void piece(Path path, CopyFileRequest request) throws IOException {
        long end = request.getOffset() + request.getData().size();
        if (request.getOffset() < 0 || end < 0 || end > request.getFileSize()) {
            throw Fault.invalidArgument(
                    "a piece of %d bytes at %d is none of a file of %d bytes",
                    request.getData().size(), request.getOffset(), request.getFileSize());
        }
        Path unfinished = unfinished(path);
        if (request.getOffset() == 0) {
            Files.deleteIfExists(unfinished);
            Fd.open(unfinished, Fd.O_WRONLY | Fd.O_CREAT | Fd.O_EXCL, OWNER_ONLY).close();
        }
        try (RandomAccessFile file = new RandomAccessFile(unfinished.toFile(), "rw")) {
            file.seek(request.getOffset());
            file.write(request.getData().toByteArray());
        }
        if (end == request.getFileSize()) {
            giveTo(unfinished, request);
            Files.move(unfinished, path, StandardCopyOption.ATOMIC_MOVE);
        }
    }

    private static Path unfinished(Path path) {
        return path.resolveSibling("." + path.getFileName() + ".unfinished");
    }

    /** The owner first: giving a file away takes its set-user-id bit. */
    private static void giveTo(Path path, CopyFileRequest request) throws IOException {
        Files.setAttribute(path, "unix:uid", request.getUid());
        Files.setAttribute(path, "unix:gid", request.getGid());
        Files.setAttribute(path, "unix:mode", request.getFileMode() & PERMISSIONS);
    }
}
