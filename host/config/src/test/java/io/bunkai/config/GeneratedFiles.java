// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.config;

import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/** Writes what is derived from the key table: its documentation, and the packaged file. */
final class GeneratedFiles {
    private final KeyCatalogue catalogue = KeyCatalogue.standard();

    /** {@return the tables of the documentation, one per section} */
    String documentation() {
        return catalogue.sections().stream()
                .map(section -> heading(section) + table(section))
                .collect(Collectors.joining("\n"));
    }

    private String heading(String section) {
        String others =
                catalogue.otherNamesOf(section).stream()
                        .map(other -> ", also `[" + other + "]`")
                        .collect(Collectors.joining());
        return "### `[" + section + "]`" + others + "\n\n";
    }

    private String table(String section) {
        StringBuilder text =
                new StringBuilder("| key | type | default | here | annotation | meaning |\n")
                        .append("|---|---|---|---|---|---|\n");
        for (ConfigurationKey key : catalogue.keysOf(section)) {
            text.append("| ")
                    .append(
                            String.join(
                                    " | ",
                                    names(key),
                                    type(key),
                                    defaults(key),
                                    effect(key),
                                    annotation(key),
                                    key.meaning()))
                    .append(" |\n");
        }
        return text.toString();
    }

    private static String names(ConfigurationKey key) {
        String others =
                key.otherNames().stream()
                        .map(other -> ", `" + other + "`")
                        .collect(Collectors.joining());
        return code(key.name()) + others;
    }

    private static String type(ConfigurationKey key) {
        return switch (key.type()) {
            case STRING, SECRET -> "string";
            case PATH -> "path";
            case BOOLEAN -> "bool";
            case INTEGER -> "int" + measure(key);
            case FLOAT -> "float" + measure(key);
            case STRINGS -> "strings";
            case GLOBS -> "globs";
            case PATTERNS -> "patterns";
            case ENUMERATION ->
                    key.words().stream()
                            .map(GeneratedFiles::code)
                            .collect(Collectors.joining(", "));
            case TABLE -> "table";
            case TABLES -> "tables";
        };
    }

    private static String measure(ConfigurationKey key) {
        String unit = key.unit().isEmpty() ? "" : ", " + key.unit();
        return key.range().equals(NumberRange.ANY) ? unit : unit + "; " + key.range();
    }

    private static String defaults(ConfigurationKey key) {
        String katas =
                key.kataDefaults().stream()
                        .map(value -> code(TomlText.of(value)))
                        .collect(Collectors.joining(" or "));
        if (!key.isHonoured()) {
            return katas.isEmpty() ? "none" : katas;
        }
        Optional<String> own = key.ownDefault().map(value -> code(TomlText.of(value)));
        String ours = own.orElse("what came with Bunkai");
        boolean same = katas.isEmpty() || katas.equals(ours);
        return same ? ours : ours + " (Kata: " + katas + ")";
    }

    private static String effect(ConfigurationKey key) {
        String honoured =
                key.honoured().all()
                        ? "honoured"
                        : key.honoured().words().stream()
                                .map(GeneratedFiles::code)
                                .collect(Collectors.joining(", ", "honoured: ", ""));
        String otherwise =
                key.security().all()
                        ? "refused"
                        : key.security().isEmpty()
                                ? "warning"
                                : key.security().words().stream()
                                        .map(GeneratedFiles::code)
                                        .collect(
                                                Collectors.joining(
                                                        ", ", "refused: ", "; else warning"));
        if (key.honoured().all()) {
            return honoured;
        }
        return key.isHonoured() ? honoured + "; else " + otherwise : otherwise;
    }

    private static String annotation(ConfigurationKey key) {
        return key.annotation()
                .map(rule ->
                        rule.never()
                                ? "never"
                                : code(rule.suffix())
                                        + rule.validPaths()
                                                .map(GeneratedFiles::shortPath)
                                                .map(list -> " in " + code(list))
                                                .orElse(""))
                .orElse("");
    }

    private static String shortPath(String path) {
        return path.replace("hypervisor.qemu.", "");
    }

    private static String code(String text) {
        return "`" + text + "`";
    }

    /** {@return the packaged configuration: every honoured key with its default, commented out} */
    String packaged() {
        StringBuilder text =
                new StringBuilder(
                        """
                        # SPDX-FileCopyrightText: The Bunkai Authors
                        # SPDX-License-Identifier: Apache-2.0
                        #
                        # The configuration of Bunkai on this node. Every key that has an effect is here with its default; remove the "#"
                        # before a key to change it. Better still, leave this file alone and put changes into files of your own beside it,
                        # config.d/50-NAME.toml: they are merged in the order of their names, and survive an upgrade.
                        #
                        # Keys and sections are those of Kata Containers, so a configuration of Kata's works as it is; docs/configuration.md
                        # lists all of them, and what becomes of those that have no effect here. [bunkai] holds what only Bunkai knows.
                        """);
        for (String section : catalogue.sections()) {
            List<ConfigurationKey> honoured =
                    catalogue.keysOf(section).stream()
                            .filter(ConfigurationKey::isHonoured)
                            .toList();
            if (!honoured.isEmpty()) {
                text.append("\n[").append(section).append("]\n");
                honoured.forEach(key -> text.append(packaged(key)));
            }
        }
        return text.toString();
    }

    private static String packaged(ConfigurationKey key) {
        String remark =
                switch (key.type()) {
                    case INTEGER, FLOAT ->
                            " [" + type(key).replaceFirst("^[a-z]+[,;]? ?", "") + "]";
                    case ENUMERATION -> " [" + String.join(", ", wordsOf(key)) + "]";
                    default -> "";
                };
        Optional<String> value = key.ownDefault().map(TomlText::of);
        String line =
                value.map(known -> "#" + key.name() + " = " + known)
                        .orElseGet(
                                () -> "#" + key.name() + " = ... # default: what came with Bunkai");
        return "# " + key.meaning() + remark.replace(" []", "") + "\n" + line + "\n";
    }

    private static List<String> wordsOf(ConfigurationKey key) {
        return key.words().stream()
                .filter(word ->
                        key.honoured().covers(word)
                                || key.ownDefault().filter(word::equals).isPresent())
                .toList();
    }
}
