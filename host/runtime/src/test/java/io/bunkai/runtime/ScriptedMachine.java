// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

import io.bunkai.api.GuestChannel;
import io.bunkai.linux.ErrnoException;
import io.bunkai.linux.ExitStatus;
import io.bunkai.linux.LinuxProcess;
import io.bunkai.linux.ProcessIdentity;
import io.bunkai.linux.Signals;
import io.bunkai.linux.Spawn;
import io.bunkai.vmm.VirtualMachineSpec;
import io.bunkai.vmm.VmExit;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A machine whose process is a real one that does nothing, so that it is found, adopted and killed
 * as QEMU is, and whose guest is a {@link ScriptedAgent} in this process.
 */
public final class ScriptedMachine {
    private final VirtualMachineSpec spec;
    private final ScriptedAgent agent;
    private final LinuxProcess process;
    private final ServerSocketChannel agentSocket;
    private final ServerSocketChannel consoleSocket;
    private final CompletableFuture<VmExit> exit = new CompletableFuture<>();
    private final Port port = new Port();
    private final AtomicInteger connections = new AtomicInteger();
    private final CompletableFuture<SocketChannel> console = new CompletableFuture<>();
    private final List<SocketChannel> accepted = new ArrayList<>(); // guarded by itself
    private boolean resumed; // guarded by this
    private boolean mute; // guarded by this
    private int endedSessions; // guarded by this
    private volatile Consumer<Words> begun = _ -> {};
    private volatile VmExit.Reason reason = VmExit.Reason.LOST;
    private volatile Path agentPath;

    ScriptedMachine(VirtualMachineSpec spec, ScriptedAgent agent) throws IOException {
        this.spec = spec;
        this.agent = agent;
        Files.createDirectories(spec.directory());
        this.agentPath = spec.agentSocket();
        this.agentSocket = listen(agentPath);
        this.consoleSocket = listen(spec.consoleSocket());
        this.process = Spawn.of("/bin/sleep", "infinity").start();
        CompletableFuture<Void> _ = process.onExit().thenAccept(this::ended);
        Thread.ofVirtual().name("fake agent port").start(this::acceptAgents);
        Thread.ofVirtual().name("fake console").start(this::acceptConsoles);
    }

    private static ServerSocketChannel listen(Path path) throws IOException {
        Files.deleteIfExists(path);
        ServerSocketChannel socket = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        return socket.bind(UnixDomainSocketAddress.of(path));
    }

    /**
     * Where a guest can say what it was not asked for.
     *
     * @param session within the session, as its agent does
     * @param port around it
     */
    public record Words(OutputStream session, OutputStream port) {}

    /** Done with each session that begins from now on, on a thread that the agent waits for. */
    public void onSession(Consumer<Words> work) {
        begun = work;
    }

    /** {@return the guest's end of the agent's port} */
    public OutputStream port() {
        return port.output();
    }

    /** {@return what it was made from} */
    public VirtualMachineSpec spec() {
        return spec;
    }

    /** {@return its process} */
    public ProcessIdentity identity() {
        return process.identity();
    }

    /** {@return what runs in it} */
    public ScriptedAgent agent() {
        return agent;
    }

    /** {@return completed when it has ended} */
    public CompletableFuture<VmExit> exit() {
        return exit;
    }

    /** {@return whether its process has not ended} */
    public boolean isAlive() {
        return process.identity().isAlive();
    }

    /** {@return how often somebody connected to the agent's port} */
    public int connections() {
        return connections.get();
    }

    /** Ends the process, as an operator or the kernel would. */
    public void kill() throws ErrnoException {
        process.signal(Signals.SIGKILL);
    }

    /** Ends the process, as a guest does that switches itself off. */
    public void powerOff() throws ErrnoException {
        reason = VmExit.Reason.GUEST_POWERED_OFF;
        process.signal(Signals.SIGTERM);
    }

    /** The guest does not look at its port any more. */
    public synchronized void muteAgent() {
        mute = true;
        port.hangUp();
    }

    /** Breaks the agent's session; the next one is answered again. */
    public void breakSession() {
        port.hangUp();
    }

    /** {@return where the next holder finds the agent's port} */
    Path agentPath() {
        return agentPath;
    }

