// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

import io.bunkai.base.Fault;
import java.security.SecureRandom;
import java.util.HexFormat;
import java.util.List;
import java.util.regex.Pattern;

/** Ids and names of containers: made, and checked when a user brings them. */
public final class ContainerNames {
    /**
     * Id: 16 hexadecimal digits, so that a machine's sockets stay within the kernel's 107 bytes of
     * path.
     */
    private static final int ID_BYTES = 8;

    private static final Pattern NAME = Pattern.compile("[a-zA-Z0-9][a-zA-Z0-9_.-]{0,63}");
    private static final SecureRandom RANDOM = new SecureRandom();
    private static final List<String> FIRST =
            List.of(
                    "calm", "swift", "still", "bright", "quiet", "keen", "bold", "gentle", "steady",
                    "sharp", "light", "deep", "clear", "firm", "brave", "patient");
    private static final List<String> SECOND =
            List.of(
                    "crane", "tiger", "heron", "pine", "river", "stone", "wave", "cloud", "willow",
                    "fox", "maple", "lotus", "hawk", "cedar", "moon", "reed");

    private ContainerNames() {}

    /** {@return a new id; two are never the same} */
    public static String newId() {
        byte[] bytes = new byte[ID_BYTES];
        RANDOM.nextBytes(bytes);
        return HexFormat.of().formatHex(bytes);
    }

    /** {@return a name that is easy to type; it may be taken} */
    public static String newName() {
        return FIRST.get(RANDOM.nextInt(FIRST.size()))
                + "-"
                + SECOND.get(RANDOM.nextInt(SECOND.size()))
                + "-"
                + RANDOM.nextInt(1000);
    }

    /**
     * {@return {@code name}, if it can be one}
     *
     * @throws Fault INVALID_ARGUMENT if not
     */
    public static String check(String name) {
        if (!NAME.matcher(name).matches()) {
            throw Fault.invalidArgument("'%s' cannot be the name of a container", name)
                    .withHint(
                            "use up to 64 letters, digits, '_', '.' and '-', a letter or digit"
                                    + " first");
        }
        return name;
    }
}
