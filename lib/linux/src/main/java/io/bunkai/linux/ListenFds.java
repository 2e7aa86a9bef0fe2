// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.linux;

import io.bunkai.base.Closer;
import io.bunkai.base.Fault;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The protocol by which a process is given descriptors along with its start: they are numbered from
 * 3 on, and variables tell for whom they are, how many, and their names.
 *
 * @spec https://www.freedesktop.org/software/systemd/man/252/sd_listen_fds.html sd_listen_fds(3)
 */
final class ListenFds {
    static final String PID = "LISTEN_PID";
    static final String COUNT = "LISTEN_FDS";
    static final String NAMES = "LISTEN_FDNAMES";

    /** Where the numbers begin. */
    static final int FIRST = 3;

    /** What a descriptor is called where there are no names. */
    private static final String UNKNOWN = "unknown";

    private ListenFds() {}

    /**
     * {@return the descriptors, by name}
     *
     * @throws Fault INVALID_ARGUMENT if the variables make no sense
     * @throws ErrnoException EBADF if one of them is not open
     */
    static Map<String, List<Fd>> take(Map<String, String> environment, String ownPid)
            throws ErrnoException {
        if (!ownPid.equals(environment.get(PID))) {
            return Map.of();
        }
        List<String> names = names(environment);
        Map<String, List<Fd>> byName = new LinkedHashMap<>();
        try (Closer undo = new Closer()) {
            for (int i = 0; i < names.size(); i++) {
                byName.computeIfAbsent(names.get(i), _ -> new ArrayList<>())
                        .add(undo.own(Fd.inherited(FIRST + i)));
            }
            undo.release();
        }
        byName.replaceAll((_, fds) -> List.copyOf(fds));
        return Collections.unmodifiableMap(byName);
    }

    private static List<String> names(Map<String, String> environment) {
        int count = count(environment.getOrDefault(COUNT, "0"));
        String names = environment.get(NAMES);
        if (names == null) {
            return Collections.nCopies(count, UNKNOWN);
        }
        List<String> split = count == 0 ? List.of() : List.of(names.split(":", -1));
        if (split.size() != count) {
            throw Fault.invalidArgument(
                    "%s counts %d descriptors and %s names %d", COUNT, count, NAMES, split.size());
        }
        return split;
    }

    private static int count(String text) {
        try {
            int count = Integer.parseInt(text);
            if (count >= 0 && count <= Integer.MAX_VALUE - FIRST) {
                return count;
            }
        } catch (NumberFormatException _) {
            // said below
        }
        throw Fault.invalidArgument("%s=%s is no number of descriptors", COUNT, text);
    }
}