    /** Whoever holds it is dead: its session ends, and it does not find the port again. */
    public void leaveHolderBehind() {
        try {
            agentPath =
                    Files.move(
                            agentPath, spec.directory().resolve("a" + connections.get() + ".sock"));
        } catch (IOException e) {
            // the machine's files have gone already
        }
        port.hangUp();
    }

    /** Writes to whoever reads the console; waits for one. */
    public void console(String text) throws IOException {
        SocketChannel reader = console.join();
        ByteBuffer bytes = ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8));
        while (bytes.hasRemaining()) {
            reader.write(bytes);
        }
    }

    synchronized void resume() {
        if (!resumed) {
            resumed = true;
            Thread.ofVirtual().name("fake agent " + spec.id()).start(this::runAgent);
        }
    }

    private void runAgent() {
        GuestChannel channel =
                new GuestChannel(port.input(), port.output(), _ -> port.awaitConnection());
        try {
            while (isAlive()) {
                try (GuestChannel.Session session = channel.accept()) {
                    begun.accept(new Words(session.output(), port.output()));
                    agent.server()
                            .serve(
                                    session.input(),
                                    session.output(),
                                    Thread.ofVirtual().name("fake agent call ", 0).factory());
                } catch (IOException e) {
                    // the session has ended in the middle of a frame
                }
                sessionEnded();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private synchronized void sessionEnded() {
        endedSessions++;
        notifyAll();
    }

    /** Waits until the agent has noticed the end of so many sessions: what it reads then stays. */
    public synchronized void awaitEndOfSessions(int count) throws InterruptedException {
        while (endedSessions < count) {
            wait();
        }
    }

    private void acceptAgents() {
        try {
            while (true) {
                SocketChannel next = agentSocket.accept();
                connections.incrementAndGet();
                keep(next);
                synchronized (this) {
                    if (!mute) {
                        port.connect(next);
                    }
                }
            }
        } catch (IOException e) {
            // the machine has ended
        }
    }

    private void acceptConsoles() {
        try {
            while (true) {
                SocketChannel next = consoleSocket.accept();
                keep(next);
                console.complete(next);
            }
        } catch (IOException e) {
            // the machine has ended
        }
    }

    private void keep(SocketChannel channel) {
        synchronized (accepted) {
            accepted.add(channel);
        }
    }

    private void ended(ExitStatus status) {
        close(agentSocket);
        close(consoleSocket);
        synchronized (accepted) {
            accepted.forEach(ScriptedMachine::close);
        }
        port.end();
        exit.complete(new VmExit(reason, status, Instant.now(), List.of()));
    }

    private static void close(AutoCloseable closeable) {
        try {
            closeable.close();
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }

    /** What the guest sees: bytes of whoever is connected, silence while nobody is. */
    private static final class Port {
        private @Nullable SocketChannel current; // guarded by this
        private boolean over; // guarded by this

        synchronized void connect(SocketChannel next) {
            current = next;
            notifyAll();
        }

        synchronized void hangUp() {
            if (current != null) {
                close(current);
                current = null;
            }
        }

        synchronized void end() {
            over = true;
            notifyAll();
        }

        synchronized void awaitConnection() throws InterruptedException {
            while (current == null && !over) {
                wait();
            }
            if (over) {
                throw new InterruptedException("the machine has ended");
            }
        }

        private synchronized @Nullable SocketChannel current() {
            return current;
        }

        private synchronized void gone(SocketChannel channel) {
            if (channel.equals(current)) {
                current = null;
            }
            close(channel);
        }

        InputStream input() {
            return new InputStream() {
                @Override
                public int read() {
                    throw new UnsupportedOperationException();
                }

                @Override
                public int read(byte[] buffer, int offset, int length) {
                    SocketChannel channel = current();
                    if (channel == null) {
                        return 0;
                    }
                    try {
                        int n = Channels.newInputStream(channel).read(buffer, offset, length);
                        if (n >= 0) {
                            return n;
                        }
                    } catch (IOException e) {
                        // as good as the end
                    }
                    gone(channel);
                    return 0;
                }
            };
        }

        OutputStream output() {
            return new OutputStream() {
                @Override
                public void write(int value) {
                    throw new UnsupportedOperationException();
                }

                @Override
                public void write(byte[] buffer, int offset, int length) {
                    SocketChannel channel = current();
                    try {
                        if (channel != null) {
                            Channels.newOutputStream(channel).write(buffer, offset, length);
                        }
                    } catch (IOException e) {
                        gone(channel);
                    }
                }
            };
        }
    }
}
