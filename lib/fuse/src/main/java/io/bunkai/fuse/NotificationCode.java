// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.fuse;

/**
 * What a server tells the kernel of itself: a reply header with {@code unique} 0 and this number in
 * the place of the error. Over virtio-fs there is no way for them, so this is a table only.
 *
 * @spec https://github.com/torvalds/linux/blob/v6.18/include/uapi/linux/fuse.h linux/fuse.h
 */
public enum NotificationCode {
    /** A file that was polled has become ready. */
    POLL(1, 11, Structs.NOTIFY_POLL_WAKEUP_OUT),
    /** Drop attributes and pages of a node. */
    INVAL_INODE(2, 12, Structs.NOTIFY_INVAL_INODE_OUT),
    /** Drop what a name stands for. */
    INVAL_ENTRY(3, 12, Structs.NOTIFY_INVAL_ENTRY_OUT),
    /** Put these bytes into the page cache. */
    STORE(4, 15, Structs.NOTIFY_STORE_OUT),
    /** Send what the page cache has: a NOTIFY_REPLY comes. */
    RETRIEVE(5, 15, Structs.NOTIFY_RETRIEVE_OUT),
    /** A name is gone, and so is what it stood for. */
    DELETE(6, 18, Structs.NOTIFY_DELETE_OUT),
    /** Send all pending requests once more. Nothing follows. */
    RESEND(7, 40, null),
    /** Forget all that was looked up so far. Nothing follows. */
    INC_EPOCH(8, 44, null),
    /** Forget these nodes if nobody uses them. */
    PRUNE(9, 45, Structs.NOTIFY_PRUNE_OUT);

    private final int number;
    private final int since;
    private final int bytes;

    NotificationCode(int number, int since, @org.jspecify.annotations.Nullable Struct body) {
        this.number = number;
        this.since = since;
        this.bytes = body == null ? 0 : body.bytes();
    }

    /** {@return its number on the wire} */
    public int number() {
        return number;
    }

    /** {@return the minor version of the protocol that brought it} */
    public int since() {
        return since;
    }

    /** {@return what follows the header, without names and data} */
    public int bytes() {
        return bytes;
    }
}
