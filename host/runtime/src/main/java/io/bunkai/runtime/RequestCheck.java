// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

import io.bunkai.base.Fault;
import io.bunkai.linux.Terminal;
import io.bunkai.oci.RuntimeSpec;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * Refuses what no guest could carry out before anything is made for it. No text of an environment
 * variable beyond its name gets into a message.
 */
final class RequestCheck {
    /** The kernel's own limit of one argument or variable, with its NUL. */
    private static final int LONGEST_WORD = 128 * 1024 - 1;

    /** The kernel takes a quarter of the stack, at most 6 MiB; a record has to stay small. */
    private static final int LONGEST_WORDS = 1024 * 1024;

    private static final int LONGEST_HOSTNAME = 64;
    private static final int LARGEST_SIDE = 65_535;
    private static final Path ROOT = Path.of("/");
    private static final Pattern ACCESS = Pattern.compile("(?=.*[rw])[rwm]{1,3}");
    private static final Pattern HOSTNAME = Pattern.compile("[A-Za-z0-9]([A-Za-z0-9.-]*)");

    private RequestCheck() {}

    /**
     * Checks a container's request.
     *
     * @throws Fault INVALID_ARGUMENT with the first thing that makes no sense
     */
    static void check(ContainerRequest request) {
        words("argument", request.arguments());
        words("argument", request.entrypoint().orElse(List.of()));
        environment(request.environment());
        directory(request.directory());
        plain("user", request.user());
        terminal(request.terminal());
        mounts(request.mounts());
        devices(request.devices());
        String hostname = request.hostname();
        if (!hostname.isEmpty()
                && (hostname.length() > LONGEST_HOSTNAME
                        || !HOSTNAME.matcher(hostname).matches())) {
            throw Fault.invalidArgument(
                            "'%s' cannot be the name of a host", GuestText.printable(hostname))
                    .withHint(
                            "use up to %d letters, digits, '-' and '.'; a letter or digit first",
                            LONGEST_HOSTNAME);
        }
        if (request.nanoCpus() < 0) {
            throw Fault.invalidArgument("a limit cannot be negative");
        }
    }

    /**
     * Checks a further process's request.
     *
     * @throws Fault INVALID_ARGUMENT with the first thing that makes no sense
     */
    static void check(ExecRequest request) {
        if (request.arguments().isEmpty()) {
            throw Fault.invalidArgument("there is no command to run")
                    .withHint("write it after the container: bunkai exec CONTAINER -- COMMAND");
        }
        words("argument", request.arguments());
        environment(request.environment());
        directory(request.directory());
        plain("user", request.user());
        terminal(request.terminal());
    }

    /**
     * Checks a process as a bundle or a client of containerd describes it.
     *
     * @throws Fault INVALID_ARGUMENT with the first thing that makes no sense
     */
    static void check(RuntimeSpec.ContainerProcess process) {
        if (process.args().isEmpty()) {
            throw Fault.invalidArgument("there is no command to run").withHint("set args");
        }
        words("argument", process.args());
        environment(process.env());
        directory(process.cwd());
    }

    private static void environment(List<String> variables) {
        words("environment variable", variables);
        for (String variable : variables) {
            if (variable.isEmpty() || variable.startsWith("=")) {
                throw Fault.invalidArgument("an environment variable has no name")
                        .withHint("write NAME=VALUE");
            }
        }
    }

    private static void words(String what, List<String> words) {
        long all = 0;
        for (String word : words) {
            plain(what, word);
            int bytes = word.getBytes(StandardCharsets.UTF_8).length;
            if (bytes > LONGEST_WORD) {
                throw Fault.invalidArgument(
                        "%s of %d bytes is longer than the %d that a kernel takes",
                        what, bytes, LONGEST_WORD);
            }
            all += bytes + 1;
        }
        if (all > LONGEST_WORDS) {
            throw Fault.invalidArgument(
                    "%s list of %d bytes is longer than %d", what, all, LONGEST_WORDS);
        }
    }

    private static void plain(String what, String word) {
        if (word.indexOf('\0') >= 0) {
            throw Fault.invalidArgument("%s holds a zero byte", what);
        }
    }

    private static void directory(String directory) {
        plain("working directory", directory);
        if (!directory.isEmpty() && !directory.startsWith("/")) {
            throw Fault.invalidArgument(
                            "the working directory '%s' is not absolute",
                            GuestText.printable(directory))
                    .withHint("begin it with /");
        }
    }

    private static void mounts(List<RuntimeSpec.Mount> mounts) {
        Set<String> destinations = new HashSet<>();
        for (RuntimeSpec.Mount mount : mounts) {
            String destination = mount.destination();
            String shown = GuestText.printable(destination);
            plain("mount's destination", destination);
            plain("mount's source", mount.source());
            mount.options().forEach(option -> plain("mount's option", option));
            if (!destination.startsWith("/") || Path.of(destination).normalize().equals(ROOT)) {
                throw Fault.invalidArgument("nothing can be mounted at '%s' in a container", shown)
                        .withHint("give an absolute path beneath /");
            }
            if (!destinations.add(Path.of(destination).normalize().toString())) {
                throw Fault.invalidArgument("two mounts have the same place '%s'", shown)
                        .withHint("give each a place of its own");
            }
            boolean isBind = mount.type().equals("bind");
            if (!isBind && !mount.type().equals("tmpfs")) {
                throw Fault.invalidArgument(
                                "there is no mount of type '%s'", GuestText.printable(mount.type()))
                        .withHint("use bind or tmpfs");
            }
            if (isBind && !mount.source().startsWith("/")) {
                throw Fault.invalidArgument(
                                "'%s', which is to be mounted at %s, is no absolute path",
                                GuestText.printable(mount.source()), shown)
                        .withHint("begin it with /");
            }
        }
    }

    private static void devices(List<ContainerRequest.Device> devices) {
        Set<String> places = new HashSet<>();
        for (ContainerRequest.Device device : devices) {
            String shown = GuestText.printable(device.path());
            plain("device's path", device.path());
            if (!device.path().startsWith("/") || Path.of(device.path()).normalize().equals(ROOT)) {
                throw Fault.invalidArgument("a container has no room for a device at '%s'", shown)
                        .withHint("give an absolute path, such as /dev/xvda");
            }
            if (!places.add(Path.of(device.path()).normalize().toString())) {
                throw Fault.invalidArgument("two devices have the same place '%s'", shown)
                        .withHint("give each a place of its own");
            }
            if (!device.source().isAbsolute()) {
                throw Fault.invalidArgument(
                        "the device '%s' is no absolute path",
                        GuestText.printable(device.source().toString()));
            }
            if (!ACCESS.matcher(device.access()).matches()) {
                throw Fault.invalidArgument(
                                "'%s' is no access to a device",
                                GuestText.printable(device.access()))
                        .withHint("write r, rw or rwm");
            }
        }
    }

    private static void terminal(Optional<Terminal.Size> terminal) {
        terminal.ifPresent(RequestCheck::check);
    }

    /**
     * Checks a terminal's size.
     *
     * @throws Fault INVALID_ARGUMENT if a terminal cannot have it
     */
    static void check(Terminal.Size size) {
        if (Math.min(size.rows(), size.columns()) < 0
                || Math.max(size.rows(), size.columns()) > LARGEST_SIDE) {
            throw Fault.invalidArgument(
                    "a terminal cannot have %s rows and %s columns",
                    Integer.toUnsignedString(size.rows()),
                    Integer.toUnsignedString(size.columns()));
        }
    }
}
