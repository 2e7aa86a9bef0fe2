// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.shim;

import io.bunkai.base.Fault;
import io.bunkai.base.FaultCode;
import io.bunkai.linux.Errno;
import io.bunkai.linux.ErrnoException;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.NoSuchFileException;

/** Translates why something that containerd named could not be opened or started. */
final class OpenFailure {
    private OpenFailure() {}

    /** {@return which of containerd's codes says it best} */
    static FaultCode codeOf(IOException failure) {
        return switch (failure) {
            case NoSuchFileException _ -> FaultCode.NOT_FOUND;
            case FileAlreadyExistsException _ -> FaultCode.FAILED_PRECONDITION; // and is no folder
            case AccessDeniedException _ -> FaultCode.PERMISSION_DENIED;
            case ErrnoException e -> codeOf(e.errno());
            default -> FaultCode.INTERNAL;
        };
    }

    private static FaultCode codeOf(int errno) {
        return switch (errno) {
            case Errno.ENOENT, Errno.ENOTDIR -> FaultCode.NOT_FOUND;
            case Errno.EACCES, Errno.EPERM, Errno.EROFS -> FaultCode.PERMISSION_DENIED;
            case Errno.EISDIR, Errno.ELOOP, Errno.ENAMETOOLONG, Errno.ENOEXEC ->
                    FaultCode.INVALID_ARGUMENT;
            case Errno.EMFILE,
                    Errno.ENFILE,
                    Errno.ENOMEM,
                    Errno.ENOSPC,
                    Errno.EDQUOT,
                    Errno.EAGAIN ->
                    FaultCode.RESOURCE_EXHAUSTED;
            default -> FaultCode.INTERNAL;
        };
    }

    /** {@return a fault about something with a path} */
    static Fault of(String what, Object path, IOException failure) {
        return Fault.of(codeOf(failure), "%s %s cannot be opened", what, path).causedBy(failure);
    }
}
