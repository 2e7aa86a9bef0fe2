// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.images;

import io.bunkai.base.Fault;
import java.io.IOException;
import java.io.InputStream;
import java.util.Optional;

/**
 * The files that an image is kept in: a directory, or the members of an archive. Names are relative
 * and use slashes. What is in them is not to be trusted.
 */
interface ImageFiles extends AutoCloseable {
    /** {@return the length of a file; empty if there is none} */
    Optional<Long> size(String name) throws IOException;

    /** {@return a file's content, from the start; closed by the caller} */
    InputStream open(String name) throws IOException;

    /** {@return where these files are, for messages} */
    String place();

    @Override
    void close() throws IOException;

    /**
     * {@return a small file as a whole}
     *
     * @throws Fault NOT_FOUND if it does not exist, RESOURCE_EXHAUSTED if it is longer
     */
    default byte[] read(String name, long limit) throws IOException {
        long size = size(name).orElseThrow(() -> Fault.notFound("%s has no %s", place(), name));
        if (size > limit) {
            throw Fault.resourceExhausted(
                    "%s in %s has %d bytes; the limit is %d", name, place(), size, limit);
        }
        try (InputStream in = open(name)) {
            byte[] data = in.readNBytes((int) size + 1);
            if (data.length != size) {
                throw Fault.failedPrecondition("%s in %s changes while it is read", name, place());
            }
            return data;
        }
    }
}
