// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtiofs;

import com.google.errorprone.annotations.FormatMethod;
import io.bunkai.base.Fault;
import io.bunkai.linux.Seccomp;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Set;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The command line: the options of the Rust daemon 1.13, and those that the C daemon has after
 * {@code -o}, by the same names and with the same defaults. What of them makes no sense here, is
 * not there yet, or contradicts another one is refused, with the reason: an option that is taken
 * does what it says.
 */
final class OptionParser {
    private static final long SECOND = 1_000_000_000L;

    /** A second value for these would be somebody else's idea of whom to trust. */
    private static final Set<String> ONCE =
            Set.of(
                    "shared-dir",
                    "sandbox",
                    "seccomp",
                    "modcaps",
                    "fs-quota",
                    "fd",
                    "socket-path",
                    "control-fd",
                    "control-socket",
                    "translate-uid",
                    "translate-gid");

    /** What may be said several times, each time something more. */
    private static final Set<String> LISTS = Set.of("translate-uid", "translate-gid");

    /** How the C daemon calls what has another name here. */
    private static final Map<String, String> ALIASES =
            Map.of("source", "shared-dir", "socket", "socket-path");

    private final Map<String, String> values = new HashMap<>();
    private final Map<String, List<String>> lists = new HashMap<>();

    private OptionParser() {}

    /**
     * {@return what the arguments say}
     *
     * @throws Fault INVALID_ARGUMENT if they make no sense, UNIMPLEMENTED if that is not there
     */
    static ServerOptions parse(List<String> arguments) {
        OptionParser parser = new OptionParser();
        for (int i = 0; i < arguments.size(); i++) {
            i += parser.take(arguments, i);
        }
        return parser.options();
    }

    // --- words --------------------------------------------------------------------------------

    /** {@return how many more words it has taken} */
    private int take(List<String> arguments, int at) {
        String word = arguments.get(at);
        switch (word) {
            case "-f" -> {
                return 0; // in the foreground, as always
            }
            case "-d" -> {
                set("log-level", "debug");
                return 0;
            }
            case "-h" -> {
                set("help", "");
                return 0;
            }
            case "-V" -> {
                set("version", "");
                return 0;
            }
            case "-o" -> {
                takeList(argument(arguments, at, "-o"));
                return 1;
            }
            default -> {}
        }
        if (word.startsWith("-o")) {
            takeList(word.substring(2));
            return 0;
        }
        if (!word.startsWith("--")) {
            throw Fault.invalidArgument("'%s' is no option", word);
        }
        int equals = word.indexOf('=');
        String name = equals < 0 ? word.substring(2) : word.substring(2, equals);
        Option option = find(name);
        if (!option.hasValue()) {
            if (equals >= 0) {
                throw Fault.invalidArgument("--%s takes no value", name);
            }
            set(option, "");
            return 0;
        }
        if (equals >= 0) {
            set(option, word.substring(equals + 1));
            return 0;
        }
        set(option, argument(arguments, at, word));
        return 1;
    }

    private static String argument(List<String> arguments, int at, String option) {
        if (at + 1 >= arguments.size()) {
            throw Fault.invalidArgument("%s needs a value", option);
        }
        return arguments.get(at + 1);
    }

    /** What stands after {@code -o}: names with or without values, with ',' between them. */
    private void takeList(String list) {
        for (String word : list.split(",", -1)) {
            if (word.isEmpty()) {
                continue;
            }
            int equals = word.indexOf('=');
            String name = (equals < 0 ? word : word.substring(0, equals)).replace('_', '-');
            Option option = find(name);
            if (option.hasValue() != equals >= 0) {
                throw Fault.invalidArgument(
                        "-o %s %s", name, option.hasValue() ? "needs a value" : "takes no value");
            }
            set(option, equals < 0 ? "" : word.substring(equals + 1));
        }
    }

    private static Option find(String name) {
        String known = ALIASES.getOrDefault(name, name);
        Option option = Option.BY_NAME.get(known);
        if (option == null) {
            throw Fault.invalidArgument("there is no option '%s'", name)
                    .withHint("--help lists the options");
        }
        return option;
    }

    private void set(String name, String value) {
        set(Objects.requireNonNull(Option.BY_NAME.get(name)), value);
    }

