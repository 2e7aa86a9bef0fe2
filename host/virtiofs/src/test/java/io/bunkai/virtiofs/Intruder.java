// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtiofs;

import io.bunkai.base.Closer;
import io.bunkai.linux.Confinement;
import io.bunkai.linux.Directories;
import io.bunkai.linux.Errno;
import io.bunkai.linux.ErrnoException;
import io.bunkai.linux.Fd;
import io.bunkai.linux.FileStatus;
import io.bunkai.linux.FileType;
import io.bunkai.linux.Identity;
import io.bunkai.linux.LinuxProcess;
import io.bunkai.linux.MountNamespace;
import io.bunkai.linux.Mounts;
import io.bunkai.linux.NameCalls;
import io.bunkai.linux.ProcessIdentity;
import io.bunkai.linux.Spawn;
import io.bunkai.linux.UnixSockets;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;

/**
 * Stands for a server that its guest has taken over: the same module, which goes into the sandbox
 * as the server does, and then wants out. Prints what came of each attempt.
 */
final class Intruder {
    private static final long NULL_DEVICE = 0x103;
    private static final String EARLIER = "earlier ";

    private final Map<String, String> facts;
    private final Share share;
    private final Map<String, Attempt> attempts = new LinkedHashMap<>();

    private Intruder(Map<String, String> facts, Share share) {
        this.facts = facts;
        this.share = share;
        attempts.put("file", () -> Files.readString(Path.of(fact("secret"))));
        attempts.put("way back", () -> opened(Path.of("../../self/root/etc/passwd")));
        attempts.put("own status", () -> opened(Path.of("../status")));
        attempts.put("own files", this::ownFiles);
        attempts.put("processes", () -> opened(Path.of("/proc/1/status")));
        attempts.put("memory", () -> opened(Path.of("/proc", fact("victim"), "mem")));
        attempts.put("mount", this::mount);
        attempts.put("namespace", () -> MountNamespace.call(() -> "entered"));
        attempts.put("root", this::root);
        attempts.put("device", this::device);
        attempts.put("capability", () -> answer(new Identity(-1L).tryWithout(0, false)));
        attempts.put("unix socket", this::connect);
        attempts.put("network", this::network);
        attempts.put("program", this::program);
        attempts.put("signal", this::signal);
    }

    /** Something that is to fail; answers with what it got. */
    private interface Attempt {
        String run() throws IOException;
    }

    /** Its arguments are the server's, and facts, as {@code --fact:NAME=VALUE}. */
    public static void main(String[] arguments) throws Exception {
        Map<String, String> facts = new HashMap<>();
        List<String> words = new ArrayList<>();
        for (String word : arguments) {
            if (word.startsWith("--fact:")) {
                facts.put(
                        word.substring(7, word.indexOf('=')),
                        word.substring(word.indexOf('=') + 1));
            } else {
                words.add(word);
            }
        }
        ServerOptions options = OptionParser.parse(words);
        Path directory = Objects.requireNonNull(options.sharedDir()).toRealPath();
        try (Closer all = new Closer()) {
            all.own(Endpoint.open(options));
            Surrender surrender = new Surrender(options);
            surrender.prepare(directory);
            Share share = all.own(Share.open(directory));
            Intruder intruder = new Intruder(facts, share);
            SocketChannel.open().close(); // its library cannot be found later
            CountDownLatch surrendered = new CountDownLatch(1);
            CompletableFuture<Void> done = new CompletableFuture<>();
            Thread.ofPlatform()
                    .start(() -> {
                        await(surrendered);
                        intruder.perform(EARLIER);
                        done.complete(null);
                    });
            surrender.to(directory, share);
            intruder.perform("");
            surrendered.countDown();
            done.join();
        }
        Runtime.getRuntime().halt(0);
    }

    private static void await(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    /** All, or the one that the facts name. */
    private void perform(String who) {
        String only = facts.get("only");
        attempts.forEach((name, attempt) -> {
            if (only == null || only.equals(name)) {
                System.out.println(who + name + "?");
                System.out.println(who + name + ": " + outcome(attempt));
                System.out.flush();
            }
        });
    }

    private static String outcome(Attempt attempt) {
        try {
            return attempt.run();
        } catch (ErrnoException e) {
            return Errno.describe(e.errno()).replaceFirst(" .*", "");
        } catch (IOException e) {
            return e.getClass().getSimpleName();
        }
    }

    private String fact(String name) {
        return Objects.requireNonNull(facts.get(name), name);
    }

    private static String answer(int result) {
        return result < 0 ? Errno.describe(-result).replaceFirst(" .*", "") : "done";
    }

    private static String opened(Path path) throws ErrnoException {
        try (Fd _ = Fd.open(path, path.endsWith("mem") ? Fd.O_RDWR : Fd.O_RDONLY)) {
            return "opened";
        }
    }

    /** Whatever is open can be opened again by its entry in /proc/self/fd, with other rights. */
    private String ownFiles() throws IOException {
        List<String> writable = new ArrayList<>();
        List<byte[]> names = new ArrayList<>();
        try (Fd links = Fd.open(Path.of("."), Fd.O_RDONLY | Fd.O_DIRECTORY)) {
            Directories.list(links, (name, _) -> names.add(name));
            for (byte[] name : names) {
                try (Fd file = Fd.openAt(links, name, Fd.O_RDWR)) {
                    if (FileStatus.of(file).type() == FileType.REGULAR_FILE) {
                        writable.add(
                                new String(
                                        Directories.readLink(links, name), StandardCharsets.UTF_8));
                    }
                } catch (ErrnoException _) {
                    // as it should be
                }
            }
        }
        return names.size() + " looked at, can be changed: " + writable;
    }

    private String mount() throws IOException {
        Mounts.mount("none", Path.of("/"), "tmpfs", 0, "");
        return "mounted";
    }

    private String root() throws IOException {
        Confinement.chroot(share.root());
        return "changed";
    }

    private String device() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment name = arena.allocateFrom("device");
            return answer(NameCalls.tryMknod(share.root(), name, 0, 0020666, (int) NULL_DEVICE));
        }
    }

    private String connect() throws IOException {
        try (Fd _ = UnixSockets.connect(Path.of(fact("socket")))) {
            return "connected";
        }
    }

    private String network() throws IOException {
        InetAddress here = InetAddress.getLoopbackAddress();
        try (SocketChannel channel = SocketChannel.open()) {
            channel.connect(new InetSocketAddress(here, Integer.parseInt(fact("port"))));
            return "connected";
        }
    }

    private String program() throws IOException {
        Spawn.of("/bin/true").startUnwatched();
        return "started";
    }

    private String signal() throws IOException {
        ProcessIdentity victim =
                new ProcessIdentity(
                        Integer.parseInt(fact("victim")), Long.parseLong(fact("begun")));
        try (LinuxProcess process = LinuxProcess.adopt(victim)) {
            process.signal(0);
            return "sent";
        }
    }
}
