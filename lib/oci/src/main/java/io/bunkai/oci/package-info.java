// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
/** The OCI image and run-time specifications as records. */
package io.bunkai.oci;
