// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.images;

import io.bunkai.base.ByteSize;

/** The default limits with one of them changed. */
final class Limits {
    private static final UnpackLimits D = UnpackLimits.DEFAULTS;

    private Limits() {}

    static UnpackLimits withDocument(ByteSize document) {
        return of(D.ratio(), document, D.processorSeconds(), D.heap());
    }

    static UnpackLimits withRatio(int ratio, int processorSeconds) {
        return of(ratio, D.document(), processorSeconds, D.heap());
    }

    static UnpackLimits withHeap(ByteSize heap) {
        return of(D.ratio(), D.document(), D.processorSeconds(), heap);
    }

    private static UnpackLimits of(
            int ratio, ByteSize document, int processorSeconds, ByteSize heap) {
        return new UnpackLimits(
                D.unpacked(),
                D.entries(),
                D.layers(),
                ratio,
                D.ratioFree(),
                D.depth(),
                D.xattrBytes(),
                document,
                processorSeconds,
                heap);
    }
}
