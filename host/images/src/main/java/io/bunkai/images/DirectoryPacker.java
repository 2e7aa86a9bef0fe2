// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.images;

import io.bunkai.linux.Fd;
import io.bunkai.linux.Seccomp;
import java.io.DataInputStream;
import java.io.FileDescriptor;
import java.io.IOException;
import java.nio.file.Path;

/**
 * The program that makes a disk of directories, in a process of its own: it reads a {@link
 * PackRequest} from its standard input and the directories that it was given, writes the file
 * system to its standard output, which is a file open for reading and writing, and says on its
 * standard error how it went ({@link ChildReport}).
 */
public final class DirectoryPacker {
    private DirectoryPacker() {}

    /** Packs one stack; the exit status is 0 if the file system is complete, else 1. */
    public static void main(String[] arguments) {
        System.exit(
                ChildReport.run(
                        System.err,
                        () -> {
                            // Of all that CAP_SYS_ADMIN allows, to read attributes is enough.
                            Seccomp.giveUpAdministration();
                            return pack(
                                    PackRequest.readFrom(new DataInputStream(System.in)),
                                    Path.of(Confinement.DIRECTORIES),
                                    BlockOutput.of(FileDescriptor.out));
                        }));
    }

    private static long pack(PackRequest request, Path directories, BlockOutput out)
            throws IOException {
        boolean merges = request.directories() > 1;
        DirectoryStack stack = new DirectoryStack(request.limits(), merges, out);
        for (int i = 0; i < request.directories(); i++) {
            Path directory = directories.resolve(Integer.toString(i));
            try (Fd open = Fd.open(directory, Fd.O_RDONLY | Fd.O_DIRECTORY | Fd.O_NOFOLLOW)) {
                stack.add(open);
            }
        }
        return stack.finish(request.uuid());
    }
}
