// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.kernel;

import io.bunkai.base.Fault;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A version of Linux.
 *
 * @param major the first number
 * @param minor the second
 * @param patch the third; 0 if there is none
 * @param extra what follows, such as {@code -rc3}
 */
record KernelVersion(int major, int minor, int patch, String extra)
        implements Comparable<KernelVersion> {
    private static final Pattern FORM =
            Pattern.compile("v?(\\d{1,4})\\.(\\d{1,4})(?:\\.(\\d{1,4}))?([-.+~][\\w.+~-]{0,40})?");

    /**
     * {@return the version that a text names}
     *
     * @throws Fault INVALID_ARGUMENT if it names none
     */
    static KernelVersion parse(String text) {
        Matcher found = FORM.matcher(text);
        if (!found.matches()) {
            throw Fault.invalidArgument("'%s' is no version of Linux", text)
                    .withHint("a version looks like 6.1 or 6.1.176");
        }
        String patch = found.group(3);
        String extra = found.group(4);
        return new KernelVersion(
                Integer.parseInt(found.group(1)),
                Integer.parseInt(found.group(2)),
                patch == null ? 0 : Integer.parseInt(patch),
                extra == null ? "" : extra);
    }

    /** {@return whether {@code wanted} names this version, or the series that it belongs to} */
    boolean isMeantBy(String wanted) {
        String own = toString();
        String asked = wanted.startsWith("v") ? wanted.substring(1) : wanted;
        return own.equals(asked) || own.startsWith(asked + ".") || own.startsWith(asked + "-");
    }

    /** {@return the series that its patches are kept under} */
    String patchFolder() {
        return major + "." + minor + ".x";
    }

    @Override
    public int compareTo(KernelVersion other) {
        if (major != other.major) {
            return Integer.compare(major, other.major);
        }
        if (minor != other.minor) {
            return Integer.compare(minor, other.minor);
        }
        return Integer.compare(patch, other.patch);
    }

    @Override
    public String toString() {
        return major + "." + minor + (patch == 0 ? "" : "." + patch) + extra;
    }
}
