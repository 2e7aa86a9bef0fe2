// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.kernel;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Stream;

/** SHA-256 in hexadecimal. */
final class Digests {
    private static final int CHUNK = 1 << 16;

    private Digests() {}

    /** {@return the digest of a file's content} */
    static String sha256(Path file) throws IOException {
        MessageDigest digest = start();
        byte[] chunk = new byte[CHUNK];
        try (InputStream in = Files.newInputStream(file)) {
            for (int count = in.read(chunk); count >= 0; count = in.read(chunk)) {
                digest.update(chunk, 0, count);
            }
        }
        return text(digest);
    }

    /** {@return the digest of a text's bytes in UTF-8} */
    static String sha256(String text) {
        MessageDigest digest = start();
        digest.update(text.getBytes(StandardCharsets.UTF_8));
        return text(digest);
    }

    /**
     * {@return the digest of all files of a tree: names, whether they can be executed, links,
     * contents} What Git keeps for itself is left out.
     */
    static String sha256OfTree(Path root) throws IOException {
        List<Path> files;
        try (Stream<Path> all = Files.walk(root)) {
            files =
                    all.filter(file -> !Files.isDirectory(file, LinkOption.NOFOLLOW_LINKS))
                            .filter(file -> !root.relativize(file).startsWith(".git"))
                            .sorted()
                            .toList();
        }
        MessageDigest digest = start();
        for (Path file : files) {
            String kind;
            String content;
            if (Files.isSymbolicLink(file)) {
                kind = "l";
                content = Files.readSymbolicLink(file).toString();
            } else {
                kind = Files.isExecutable(file) ? "x" : "f";
                content = sha256(file);
            }
            String line = "%s %s %s\n".formatted(kind, content, root.relativize(file));
            digest.update(line.getBytes(StandardCharsets.UTF_8));
        }
        return text(digest);
    }

    static MessageDigest start() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError("every Java runtime has SHA-256", e);
        }
    }

    static String text(MessageDigest digest) {
        return HexFormat.of().formatHex(digest.digest());
    }
}
