// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.base;

/**
 * Why something was refused or failed: the vocabulary that containerd, ttrpc and gRPC share.
 *
 * @spec https://grpc.github.io/grpc/core/md_doc_statuscodes.html gRPC status codes
 */
public enum FaultCode {
    /** The caller gave up before the answer was there. */
    CANCELLED(1),
    /** A failure nothing better is known of. */
    UNKNOWN(2),
    /** The request makes no sense, whatever the state of the system. */
    INVALID_ARGUMENT(3),
    /** The time that the caller granted ran out. */
    DEADLINE_EXCEEDED(4),
    /** The object named in the request does not exist. */
    NOT_FOUND(5),
    /** The object to be created exists already. */
    ALREADY_EXISTS(6),
    /** The caller may not do this. */
    PERMISSION_DENIED(7),
    /** A limit (memory, disk, budget, count) is used up. */
    RESOURCE_EXHAUSTED(8),
    /** The object is not in a state in which this can be done. */
    FAILED_PRECONDITION(9),
    /** Given up because something else got in between; the same call may succeed now. */
    ABORTED(10),
    /** A value lies outside what the protocol can carry. */
    OUT_OF_RANGE(11),
    /** The operation exists in the protocol and is not offered here. */
    UNIMPLEMENTED(12),
    /** An invariant of our own is broken. */
    INTERNAL(13),
    /** The other side cannot be reached at the moment. */
    UNAVAILABLE(14),
    /** Data was lost or is damaged beyond repair. */
    DATA_LOSS(15);

    private final int number;

    FaultCode(int number) {
        this.number = number;
    }

    /** {@return the number that stands for this code on the wire} */
    public int number() {
        return number;
    }

    /** {@return the code with this number on the wire; UNKNOWN for a number nobody assigned} */
    public static FaultCode ofNumber(int number) {
        for (FaultCode code : values()) {
            if (code.number == number) {
                return code;
            }
        }
        return UNKNOWN;
    }
}
