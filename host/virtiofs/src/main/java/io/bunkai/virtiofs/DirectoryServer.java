// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtiofs;

import io.bunkai.base.Closer;
import io.bunkai.base.Fault;
import io.bunkai.fuse.FuseServer;
import io.bunkai.linux.ErrnoException;
import io.bunkai.linux.Fd;
import io.bunkai.virtio.VhostUserSession;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import java.util.Optional;

/** A directory that is being served: from the command line's options to the end of the guest. */
final class DirectoryServer {
    /** More than any guest has processors for; what is not started costs nothing. */
    private static final int REQUEST_QUEUES = 32;

    /** For the program itself: files of the JVM, sockets, queues, memory. */
    private static final int OWN_DESCRIPTORS = 512;

    private static final int MOST_HELPERS = 16;
    private static final int HELPERS_PER_PROCESSOR = 4;

    private DirectoryServer() {}

    /**
     * Serves one connection, and returns when the machine monitor has ended it.
     *
     * @throws Fault if the directory cannot be served, or the connection broke
     */
    static void serve(ServerOptions options) {
        serve(options, new Surrender(options));
    }

    /** As {@link #serve(ServerOptions)}, with a surrender that is not the usual one. */
    static void serve(ServerOptions options, Surrender surrender) {
        Path directory = directory(options);
        long limit = Surrender.limitDescriptors(options);
        try (Closer all = new Closer()) {
            Endpoint endpoint = all.own(Endpoint.open(options));
            surrender.prepare(directory);
            Share share = all.own(Share.open(directory));
            ParallelGate gate = all.own(new ParallelGate(helpers(options)));
            Throttle throttle = all.own(new Throttle(options.limits()));
            Optional<Fd> control = Endpoint.openControl(options).map(all::own);
            FileSystemDevice device =
                    device(options, share, gate, throttle, new Descriptors(budget(limit, options)));
            surrender.to(directory, share);
            control.ifPresent(socket -> all.own(new ControlServer(socket, throttle)).start());
            serve(endpoint.accept(), device);
        } catch (ErrnoException e) {
            throw Fault.failedPrecondition("%s cannot be shared", directory).causedBy(e);
        }
    }

    private static Path directory(ServerOptions options) {
        Path given = Objects.requireNonNull(options.sharedDir());
        try {
            Path real = given.toRealPath();
            if (!Files.isDirectory(real)) {
                throw Fault.invalidArgument("%s is no directory", given);
            }
            return real;
        } catch (IOException e) {
            throw Fault.notFound("there is no directory %s", given).causedBy(e);
        }
    }

    private static int budget(long limit, ServerOptions options) {
        long left = limit - OWN_DESCRIPTORS - options.threadPoolSize().orElse(0);
        if (left < OWN_DESCRIPTORS / 8) {
            throw Fault.invalidArgument(
                    "%d descriptors are too few: the program needs %d itself",
                    limit, OWN_DESCRIPTORS);
        }
        return (int) Math.min(left, Integer.MAX_VALUE);
    }

    private static int helpers(ServerOptions options) {
        int processors = Runtime.getRuntime().availableProcessors();
        return options.threadPoolSize()
                .orElse(Math.min(MOST_HELPERS, HELPERS_PER_PROCESSOR * processors));
    }

    /** {@return the device that serves a directory} */
    static FileSystemDevice device(
            ServerOptions options,
            Share share,
            DataGate gate,
            Throttle throttle,
            Descriptors descriptors)
            throws ErrnoException {
        FileSystemOptions how = options.files();
        Worker worker = Worker.current();
        if (options.handlesRequired() && !HostMount.hasHandles(share, worker)) {
            throw Fault.failedPrecondition(
                            "the file system of the shared directory has no file handles, or this"
                                    + " process may not use them")
                    .withHint("--inode-file-handles=prefer does without where there are none");
        }
        Credentials credentials =
                Credentials.ofThisProcess(options.capabilities(), how.uids(), how.gids());
        PassthroughFileSystem files =
                new PassthroughFileSystem(share, how, descriptors, credentials, gate);
        FuseServer server = new FuseServer(files, PassthroughFileSystem.initOptions(how));
        TagConfig config = options.tag().map(tag -> new TagConfig(tag, 1)).orElse(null);
        return new FileSystemDevice(REQUEST_QUEUES, server, files, throttle, config);
    }

    private static void serve(Fd connection, FileSystemDevice device) {
        try (VhostUserSession session = new VhostUserSession(connection, device)) {
            session.serve();
        } catch (IOException e) {
            throw Fault.unavailable("the connection to the machine monitor broke").causedBy(e);
        }
    }
}
