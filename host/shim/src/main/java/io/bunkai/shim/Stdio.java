// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.shim;

/**
 * Where a process's streams lead, as containerd names it in Create and Exec: nowhere (empty), a
 * FIFO by its path or {@code fifo://}, a file by {@code file://}, a logging program by {@code
 * binary://} or {@code binary-v2://}.
 *
 * @param stdin where input comes from; nowhere or a FIFO
 * @param stdout where output goes to
 * @param stderr where errors go to; without meaning if there is a terminal, which has one output
 * @param terminal whether the process has a terminal
 * @spec https://github.com/containerd/containerd/blob/main/docs/runtime-v2.md#io containerd, IO
 */
public record Stdio(String stdin, String stdout, String stderr, boolean terminal) {}
