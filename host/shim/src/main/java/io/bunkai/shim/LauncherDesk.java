// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.shim;

import io.bunkai.base.Closer;
import io.bunkai.base.Deadline;
import io.bunkai.base.Fault;
import io.bunkai.linux.Errno;
import io.bunkai.linux.ErrnoException;
import io.bunkai.linux.Fd;
import io.bunkai.linux.Inotify;
import io.bunkai.linux.Pipe;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Where launchers leave their requests and find the answers: a directory.
 *
 * <p>A launcher makes a named pipe {@code NAME.reply}, opens both its ends and writes a file {@code
 * NAME.request}. When that is complete, the answer is written into the pipe, in one write that
 * never blocks, and then both are removed. A request stays in the directory if no daemon lives: the
 * next one finds it. Deletions among those are carried out before {@link #open} returns, since the
 * task that is deleted must not be taken for one that is made later under the same id.
 *
 * <p>One platform thread watches the directory; each request has a virtual thread.
 */
final class LauncherDesk implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger(LauncherDesk.class.getName());
    private static final String REQUEST = ".request";
    private static final String REPLY = ".reply";

    /** What is older and still not complete, or has no request, was left by somebody who died. */
    private static final Duration ABANDONED = Duration.ofMinutes(1);

    /** How long requests under way may take when the desk is closed. */
    private static final Duration LAST_ORDERS = Duration.ofSeconds(5);

    private final Path directory;
    private final Launches launches;
    private final Inotify inotify;
    private final Pipe wake;
    private final ExecutorService clerks =
            Executors.newThreadPerTaskExecutor(Thread.ofVirtual().name("launch ", 0).factory());
    private final Set<String> inWork = ConcurrentHashMap.newKeySet();
    private final Thread watcher;
    private volatile boolean closed;

    private LauncherDesk(Path directory, Launches launches, Inotify inotify, Pipe wake) {
        this.directory = directory;
        this.launches = launches;
        this.inotify = inotify;
        this.wake = wake;
        this.watcher = Thread.ofPlatform().daemon().name("launcher desk").unstarted(this::watch);
    }

    /**
     * Opens the desk: tasks that were to be deleted while no daemon lived are deleted when this
     * returns. Nothing is answered before {@link #serve}, but for them.
     *
     * @param directory made if it is not there, its owner's alone
     * @throws IOException if the directory cannot be made, read or watched
     */
    static LauncherDesk open(Path directory, Launches launches) throws IOException {
        Files.createDirectories(directory);
        Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwx------"));
        try (Closer undo = new Closer()) {
            Pipe wake = undo.own(Pipe.create());
            Inotify inotify = undo.own(Inotify.open());
            inotify.watchFiles(directory); // first, so that nothing comes between it and the look
            LauncherDesk desk = new LauncherDesk(directory, launches, inotify, wake);
            desk.deleteWhatWasLeft();
            undo.release();
            return desk;
        }
    }

    /** Answers from now on, first what is there already. Called once. */
    void serve() {
        watcher.start();
    }

    // --- finding requests

    private void deleteWhatWasLeft() throws IOException {
        List<Runnable> deletions = new ArrayList<>();
        for (String name : names(REQUEST)) {
            LaunchRequest request = look(name).request();
            if (request != null && request.verb() == LaunchRequest.Verb.DELETE) {
                LOG.log(
                        System.Logger.Level.INFO,
                        "deleting what was asked for while no daemon lived namespace={0} id={1}",
                        request.owner().namespace(),
                        request.id());
                deletions.add(() -> handle(name));
            }
        }
        List<Future<?>> running = new ArrayList<>();
        deletions.forEach(deletion -> running.add(clerks.submit(deletion)));
        for (Future<?> deletion : running) {
            awaitEnd(deletion);
        }
    }

    private static void awaitEnd(Future<?> deletion) throws IOException {
        try {
            deletion.get();
        } catch (ExecutionException e) {
            throw new IOException("a request could not be looked at", e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        }
    }

    private void watch() {
        try {
            lookAround();
            while (!closed) {
                for (Inotify.FileEvent event : inotify.awaitFiles(wake.read())) {
                    switch (event) {
                        case Inotify.FileEvent.Complete(_, String name) -> take(name);
                        case Inotify.FileEvent.Lost() -> lookAround();
                    }
                }
            }
        } catch (IOException e) {
            LOG.log(
                    System.Logger.Level.ERROR,
                    "launchers are not answered any more: restart the daemon directory={0}"
                            + " reason={1}",
                    directory,
                    e.getMessage());
        }
    }

    private void take(String file) {
        if (closed || !file.endsWith(REQUEST)) {
            return;
        }
        String name = file.substring(0, file.length() - REQUEST.length());
        try {
            clerks.execute(() -> handle(name));
        } catch (RejectedExecutionException e) {
            // closed meanwhile: the next daemon finds it
        }
    }

    private void lookAround() throws IOException {
        for (String name : names(REQUEST)) {
            // One that is being written is told of when it is complete.
            if (look(name).isComplete() || isAbandoned(file(name, REQUEST))) {
                take(name + REQUEST);
            }
        }
        for (String name : names(REPLY)) {
            if (!Files.exists(file(name, REQUEST)) && isAbandoned(file(name, REPLY))) {
                Files.deleteIfExists(file(name, REPLY));
            }
        }
    }

    private List<String> names(String suffix) throws IOException {
        List<String> names = new ArrayList<>();
        try (DirectoryStream<Path> files = Files.newDirectoryStream(directory, "*" + suffix)) {
            for (Path file : files) {
                String name = file.getFileName().toString();
                names.add(name.substring(0, name.length() - suffix.length()));
            }
        }
        names.sort(null);
        return names;
    }

    private Path file(String name, String suffix) {
        return directory.resolve(name + suffix);
    }

    private static boolean isAbandoned(Path file) {
        try {
            Instant changed =
                    Files.getLastModifiedTime(file, LinkOption.NOFOLLOW_LINKS).toInstant();
            return changed.isBefore(Instant.now().minus(ABANDONED));
        } catch (IOException e) {
            return false; // gone
        }
    }

    // --- answering one

    /**
     * A request's file, read.
     *
     * @param isThere whether there is one
     * @param isComplete whether all of it is there
     * @param request what it asks for; null if it makes no sense
     * @param fault why not
     */
    private record Found(
            boolean isThere,
            boolean isComplete,
            @Nullable LaunchRequest request,
            @Nullable Fault fault) {
        static final Found NOTHING = new Found(false, false, null, null);

        static Found nonsense(boolean isComplete, Fault fault) {
            return new Found(true, isComplete, null, fault);
        }
    }

    private Found look(String name) {
        Path file = file(name, REQUEST);
        byte[] bytes;
        try {
            BasicFileAttributes attributes =
                    Files.readAttributes(
                            file, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
            if (!attributes.isRegularFile()) { // to open a pipe would block
                return Found.nonsense(true, Fault.invalidArgument("%s is no file", file));
            }
            try (InputStream in = Files.newInputStream(file)) {
                bytes = in.readNBytes(FieldFile.LONGEST + 1);
            }
        } catch (NoSuchFileException e) {
            return Found.NOTHING;
        } catch (IOException e) {
            return Found.nonsense(true, Fault.internal("%s cannot be read", file).causedBy(e));
        }
        if (bytes.length > FieldFile.LONGEST) {
            return Found.nonsense(
                    true,
                    Fault.invalidArgument("%s has more than %d bytes", file, FieldFile.LONGEST));
        }
        boolean isComplete = FieldFile.isComplete(bytes);
        try {
            return new Found(true, isComplete, LaunchRequest.parse(bytes), null);
        } catch (Fault e) {
            return Found.nonsense(isComplete, e);
        }
    }

    private void handle(String name) {
        if (!inWork.add(name)) {
            return; // told of twice
        }
        try {
            Found found = look(name);
            if (found.isThere()) {
                answer(name, answerTo(name, found));
                remove(name);
            }
        } finally {
            inWork.remove(name);
        }
    }

    private byte @Nullable [] answerTo(String name, Found found) {
        LaunchRequest request = found.request();
        if (request == null) {
            Fault fault = found.fault() == null ? Fault.internal("it is empty") : found.fault();
            LOG.log(
                    System.Logger.Level.WARNING,
                    "a launcher''s request makes no sense name={0} reason={1}",
                    name,
                    fault.getMessage());
            return LaunchAnswer.refused("the launcher's request was not understood", fault);
        }
        if (request.verb() == LaunchRequest.Verb.START && !Files.exists(file(name, REPLY))) {
            return null; // whoever wanted to start something has gone
        }
        try {
            return switch (request.verb()) {
                case START -> LaunchAnswer.started(launches.socketFor(request.owner()));
                case DELETE ->
                        LaunchAnswer.deleted(
                                launches.delete(request.owner(), request.id(), request.bundle()));
            };
        } catch (Fault e) {
            return refused(request, e);
        } catch (RuntimeException e) {
            LOG.log(System.Logger.Level.ERROR, "a launcher's request failed name=" + name, e);
            return refused(request, Fault.internal("internal error: %s", e));
        }
    }

    private static byte[] refused(LaunchRequest request, Fault fault) {
        String error =
                switch (request.verb()) {
                    case START -> "%s was not started";
                    case DELETE -> "%s was not deleted";
                };
        return LaunchAnswer.refused(error.formatted(request.id()), fault);
    }

    /** Never waits: a launcher that has gone reads nothing, and an answer fits into any pipe. */
    private void answer(String name, byte @Nullable [] answer) {
        if (answer == null) {
            return;
        }
        try (Fd pipe = Fd.open(file(name, REPLY), Fd.O_WRONLY | Fd.O_NONBLOCK)) {
            pipe.write(answer, 0, answer.length);
        } catch (ErrnoException e) {
            if (e.errno() != Errno.ENOENT && e.errno() != Errno.ENXIO) {
                LOG.log(
                        System.Logger.Level.WARNING,
                        "a launcher was not answered name={0} reason={1}",
                        name,
                        e.getMessage());
            }
        }
    }

    /** The request first: a launcher that sees it go has its answer. */
    private void remove(String name) {
        for (String suffix : List.of(REQUEST, REPLY)) {
            try {
                Files.deleteIfExists(file(name, suffix));
            } catch (IOException e) {
                LOG.log(
                        System.Logger.Level.WARNING,
                        "a launcher''s file stays name={0} reason={1}",
                        name,
                        e.getMessage());
            }
        }
    }

    /** Stops taking requests. Waits a few seconds for those under way. Idempotent. */
    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        try {
            wake.write().writeFully(new byte[1]);
            if (watcher.isAlive()) {
                watcher.join();
            }
            clerks.shutdown();
            Deadline deadline = Deadline.after(LAST_ORDERS);
            if (!clerks.awaitTermination(deadline.remaining().toNanos(), TimeUnit.NANOSECONDS)) {
                clerks.shutdownNow();
            }
        } catch (ErrnoException e) {
            throw Fault.internal("the launchers' directory is watched on").causedBy(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            clerks.shutdownNow();
        } finally {
            inotify.close();
            wake.close();
        }
    }
}
