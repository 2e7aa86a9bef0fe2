// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.agent;

import io.bunkai.base.Fault;
import io.bunkai.linux.Fd;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Finds users and groups by the files of a container, with Docker's rules: a number needs no entry;
 * a user alone brings the group of its entry and all groups that list it; a user with a group has
 * that group only.
 *
 * <p>The files are the container's and may be anything: only regular files are read, through links
 * only within the container's root, and only their first MiB.
 *
 * @spec https://man7.org/linux/man-pages/man5/passwd.5.html passwd(5)
 * @spec https://man7.org/linux/man-pages/man5/group.5.html group(5)
 */
final class UserLookup {
    private static final int MOST_BYTES = 1 << 20;
    private static final int CHUNK = 64 * 1024;
    private static final long LARGEST_ID = 0xffff_fffeL;

    private final List<String[]> users;
    private final List<String[]> groups;

    private UserLookup(List<String[]> users, List<String[]> groups) {
        this.users = users;
        this.groups = groups;
    }

    /**
     * Who a process runs as; ids are unsigned 32-bit numbers.
     *
     * @param uid user
     * @param gid group
     * @param additionalGids further groups, ascending
     */
    record Identity(int uid, int gid, List<Integer> additionalGids) {
        Identity {
            additionalGids = List.copyOf(additionalGids);
        }
    }

    /** {@return the users and groups of the container whose root is at {@code root}} */
    static UserLookup of(Path root) {
        return new UserLookup(entries(root, "etc/passwd"), entries(root, "etc/group"));
    }

    /**
     * {@return who {@code user} is, written as {@code user}, {@code user:group}, {@code 1000} or
     * {@code 1000:1000}}
     *
     * @throws Fault NOT_FOUND if a name has no entry
     */
    Identity find(String user) {
        int colon = user.indexOf(':');
        return colon < 0
                ? find(user, "")
                : find(user.substring(0, colon), user.substring(colon + 1));
    }

    /**
     * {@return who that is}
     *
     * @param user name or number; empty is 0
     * @param group name or number; empty is the group of the user's entry
     * @throws Fault NOT_FOUND if a name has no entry
     */
    Identity find(String user, String group) {
        String wanted = user.isEmpty() ? "0" : user;
        String @Nullable [] entry = entryOf(users, wanted);
        if (entry == null && !isNumber(wanted)) {
            throw Fault.notFound("no user '%s' in /etc/passwd of the image", Log.printable(user))
                    .withHint("name a user of the image, or a number");
        }
        int uid = id(entry == null ? wanted : entry[2]);
        if (!group.isEmpty()) {
            return new Identity(uid, groupId(group), List.of());
        }
        int gid = entry == null || entry.length < 4 || !isNumber(entry[3]) ? 0 : id(entry[3]);
        return new Identity(uid, gid, entry == null ? List.of() : membershipsOf(entry[0], gid));
    }

    /**
     * {@return the number of a group}
     *
     * @throws Fault NOT_FOUND if a name has no entry
     */
    int groupId(String group) {
        if (isNumber(group)) {
            return id(group);
        }
        String @Nullable [] entry = entryOf(groups, group);
        if (entry == null) {
            throw Fault.notFound("no group '%s' in /etc/group of the image", Log.printable(group))
                    .withHint("name a group of the image, or a number");
        }
        return id(entry[2]);
    }

    private List<Integer> membershipsOf(String user, int primary) {
        TreeSet<Integer> gids = new TreeSet<>(Integer::compareUnsigned);
        for (String[] group : groups) {
            if (group.length >= 4 && isNumber(group[2]) && lists(group[3], user)) {
                gids.add(id(group[2]));
            }
        }
        gids.remove(primary);
        return new ArrayList<>(gids);
    }

    private static boolean lists(String members, String user) {
        for (String member : members.split(",")) {
            if (member.equals(user)) {
                return true;
            }
        }
        return false;
    }

    /** What looks like a number is one, even if an entry has it as its name. */
    private static String @Nullable [] entryOf(List<String[]> entries, String wanted) {
        int field = isNumber(wanted) ? 2 : 0;
        for (String[] entry : entries) {
            if (entry[field].equals(wanted) && isNumber(entry[2])) {
                return entry;
            }
        }
        return null;
    }

    private static boolean isNumber(String text) {
        for (int i = 0; i < text.length(); i++) {
            if (text.charAt(i) < '0' || text.charAt(i) > '9') {
                return false;
            }
        }
        return !text.isEmpty() && text.length() <= 10 && Long.parseLong(text) <= LARGEST_ID;
    }

    private static int id(String digits) {
        return Integer.parseUnsignedInt(digits);
    }

    private static List<String[]> entries(Path root, String file) {
        List<String[]> entries = new ArrayList<>();
        for (String line : read(root, file).split("\n")) {
            String[] fields = line.strip().split(":", -1);
            if (fields.length >= 3 && !fields[0].isEmpty()) {
                entries.add(fields);
            }
        }
        return entries;
    }

    private static String read(Path root, String file) {
        try {
            Optional<Path> found = Beneath.lookup(root, file);
            if (found.isEmpty() || !Files.isRegularFile(found.get(), LinkOption.NOFOLLOW_LINKS)) {
                return "";
            }
            // Non-blocking: if the container swaps the file for a pipe just now, nobody hangs here.
            try (Fd fd = Fd.open(found.get(), Fd.O_RDONLY | Fd.O_NONBLOCK)) {
                ByteArrayOutputStream text = new ByteArrayOutputStream();
                byte[] buffer = new byte[CHUNK];
                int n;
                while (text.size() < MOST_BYTES && (n = fd.read(buffer, 0, CHUNK)) > 0) {
                    text.write(buffer, 0, n);
                }
                return text.toString(StandardCharsets.UTF_8);
            }
        } catch (IOException e) {
            Log.warning("reading " + file + " of a container failed: " + e.getMessage());
            return "";
        }
    }
}
