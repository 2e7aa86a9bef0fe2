// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.agent;

import io.bunkai.api.GuestChannel;
import io.bunkai.linux.Children;
import io.bunkai.linux.ErrnoException;
import io.bunkai.linux.Machine;
import io.bunkai.ttrpc.TtrpcServer;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Executor;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/**
 * The first process of the guest.
 *
 * <p>The main thread reads the port and hands every call to a thread of its own; another thread
 * reaps; a third follows memory events once there is a container. When nothing happens, all of them
 * sleep in the kernel.
 */
public final class AgentMain {
    private static final String VERSION = "0.1.0";
    private static final String PORT = "agent.channel.0";

    /** Set by the init script: the machine's uptime, in seconds, when it ran the Java runtime. */
    private static final String EXEC_UPTIME = "BUNKAI_EXEC_UPTIME=";

    private static final long MICROS_PER_HUNDREDTH = 10_000;
    private static final int STACK_BYTES = 512 * 1024;
    private static final long IDLE_SECONDS = 20;

    private AgentMain() {}

    /**
     * Serves until the machine ends.
     *
     * @param arguments none; or {@code --train}, to go once through what happens in a guest,
     *     without being the first process of one, and exit; or {@code --version}
     */
    public static void main(String[] arguments) {
        String mode = arguments.length == 0 ? "" : arguments[0];
        switch (mode) {
            case "" -> run();
            case "--train" -> System.exit(Training.run(VERSION) ? 0 : 1);
            case "--version" -> System.out.println("bunkai-agent " + VERSION);
            default -> {
                System.err.println("usage: bunkai-agent [--train | --version]");
                System.exit(2);
            }
        }
    }

    private static void run() {
        boolean isInit = ProcessHandle.current().pid() == 1;
        try {
            serve(isInit, GuestLayout.standard(), Mounter.KERNEL);
        } catch (IOException | InterruptedException | RuntimeException e) {
            Log.error("the agent cannot go on: " + e);
            if (isInit) {
                powerOff();
            }
            System.exit(1);
        }
    }

    /** The end of process 1 would be the kernel's panic. */
    private static void powerOff() {
        try {
            Machine.powerOff();
        } catch (ErrnoException e) {
            Log.error("the machine cannot be turned off: " + e.getMessage());
        }
    }

    /**
     * Serves the host that is behind the port.
     *
     * @throws IOException if the port is gone
     */
    static void serve(boolean isInit, GuestLayout places, Mounter mounter)
            throws IOException, InterruptedException {
        long begin = Machine.bootMicros();
        VirtioPort port = VirtioPort.open(PORT, places);
        GuestChannel channel = port.channel();
        AgentOptions options =
                AgentOptions.read(places.proc().resolve("cmdline"), places.hotplugTimeout());
        Log.level(options.logLevel());
        if (!isInit) {
            Children.becomeSubreaper();
        }
        GuestLayout layout = places.withHotplugTimeout(options.hotplugTimeout());
        TtrpcServer server = server(layout, Reaper.ofThisProcess(), mounter, VERSION);
        jvmStep(layout.proc(), begin);
        Log.step("agent.start", "", begin);
        Log.info("ready version=" + VERSION);
        serve(channel, server, handlers());
    }

    /**
     * The time that the Java runtime took, as far as the init script told when it began. The
     * environment is read from the kernel, since the library would load a dozen classes for it.
     */
    private static void jvmStep(Path proc, long mainMicros) {
        try {
            byte[] all = Files.readAllBytes(proc.resolve("self/environ"));
            for (String variable : new String(all, StandardCharsets.UTF_8).split("\0")) {
                if (variable.startsWith(EXEC_UPTIME)) {
                    String uptime = variable.substring(EXEC_UPTIME.length()).strip();
                    // Seconds with two digits behind the point: no classes for fractions are
                    // needed.
                    long execMicros =
                            Long.parseLong(uptime.replace(".", "")) * MICROS_PER_HUNDREDTH;
                    Log.info(
                            "step name=jvm.start begin_us=" + execMicros + " end_us=" + mainMicros);
                }
            }
        } catch (IOException | NumberFormatException e) {
            Log.debug("it is not known when the runtime was started: " + e.getMessage());
        }
    }

    static TtrpcServer server(GuestLayout layout, Reaper reaper, Mounter mounter, String version)
            throws IOException {
        Sandbox sandbox = new Sandbox(layout, reaper, mounter);
        return new AgentService(
                        sandbox,
                        new GuestHardware(layout.sys()),
                        new NetworkFigures(layout.proc()),
                        version)
                .server();
    }

    /** Serves one host process after the other. */
    private static void serve(GuestChannel channel, TtrpcServer server, Executor handlers)
            throws IOException, InterruptedException {
        while (true) {
            GuestChannel.Session session = channel.accept();
            try (session) {
                Log.debug("session begins");
                server.serveOn(session.input(), session.output(), handlers);
            } catch (IOException e) {
                Log.warning("session ended: " + e.getMessage());
            }
        }
    }

    /** Threads with small stacks, kept for a while, since making one is not cheap in a guest. */
    static Executor handlers() {
        return new ThreadPoolExecutor(
                0,
                Integer.MAX_VALUE,
                IDLE_SECONDS,
                TimeUnit.SECONDS,
                new SynchronousQueue<>(),
                task -> {
                    Thread thread = new Thread(null, task, "call", STACK_BYTES);
                    thread.setDaemon(true);
                    return thread;
                });
    }
}
