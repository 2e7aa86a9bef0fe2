// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.images;

import io.bunkai.base.ByteSize;
import io.bunkai.base.Fault;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * What an image has used of its limits, and the refusal of more. Counted before memory or disk is
 * used.
 *
 * <p>Used by one thread.
 */
final class Budget {
    private final UnpackLimits limits;
    private long unpacked;
    private int entries;
    private int layers;

    Budget(UnpackLimits limits) {
        this.limits = limits;
    }

    void takeLayer() {
        if (++layers > limits.layers()) {
            throw Fault.resourceExhausted("the image has more than %d layers", limits.layers());
        }
    }

    /** {@return how many layers were taken} */
    int layers() {
        return layers;
    }

    void takeEntry() {
        if (++entries > limits.entries()) {
            throw Fault.resourceExhausted("the image has more than %d files", limits.entries())
                    .withHint("raise the limit on entries if you trust the image");
        }
    }

    void takeBytes(long size) {
        if (size > limits.unpacked().bytes() - unpacked) {
            throw Fault.resourceExhausted(
                            "the image is larger than %s when it is unpacked", limits.unpacked())
                    .withHint("raise the limit on unpacked bytes if you trust the image");
        }
        unpacked += size;
    }

    /**
     * {@return those of a file's attributes that a container gets}
     *
     * @param file its name, for a message
     */
    SortedMap<String, byte[]> keepXattrs(String file, Map<String, byte[]> xattrs) {
        SortedMap<String, byte[]> kept = new TreeMap<>();
        long bytes = 0;
        for (Map.Entry<String, byte[]> xattr : xattrs.entrySet()) {
            String name = xattr.getKey();
            bytes += name.length() + xattr.getValue().length;
            if (bytes > limits.xattrBytes()
                    || name.length() > ErofsFormat.MAX_XATTR_NAME
                    || xattr.getValue().length > ErofsFormat.MAX_XATTR_VALUE) {
                throw Fault.resourceExhausted(
                        "%s has extended attributes of more than %s",
                        Bytes.shown(file), new ByteSize(limits.xattrBytes()));
            }
            if (isKept(name)) {
                kept.put(name, xattr.getValue());
            }
        }
        return kept;
    }

    /**
     * An SELinux label belongs to the host that the image was made on, and the attributes of an
     * overlay would speak to the overlay that the guest makes, not to the container.
     */
    private static boolean isKept(String xattr) {
        return ErofsWriter.canHoldXattr(xattr)
                && !xattr.equals("security.selinux")
                && !xattr.startsWith("trusted.overlay.")
                && !xattr.startsWith("user.overlay.");
    }
}
