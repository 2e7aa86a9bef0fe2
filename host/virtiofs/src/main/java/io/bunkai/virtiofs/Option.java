// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtiofs;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * An option of the command line.
 *
 * @param name without the dashes
 * @param value what its value is, in capitals; empty if it has none
 * @param text what it does, for the help; empty for what is there for compatibility only
 * @param refusal why it is refused; null if it is not
 */
record Option(String name, String value, String text, @Nullable String refusal) {
    private static final String NO_MIGRATION =
            "the state of a file system device cannot be migrated yet";
    private static final String LOCAL_LOCKS =
            "locks of the guest are not taken on the host yet; they hold within the guest";

    /** All of them, in the order of the help. */
    private static final List<Option> ALL =
            List.of(
                    of("shared-dir", "DIR", "The directory to share (-o source=DIR)."),
                    of("socket-path", "PATH", "Listen on this socket, for one connection."),
                    of("socket-group", "GROUP", "Let this group connect to it, too."),
                    of("fd", "NUMBER", "Use a socket that this process was started with."),
                    of(
                            "tag",
                            "TAG",
                            "Offer the device's configuration, with this tag. QEMU has its own,\n"
                                    + "and its versions 7.1 to 8.0 crash if it is offered one."),
                    of(
                            "cache",
                            "MODE",
                            "What the guest may believe without asking: never, metadata, auto\n"
                                + "(names and attributes for a second), always. Default: auto."),
                    of("timeout", "SECONDS", "How long names and attributes hold instead."),
                    of("writeback", "", "Let the guest collect writes."),
                    of("no-writeback", "", ""),
                    of("no-readdirplus", "", "List directories without attributes."),
                    of("readdirplus", "", ""),
                    of("allow-direct-io", "", "O_DIRECT of the guest reaches the host."),
                    of("no-allow-direct-io", "", ""),
                    of("allow-mmap", "", "Files without a cache can be mapped shared."),
                    of("xattr", "", "Extended attributes."),
                    of("no-xattr", "", ""),
                    of(
                            "xattrmap",
                            "RULES",
                            "How they are called on the host: rules :TYPE:SCOPE:KEY:PREPEND: and\n"
                                    + ":map:KEY:PREPEND:, the first that fits counts. Implies"
                                    + " --xattr."),
                    of("posix-acl", "", "Access control lists. Implies --xattr."),
                    of("no-posix-acl", "", ""),
                    of("security-label", "", "New files get the guest's label. Implies --xattr."),
                    of("no-security-label", "", ""),
                    of("killpriv-v2", "", "Set-id bits are dropped here, not by the guest."),
                    of("no-killpriv-v2", "", ""),
                    of("announce-submounts", "", ""),
                    of("no-announce-submounts", "", "The guest sees mounts as directories."),
                    of(
                            "inode-file-handles",
                            "WHEN",
                            "Whether files that the guest knows are found by handle when they are\n"
                                + "not held open: never, prefer, mandatory. Default: never, since"
                                + " whoever\n"
                                + "uses handles can open every file of the file system."),
                    of(
                            "translate-uid",
                            "RULE",
                            """
                            How users of the guest are called on the host, and back:
                            guest:GUEST:HOST:COUNT, host:HOST:GUEST:COUNT,
                            squash-guest:GUEST:HOST:COUNT, squash-host:HOST:GUEST:COUNT,
                            forbid-guest:GUEST:COUNT, map:GUEST:HOST:COUNT. Several rules
                            are several options; other numbers stay what they are.\
                            """),
                    of("translate-gid", "RULE", "The same for groups."),
                    of("readonly", "", "Nothing can be changed."),
                    of(
                            "fs-quota",
                            "BYTES[,INODES]",
                            "How much the directory may take, as du counts, and how many files it\n"
                                    + "may have: 512M,10000. Units as for --fs-bw-size."),
                    of("preserve-noatime", "", "O_NOATIME of the guest reaches the host."),
                    of(
                            "sandbox",
                            "MODE",
                            "How far to go from the host: namespace (the directory is all that is\n"
                                    + "mounted; no network), chroot, none. Default: namespace."),
                    of(
                            "seccomp",
                            "ACTION",
                            "What happens at a system call that is not on the list of what a file\n"
                                + "server needs: kill, trap (a report with its number), log; none"
                                + " for no\n"
                                + "filter. Default: kill."),
                    of(
                            "modcaps",
                            "LIST",
                            "Rights of root that are kept besides, or not: +NAME and -NAME, with"
                                + " ':'\n"
                                + "between them, as +sys_admin for attributes in 'trusted.', +mknod"
                                + " for\n"
                                + "device nodes."),
                    of(
                            "thread-pool-size",
                            "COUNT",
                            "How many threads may help when many requests wait for something"
                                    + " slow;\n"
                                    + "0 for none. Default: as many as are of use."),
                    of(
                            "fs-bw-size",
                            "BYTES",
                            """
                            The guest may read and write so much in each interval, which is a
                            second: bytes, or with k, M, G (1000) or Ki, Mi, Gi (1024). As much
                            can be saved up, and is at the start. 0, the default: no limit.\
                            """),
                    of(
                            "fs-bw-burst",
                            "BYTES",
                            """
                            A credit beyond that, given once: with a size of 10M
                            and a burst of 20M the first 30 MB are not held back, and 100 MB take
                            7 seconds. Default: 0.\
                            """),
                    of(
                            "fs-bw-burst-mode",
                            "MODE",
                            "one-time, or refill: the burst is instead how much can be saved up,\n"
                                    + "and is there again after a rest. Default: one-time."),
                    of("fs-bw-refill-time", "MILLIS", "The interval. Default: 1000."),
                    of("fs-bw-read-size", "BYTES", "The same for reading alone,"),
                    of("fs-bw-read-burst", "BYTES", "with its credit."),
                    of(
                            "fs-bw-write-size",
                            "BYTES",
                            "The same for writing alone; not together with --fs-bw-size,"),
                    of("fs-bw-write-burst", "BYTES", "with its credit."),
                    of(
                            "fs-ops-size",
                            "COUNT",
                            "The guest may send so many requests in each interval; those by which\n"
                                    + "it gives something back do not count. 0, the default: no"
                                    + " limit."),
                    of("fs-ops-burst", "COUNT", "A credit beyond that, given once. Default: 0."),
                    of("fs-ops-refill-time", "MILLIS", "The interval for them. Default: 1000."),
                    of(
                            "control-socket",
                            "PATH",
                            "Make a socket, for this user alone, by which limits are changed and\n"
                                    + "counters are read."),
                    of(
                            "control-fd",
                            "NUMBER",
                            "Use a listening socket for that which this process was started with."),
                    of(
                            "rlimit-nofile",
                            "COUNT",
                            "How many descriptors to have; 0 leaves it as it is. Default:"
                                    + " 1000000,\n"
                                    + "or what the system allows."),
                    of(
                            "log-level",
                            "LEVEL",
                            "error, warn, info, debug, trace, off. Default: info."),
                    of("print-capabilities", "", "Print what this program is, as JSON."),
                    of("help", "", "Print this help."),
                    of("version", "", "Print the version."),
                    of("no-flock", "", ""),
                    of("no-posix-lock", "", ""),
                    refused("flock", "", LOCAL_LOCKS),
                    refused("posix-lock", "", LOCAL_LOCKS),
                    refused("uid-map", "RULE", "user namespaces are not there yet"),
                    refused("gid-map", "RULE", "user namespaces are not there yet"),
                    refused("syslog", "", "the log goes to standard error only"),
                    refused("daemonize", "", "this program stays in the foreground"),
                    refused("migration-mode", "MODE", NO_MIGRATION),
                    refused("migration-on-error", "ACTION", NO_MIGRATION),
                    refused("migration-verify-handles", "", NO_MIGRATION),
                    refused("migration-confirm-paths", "", NO_MIGRATION));

