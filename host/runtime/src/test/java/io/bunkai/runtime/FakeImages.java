// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

import java.util.List;

/** Images that differ from another one in what a test is about. */
final class FakeImages {
    private FakeImages() {}

    static ImageSource.Image withStopSignal(ImageSource.Image image, String signal) {
        return new ImageSource.Image(
                image.reference(),
                image.digest(),
                image.disk(),
                image.entrypoint(),
                image.command(),
                image.environment(),
                image.directory(),
                image.user(),
                signal);
    }

    static ImageSource.Image running(
            ImageSource.Image image, List<String> entrypoint, List<String> command) {
        return new ImageSource.Image(
                image.reference(),
                image.digest(),
                image.disk(),
                entrypoint,
                command,
                image.environment(),
                image.directory(),
                image.user(),
                image.stopSignal());
    }

    static ImageSource.Image with(
            ImageSource.Image image, List<String> environment, String directory, String user) {
        return new ImageSource.Image(
                image.reference(),
                image.digest(),
                image.disk(),
                image.entrypoint(),
                image.command(),
                environment,
                directory,
                user,
                image.stopSignal());
    }
}
