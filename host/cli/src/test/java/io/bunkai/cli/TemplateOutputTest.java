// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.bunkai.api.ControlMethods;
import io.bunkai.api.control.CreateRequest;
import io.bunkai.api.control.CreateTemplateResponse;
import io.bunkai.api.control.ListTemplatesResponse;
import io.bunkai.api.control.RemoveTemplatesRequest;
import io.bunkai.api.control.RemoveTemplatesResponse;
import io.bunkai.api.control.Template;
import io.bunkai.base.Fault;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What the commands about templates ask and print, to the letter. */
class TemplateOutputTest {
    private final Shell shell = new Shell();

    @BeforeEach
    void startDaemon() {
        shell.daemon();
    }

    @AfterEach
    void close() {
        shell.close();
    }

    private static Template template(String key, String scope, boolean stale) {
        return Template.newBuilder()
                .setKey(key)
                .setCreatedAtMs(Shell.NOW.toEpochMilli() - 180_000)
                .setBytes(134_488_064)
                .setStale(stale)
                .addAllInputs(
                        List.of(
                                "format 2",
                                scope,
                                "kernel /boot/vmlinux 17 2026-05-25T20:44:29Z 9"))
                .build();
    }

    private void listed(String scope, Template... templates) {
        ListTemplatesResponse answer =
                ListTemplatesResponse.newBuilder()
                        .setScope(scope)
                        .addAllTemplates(List.of(templates))
                        .build();
        shell.daemon().answer(ControlMethods.LIST_TEMPLATES, _ -> answer);
    }

    @Test
    void listsTemplates() {
        listed(
                "namespace",
                template("0123456789abcdef", "scope namespace ", false),
                template("123456789abcdef0", "scope namespace k8s.io", true),
                template("23456789abcdef01", "scope node", false));
        assertThat(shell.run("template", "ls")).isZero();
        assertThat(shell.run("template", "ls", "-q")).isZero();
        assertThat(shell.out())
                .isEqualTo(
                        """
                        TEMPLATE           SHARED BY    CREATED         SIZE      KERNEL          USABLE
                        0123456789abcdef   bunkai run   3 minutes ago   129 MiB   /boot/vmlinux   yes
                        123456789abcdef0   k8s.io       3 minutes ago   129 MiB   /boot/vmlinux   no, the guest has changed
                        23456789abcdef01   all          3 minutes ago   129 MiB   /boot/vmlinux   yes
                        0123456789abcdef
                        123456789abcdef0
                        23456789abcdef01
                        """);
    }

    @Test
    void listsTemplatesForPrograms() {
        listed("node", template("0123456789abcdef", "scope node", true));
        assertThat(shell.run("template", "ls", "--format", "json")).isZero();
        assertThat(shell.out())
                .startsWith(
                        """
                        {
                          "scope": "node",
                          "templates": [
                            {
                              "key": "0123456789abcdef",
                        """)
                .contains("\"bytes\": 134488064", "\"stale\": true", "\"scope node\"");
    }

    @Test
    void makesTheTemplateOfAKindOfContainer() {
        CreateTemplateResponse made =
                CreateTemplateResponse.newBuilder()
                        .setTemplate(template("0123456789abcdef", "scope node", false))
                        .build();
        shell.daemon().answer(ControlMethods.CREATE_TEMPLATE, _ -> made);
        assertThat(shell.run("template", "create", "-m", "512m", "--cpus", "2")).isZero();
        assertThat(shell.out()).isEqualTo("0123456789abcdef\n");
        CreateRequest asked = shell.daemon().requests(CreateRequest.class).getFirst();
        assertThat(asked.getMemoryBytes()).isEqualTo(512L << 20);
        assertThat(asked.getNanoCpus()).isEqualTo(2_000_000_000L);
        assertThat(asked.getImage()).isEmpty();
    }

    @Test
    void removesWhatItIsTold() {
        shell.daemon()
                .answer(
                        ControlMethods.REMOVE_TEMPLATES,
                        request -> {
                            if (request.getKey().equals("no")) {
                                throw Fault.notFound("there is no template 'no'");
                            }
                            return RemoveTemplatesResponse.newBuilder()
                                    .addKeys("0123456789abcdef")
                                    .setBytes(3L << 20)
                                    .build();
                        });
        assertThat(shell.run("template", "rm", "0123456789abcdef", "no")).isOne();
        assertThat(shell.run("template", "prune")).isZero();
        assertThat(shell.run("template", "prune", "-a")).isZero();
        assertThat(shell.out())
                .isEqualTo(
                        """
                        0123456789abcdef
                        0123456789abcdef
                        space given back: 3 MiB
                        0123456789abcdef
                        space given back: 3 MiB
                        """);
        assertThat(shell.err()).contains("there is no template 'no'");
        List<RemoveTemplatesRequest> asked = shell.daemon().requests(RemoveTemplatesRequest.class);
        assertThat(asked)
                .extracting(RemoveTemplatesRequest::getStale)
                .containsExactly(false, false, true, true);
        assertThat(asked)
                .extracting(RemoveTemplatesRequest::getAll)
                .containsExactly(false, false, false, true);
    }

    @Test
    void saysInKatasWordsWhetherThereIsAFactory() {
        listed("none");
        assertThat(shell.run("factory", "status")).isZero();
        assertThat(shell.run("factory", "init")).isOne();
        listed("namespace", template("0123456789abcdef", "scope node", true));
        assertThat(shell.run("factory", "status")).isZero();
        listed("namespace", template("0123456789abcdef", "scope node", false));
        assertThat(shell.run("factory", "status")).isZero();
        shell.daemon()
                .answer(
                        ControlMethods.CREATE_TEMPLATE,
                        _ -> CreateTemplateResponse.getDefaultInstance());
        assertThat(shell.run("factory", "init")).isZero();
        shell.daemon()
                .answer(
                        ControlMethods.REMOVE_TEMPLATES,
                        _ -> RemoveTemplatesResponse.getDefaultInstance());
        assertThat(shell.run("factory", "destroy")).isZero();
        assertThat(shell.out())
                .isEqualTo(
                        """
                        vm factory not enabled
                        vm factory is not enabled
                        vm factory is off
                        vm factory is on
                        vm factory initialized
                        vm factory destroyed
                        """);
    }

    @Test
    void figuresHavePercentiles() {
        double[] sorted = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
        assertThat(BenchStartCommand.percentile(sorted, 50)).isEqualTo(5);
        assertThat(BenchStartCommand.percentile(sorted, 90)).isEqualTo(9);
        assertThat(BenchStartCommand.percentile(new double[] {7}, 90)).isEqualTo(7);
    }

    @Test
    void aBenchmarkWithoutRunsIsRefused() {
        assertThat(shell.run("bench", "start", "--runs", "0")).isOne();
        assertThat(shell.err()).contains("at least one run");
    }
}
