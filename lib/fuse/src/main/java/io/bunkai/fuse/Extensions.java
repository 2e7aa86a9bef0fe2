// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.fuse;

import io.bunkai.linux.Errno;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/**
 * What a request that makes a file brings beside names and numbers.
 *
 * @param securityContexts labels of the new file, see {@link InitFlag#SECURITY_CTX}
 * @param groups supplementary groups of the caller, unsigned numbers, see {@link
 *     InitFlag#CREATE_SUPP_GROUP}; Linux sends the one that owns the directory, if the caller is in
 *     it
 */
public record Extensions(List<SecurityContext> securityContexts, List<Integer> groups) {
    /** No extension, which is the rule. */
    public static final Extensions NONE = new Extensions(List.of(), List.of());

    /** NGROUPS_MAX of Linux. */
    private static final int MAX_GROUPS = 65536;

    /**
     * A label.
     *
     * @param name of the attribute that holds it: {@code security.selinux}
     * @param label what it is to hold
     */
    public record SecurityContext(XattrName name, ByteString label) {}

    public Extensions {
        securityContexts = List.copyOf(securityContexts);
        groups = List.copyOf(groups);
    }

    /**
     * Decodes what lies behind the names of a request. The memory is private, so it can be looked
     * at more than once.
     *
     * @throws FuseProtocolException EINVAL if sizes and counts do not fit each other
     */
    static Extensions decode(MemorySegment head, int from, int end) throws FuseProtocolException {
        List<SecurityContext> contexts = new ArrayList<>();
        List<Integer> groups = new ArrayList<>();
        int at = from;
        while (at < end) {
            int body = at + Structs.EXT_HEADER.bytes();
            if (body > end) {
                throw malformed("an extension without a whole header");
            }
            long size = Integer.toUnsignedLong(head.get(Wire.LE32, at));
            int type = head.get(Wire.LE32, at + 4L);
            if (size < Structs.EXT_HEADER.bytes() || size > end - at) {
                throw malformed("an extension of " + size + " bytes, with " + (end - at) + " left");
            }
            int bodyEnd = at + (int) size;
            if (type >= 0 && type <= ExtensionType.MAX_NR_SECCTX) {
                decodeContexts(head, body, bodyEnd, type, contexts);
            } else if (type == ExtensionType.GROUPS) {
                decodeGroups(head, body, bodyEnd, groups);
            } // others are for later versions, and can be passed over
            at = align(bodyEnd, from);
        }
        return contexts.isEmpty() && groups.isEmpty() ? NONE : new Extensions(contexts, groups);
    }

    private static void decodeContexts(
            MemorySegment head, int from, int end, int count, List<SecurityContext> contexts)
            throws FuseProtocolException {
        int at = from;
        for (int i = 0; i < count; i++) {
            int nameAt = at + Structs.SECCTX.bytes();
            if (nameAt > end) {
                throw malformed("fewer security contexts than the " + count + " announced");
            }
            long size = Integer.toUnsignedLong(head.get(Wire.LE32, at));
            int nameEnd = nameAt;
            while (nameEnd < end && head.get(Wire.BYTE, nameEnd) != 0) {
                nameEnd++;
            }
            int length = nameEnd - nameAt;
            if (nameEnd == end || length == 0 || length > XattrName.MAX_BYTES) {
                throw malformed("a security context without a name");
            }
            int labelAt = nameEnd + 1;
            if (size > end - labelAt) {
                throw malformed(
                        "a security context of " + size + " bytes, with " + (end - labelAt));
            }
            contexts.add(
                    new SecurityContext(
                            new XattrName(ByteString.of(head, nameAt, length)),
                            ByteString.of(head, labelAt, (int) size)));
            at = align(labelAt + (int) size, from);
        }
    }

    private static void decodeGroups(MemorySegment head, int from, int end, List<Integer> groups)
            throws FuseProtocolException {
        int listAt = from + Structs.SUPP_GROUPS.bytes();
        if (listAt > end) {
            throw malformed("groups without a count");
        }
        long count = Integer.toUnsignedLong(head.get(Wire.LE32, from));
        if (count > MAX_GROUPS || count * 4 > end - listAt) {
            throw malformed(count + " groups in " + (end - listAt) + " bytes");
        }
        for (int i = 0; i < count; i++) {
            groups.add(head.get(Wire.LE32, listAt + 4L * i));
        }
    }

    /** {@return the next multiple of eight, counted from where the extensions begin} */
    private static int align(int at, int from) {
        int distance = at - from;
        return from + Math.ceilDiv(distance, ExtensionType.ALIGNMENT) * ExtensionType.ALIGNMENT;
    }

    private static FuseProtocolException malformed(String what) {
        return new FuseProtocolException(Errno.EINVAL, what);
    }
}
