// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.images;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.ByteArrayOutputStream;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/**
 * Builds tar archives byte by byte, the impossible ones too. Names are strings of one char per
 * byte; {@link #utf8} makes them of text.
 */
final class TestTar {
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private final Map<String, byte[]> records = new TreeMap<>();
    private int mode = 0644;
    private long uid;
    private long gid;
    private long mtime = 1_700_000_000L;
    private int major;
    private int minor;

    static String utf8(String text) {
        return new String(text.getBytes(UTF_8), ISO_8859_1);
    }

    // What is set here holds for the next member only.

    TestTar mode(int value) {
        mode = value;
        return this;
    }

    TestTar owner(long newUid, long newGid) {
        uid = newUid;
        gid = newGid;
        return this;
    }

    TestTar mtime(long seconds) {
        mtime = seconds;
        return this;
    }

    TestTar device(int newMajor, int newMinor) {
        major = newMajor;
        minor = newMinor;
        return this;
    }

    TestTar pax(String key, String value) {
        return pax(key, value.getBytes(ISO_8859_1));
    }

    TestTar pax(String key, byte[] value) {
        records.put(key, value);
        return this;
    }

    TestTar xattr(String name, byte... value) {
        return pax("SCHILY.xattr." + name, value);
    }

    // Members.

    TestTar file(String name, String content) {
        return file(name, content.getBytes(UTF_8));
    }

    TestTar file(String name, byte[] content) {
        return member('0', name, "", content.length, content);
    }

    TestTar directory(String name) {
        if (mode == 0644) {
            mode = 0755;
        }
        return member('5', name.endsWith("/") ? name : name + "/", "", 0, new byte[0]);
    }

    TestTar symlink(String name, String target) {
        return member('2', name, target, 0, new byte[0]);
    }

    TestTar hardLink(String name, String target) {
        return member('1', name, target, 0, new byte[0]);
    }

    TestTar fifo(String name) {
        return member('6', name, "", 0, new byte[0]);
    }

    TestTar characterDevice(String name, int newMajor, int newMinor) {
        return device(newMajor, newMinor).member('3', name, "", 0, new byte[0]);
    }

    TestTar blockDevice(String name, int newMajor, int newMinor) {
        return device(newMajor, newMinor).member('4', name, "", 0, new byte[0]);
    }

    /** A member of any type; {@code size} is what its header claims. */
    TestTar member(char type, String name, String link, long size, byte[] content) {
        if (name.length() > 100) {
            records.putIfAbsent("path", name.getBytes(ISO_8859_1));
        }
        if (link.length() > 100) {
            records.putIfAbsent("linkpath", link.getBytes(ISO_8859_1));
        }
        if (uid > 07777777) {
            records.putIfAbsent("uid", Long.toString(uid).getBytes(ISO_8859_1));
        }
        if (gid > 07777777) {
            records.putIfAbsent("gid", Long.toString(gid).getBytes(ISO_8859_1));
        }
        if (!records.isEmpty()) {
            byte[] pax = paxData();
            records.clear();
            raw(header('x', "PaxHeaders/x", "", pax.length, 0644, 0, 0, 0, 0, 0));
            padded(pax);
        }
        raw(
                header(
                        type,
                        name,
                        link,
                        size,
                        mode,
                        uid > 07777777 ? 0 : uid,
                        gid > 07777777 ? 0 : gid,
                        mtime,
                        major,
                        minor));
        padded(content);
        mode = 0644;
        uid = 0;
        gid = 0;
        mtime = 1_700_000_000L;
        major = 0;
        minor = 0;
        return this;
    }

    private byte[] paxData() {
        ByteArrayOutputStream data = new ByteArrayOutputStream();
        records.forEach((key, value) -> {
            int body = key.length() + value.length + 3;
            int length = body + Integer.toString(body).length();
            if (Integer.toString(length).length() != Integer.toString(body).length()) {
                length++;
            }
            data.writeBytes((length + " " + key + "=").getBytes(ISO_8859_1));
            data.writeBytes(value);
            data.write('\n');
        });
        return data.toByteArray();
    }

    TestTar raw(byte[] bytes) {
        out.writeBytes(bytes);
        return this;
    }

    TestTar padded(byte[] content) {
        out.writeBytes(content);
        out.writeBytes(new byte[-content.length & 511]);
        return this;
    }

    /** The archive so far, without an end marker. */
    byte[] cut() {
        return out.toByteArray();
    }

    byte[] bytes() {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        all.writeBytes(out.toByteArray());
        all.writeBytes(new byte[1024]);
        return all.toByteArray();
    }

    static byte[] header(
            char type,
            String name,
            String link,
            long size,
            int mode,
            long uid,
            long gid,
            long mtime,
            int major,
            int minor) {
        byte[] header = new byte[512];
        put(header, 0, 100, name);
        put(header, 100, 8, octal(mode, 7));
        put(header, 108, 8, octal(uid, 7));
        put(header, 116, 8, octal(gid, 7));
        put(header, 124, 12, octal(size, 11));
        put(header, 136, 12, octal(Math.max(mtime, 0), 11));
        header[156] = (byte) type;
        put(header, 157, 100, link);
        put(header, 257, 8, "ustar\00000");
        put(header, 329, 8, octal(major, 7));
        put(header, 337, 8, octal(minor, 7));
        return summed(header);
    }

    /** Sets the checksum that the rest of the header demands. */
    static byte[] summed(byte[] header) {
        put(header, 148, 8, "        ");
        int sum = 0;
        for (byte b : header) {
            sum += b & 0xff;
        }
        put(header, 148, 8, octal(sum, 6) + "\0 ");
        return header;
    }

    static String octal(long value, int digits) {
        return String.format(Locale.ROOT, "%0" + digits + "o", value);
    }

    static void put(byte[] header, int offset, int room, String text) {
        byte[] bytes = text.getBytes(ISO_8859_1);
        System.arraycopy(bytes, 0, header, offset, Math.min(bytes.length, room));
    }
}