    /** All of them. */
    static final Map<String, Option> BY_NAME = byName();

    private static Option of(String name, String value, String text) {
        return new Option(name, value, text, null);
    }

    private static Option refused(String name, String value, String reason) {
        return new Option(name, value, "", reason);
    }

    private static Map<String, Option> byName() {
        Map<String, Option> all = new LinkedHashMap<>();
        ALL.forEach(option -> all.put(option.name, option));
        return all;
    }

    boolean hasValue() {
        return !value.isEmpty();
    }

    /** {@return the text for {@code --help}} */
    static String help() {
        StringBuilder help = new StringBuilder();
        help.append("Usage: bunkai-virtiofsd --shared-dir DIR (--socket-path PATH | --fd NUMBER)");
        help.append(" [OPTION]...\nShares a directory with a virtual machine, by vhost-user.\n\n");
        for (Option option : ALL) {
            if (!option.text.isEmpty()) {
                String word = "--" + option.name + (option.hasValue() ? "=" + option.value : "");
                help.append("  ").append(word);
                help.append(
                        word.length() < 26
                                ? " ".repeat(26 - word.length())
                                : "\n" + " ".repeat(28));
                help.append(option.text.replace("\n", "\n" + " ".repeat(28))).append('\n');
            }
        }
        help.append("\n-o NAME[=VALUE],... takes the same names, as the C daemon has them; -f is");
        help.append(" accepted,\n-d is --log-level=debug.\n");
        return help.toString();
    }
}
