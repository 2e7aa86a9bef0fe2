// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.fuse;

import java.util.Set;

/**
 * How an INIT ends: a function of what the kernel offers and what the server would like.
 *
 * <ul>
 *   <li>Another major version of the kernel: 8 and later are told ours and come again; 6 and before
 *       are refused.
 *   <li>The smaller of the two minor versions counts. Below {@value #LEAST_MINOR} (Linux 4.20) is
 *       refused, so that no structure has a form of long ago; virtio-fs began with 7.31.
 *   <li>A feature is agreed on if it is offered and wanted. Offers above 31 count only where
 *       INIT_EXT is offered.
 *   <li>Without MAX_PAGES a request has at most 32 pages, whatever {@code max_write} says.
 * </ul>
 */
public sealed interface Negotiation {
    /** The version of the protocol that this library speaks: 7.45, Linux 6.18. */
    int MAJOR = 7;

    /** See {@link #MAJOR}. */
    int MINOR = 45;

    /** The oldest minor version that is served. */
    int LEAST_MINOR = 27;

    /** The unit of {@link Agreement#maxPages}. A peer with larger pages can only send less. */
    int PAGE_BYTES = 4096;

    /** What a kernel takes that was not told MAX_PAGES. */
    int DEFAULT_PAGES = 32;

    /** Both sides speak the same. */
    record Agreed(Agreement agreement) implements Negotiation {}

    /** The kernel is newer: it is told our version, and sends another INIT. */
    record Newer() implements Negotiation {}

    /** There is nothing to agree on. */
    record Refused(int errno, String reason) implements Negotiation {}

    /** Never agreed on: they speak about transports other than those that this library has. */
    Set<InitFlag> NEVER =
            Set.of(
                    InitFlag.FILE_OPS,
                    InitFlag.INIT_RESERVED,
                    InitFlag.PASSTHROUGH,
                    InitFlag.OVER_IO_URING);

    /** {@return how this INIT ends} */
    static Negotiation of(FuseRequest.Init offer, InitOptions options) {
        if (Integer.compareUnsigned(offer.major(), MAJOR) > 0) {
            return new Newer();
        }
        if (offer.major() != MAJOR || Integer.compareUnsigned(offer.minor(), LEAST_MINOR) < 0) {
            return new Refused(
                    Wire.EPROTO,
                    "the kernel speaks version %s.%s, the least is %d.%d"
                            .formatted(
                                    Integer.toUnsignedString(offer.major()),
                                    Integer.toUnsignedString(offer.minor()),
                                    MAJOR,
                                    LEAST_MINOR));
        }
        long offered = offer.flags();
        if ((offered & InitFlag.INIT_EXT.mask()) == 0) {
            offered &= 0xffff_ffffL;
        }
        long required = InitFlag.word(options.required());
        long wanted = (InitFlag.word(options.wanted()) | required) & ~InitFlag.word(NEVER);
        long flags = offered & wanted;
        // Without it there is nowhere to put the upper half of the answer.
        flags |= offered & InitFlag.INIT_EXT.mask();
        if ((flags & InitFlag.DO_READDIRPLUS.mask()) == 0) {
            flags &= ~InitFlag.READDIRPLUS_AUTO.mask();
        }
        long missing = required & ~flags;
        if (missing != 0) {
            return new Refused(Wire.EPROTO, "the kernel does not have " + InitFlag.of(missing));
        }
        return new Agreed(agree(offer, options, flags));
    }

    private static Agreement agree(FuseRequest.Init offer, InitOptions options, long flags) {
        int maxWrite = options.maxWrite();
        int maxPages = 0;
        if ((flags & InitFlag.MAX_PAGES.mask()) != 0) {
            maxPages = Math.ceilDiv(maxWrite, PAGE_BYTES);
        } else {
            maxWrite = Math.min(maxWrite, DEFAULT_PAGES * PAGE_BYTES);
        }
        int readahead = options.maxReadahead();
        if (Integer.compareUnsigned(offer.maxReadahead(), readahead) < 0) {
            readahead = offer.maxReadahead();
        }
        int minor = Integer.compareUnsigned(offer.minor(), MINOR) < 0 ? offer.minor() : MINOR;
        boolean aligned = (flags & InitFlag.MAP_ALIGNMENT.mask()) != 0;
        boolean timed = (flags & InitFlag.REQUEST_TIMEOUT.mask()) != 0;
        return new Agreement(
                minor,
                flags,
                maxWrite,
                maxPages,
                readahead,
                options.timeGranularity(),
                options.maxBackground(),
                options.congestionThreshold(),
                aligned ? options.mapAlignment() : 0,
                timed ? options.requestTimeoutSeconds() : 0);
    }
}