    private void set(Option option, String value) {
        if (option.refusal() != null) {
            throw Fault.unimplemented("--%s is refused: %s", option.name(), option.refusal());
        }
        if (LISTS.contains(option.name())) {
            lists.computeIfAbsent(option.name(), _ -> new ArrayList<>()).add(value);
            return;
        }
        String before = values.put(option.name(), value);
        if (before != null && !before.equals(value) && ONCE.contains(option.name())) {
            throw Fault.invalidArgument(
                            "--%s is said twice, '%s' and '%s'", option.name(), before, value)
                    .withHint("'-o source=' is the same as --shared-dir");
        }
        // "--no-x" and "--x": the later one counts.
        values.remove(
                option.name().startsWith("no-")
                        ? option.name().substring(3)
                        : "no-" + option.name());
    }

    // --- meaning ------------------------------------------------------------------------------

    private ServerOptions options() {
        boolean shows = has("print-capabilities") || has("help") || has("version");
        String sharedDir = values.get("shared-dir");
        if (sharedDir == null && !shows) {
            throw bad("there is no --shared-dir");
        }
        Optional<Path> socketPath = Optional.ofNullable(values.get("socket-path")).map(Path::of);
        OptionalInt fd =
                has("fd")
                        ? OptionalInt.of((int) number("fd", 0, Integer.MAX_VALUE))
                        : OptionalInt.empty();
        if (socketPath.isPresent() == fd.isPresent() && !shows) {
            throw bad(
                    fd.isPresent()
                            ? "--fd and --socket-path contradict each other"
                            : "there is neither --socket-path nor --fd");
        }
        Optional<String> group = Optional.ofNullable(values.get("socket-group"));
        if (group.isPresent() && socketPath.isEmpty() && !shows) {
            throw bad("--socket-group makes no sense without --socket-path");
        }
        if (has("control-socket") && has("control-fd")) {
            throw bad("--control-fd and --control-socket contradict each other");
        }
        String handles = values.getOrDefault("inode-file-handles", "never");
        boolean useHandles =
                switch (handles) {
                    case "never" -> false;
                    case "prefer", "mandatory" -> true;
                    default -> throw notOneOf("inode-file-handles", "never, prefer, mandatory");
                };
        Optional<String> tag = Optional.ofNullable(values.get("tag"));
        if (tag.isPresent()) {
            int bytes = tag.get().getBytes(StandardCharsets.UTF_8).length;
            if (bytes == 0 || bytes > TagConfig.MOST_TAG_BYTES) {
                throw bad("--tag has %d bytes, not 1 to %d", bytes, TagConfig.MOST_TAG_BYTES);
            }
        }
        return new ServerOptions(
                sharedDir == null ? null : Path.of(sharedDir),
                socketPath,
                group,
                fd,
                files(useHandles),
                handles.equals("mandatory"),
                sandbox(),
                seccomp(),
                capabilities(useHandles),
                has("thread-pool-size")
                        ? OptionalInt.of((int) number("thread-pool-size", 0, 1024))
                        : OptionalInt.empty(),
                has("rlimit-nofile")
                        ? OptionalLong.of(number("rlimit-nofile", 0, Integer.MAX_VALUE))
                        : OptionalLong.empty(),
                tag,
                limits(),
                Optional.ofNullable(values.get("control-socket")).map(Path::of),
                has("control-fd")
                        ? OptionalInt.of((int) number("control-fd", 0, Integer.MAX_VALUE))
                        : OptionalInt.empty(),
                logLevel(),
                has("print-capabilities"),
                has("help"),
                has("version"));
    }

    private FileSystemOptions files(boolean handles) {
        CacheMode cache =
                switch (values.getOrDefault("cache", "auto")) {
                    case "never", "none" -> CacheMode.NEVER;
                    case "metadata" -> CacheMode.METADATA;
                    case "auto" -> CacheMode.AUTO;
                    case "always" -> CacheMode.ALWAYS;
                    default -> throw notOneOf("cache", "never, metadata, auto, always");
                };
        boolean acl = has("posix-acl");
        boolean translates =
                lists.containsKey("translate-uid") || lists.containsKey("translate-gid");
        if (acl && translates) {
            throw bad(
                    "--posix-acl and --translate-uid or --translate-gid contradict each other: the"
                            + " numbers in access control lists would not be translated");
        }
        String mapText = values.get("xattrmap");
        XattrMap map = null;
        if (mapText != null) {
            map = parsed("xattrmap", () -> XattrMap.of(mapText));
        } else if (has("xattr") || acl || has("security-label")) {
            map = XattrMap.IDENTITY;
        }
        if (map != null && has("no-xattr")) {
            throw bad("--no-xattr contradicts an option that needs extended attributes");
        }
        return new FileSystemOptions(
                cache,
                has("timeout") ? timeout() : cache.timeoutNanos(),
                has("writeback"),
                map,
                acl,
                has("security-label"),
                has("killpriv-v2"),
                !has("no-readdirplus"),
                has("allow-direct-io"),
                has("allow-mmap"),
                !has("no-announce-submounts"),
                handles,
                has("readonly"),
                has("preserve-noatime"),
                parsed("translate-uid", () -> IdMap.of(list("translate-uid"))),
                parsed("translate-gid", () -> IdMap.of(list("translate-gid"))),
                space());
    }

    private @Nullable SpaceLimit space() {
        String text = values.get("fs-quota");
        return text == null ? null : SpaceLimit.parse(text);
    }

    private Limits limits() {
        try {
            return Limits.of(values);
        } catch (IllegalArgumentException e) {
            throw bad("--%s", e.getMessage());
        }
    }

    private List<String> list(String name) {
        return lists.getOrDefault(name, List.of());
    }

    private long timeout() {
        String text = Objects.requireNonNull(values.get("timeout"));
        try {
            double seconds = Double.parseDouble(text);
            if (seconds >= 0 && seconds <= 1e9) {
                return (long) (seconds * SECOND);
            }
        } catch (NumberFormatException _) {
            // as any other that is none
        }
        throw bad("--timeout is '%s', no number of seconds", text);
    }

    private Sandbox sandbox() {
        return switch (values.getOrDefault("sandbox", "namespace")) {
            case "namespace" -> Sandbox.NAMESPACE;
            case "chroot" -> Sandbox.CHROOT;
            case "none" -> Sandbox.NONE;
            default -> throw notOneOf("sandbox", "namespace, chroot, none");
        };
    }

    private Seccomp.@Nullable Action seccomp() {
        return switch (values.getOrDefault("seccomp", "kill")) {
            case "none" -> null;
            case "kill" -> Seccomp.Action.KILL;
            case "log" -> Seccomp.Action.LOG;
            case "trap" -> Seccomp.Action.TRAP;
            default -> throw notOneOf("seccomp", "none, kill, log, trap");
        };
    }

    private long capabilities(boolean handles) {
        Set<Capability> kept = Capability.usual(handles);
        String changes = values.get("modcaps");
        if (changes != null) {
            try {
                Capability.change(kept, changes);
            } catch (IllegalArgumentException e) {
                throw bad("--modcaps makes no sense: %s", e.getMessage());
            }
        }
        return Capability.word(kept);
    }

    private ServerOptions.LogLevel logLevel() {
        return switch (values.getOrDefault("log-level", "info")) {
            case "error", "err" -> ServerOptions.LogLevel.ERROR;
            case "warn" -> ServerOptions.LogLevel.WARN;
            case "info" -> ServerOptions.LogLevel.INFO;
            case "debug" -> ServerOptions.LogLevel.DEBUG;
            case "trace" -> ServerOptions.LogLevel.TRACE;
            case "off" -> ServerOptions.LogLevel.OFF;
            default -> throw notOneOf("log-level", "error, warn, info, debug, trace, off");
        };
    }

    private boolean has(String name) {
        return values.containsKey(name);
    }

    private long number(String name, long least, long most) {
        String text = Objects.requireNonNull(values.get(name));
        try {
            long number = Long.parseLong(text);
            if (number >= least && number <= most) {
                return number;
            }
        } catch (NumberFormatException _) {
            // as any other that is none
        }
        throw bad("--%s is '%s', no number from %d to %d", name, text, least, most);
    }

    private Fault notOneOf(String name, String possible) {
        return bad("--%s is '%s', which is none of %s", name, values.get(name), possible);
    }

    private static <T> T parsed(String name, Supplier<T> value) {
        try {
            return value.get();
        } catch (IllegalArgumentException e) {
            throw bad("--%s makes no sense: %s", name, e.getMessage());
        }
    }

    @FormatMethod
    private static Fault bad(String format, @Nullable Object... arguments) {
        return Fault.invalidArgument(format, arguments);
    }
}
