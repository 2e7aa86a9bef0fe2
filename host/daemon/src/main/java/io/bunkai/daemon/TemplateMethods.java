// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.daemon;

import io.bunkai.api.ControlMethods;
import io.bunkai.api.control.CreateRequest;
import io.bunkai.api.control.CreateTemplateResponse;
import io.bunkai.api.control.ListTemplatesResponse;
import io.bunkai.api.control.RemoveTemplatesRequest;
import io.bunkai.api.control.RemoveTemplatesResponse;
import io.bunkai.api.control.Template;
import io.bunkai.runtime.Containers;
import io.bunkai.runtime.TemplateView;
import io.bunkai.runtime.Templates;
import io.bunkai.ttrpc.TtrpcServer;
import java.util.List;
import java.util.Locale;

/** The part of the control protocol that is about templates. */
final class TemplateMethods {
    private final Containers containers;
    private final Templates templates;

    TemplateMethods(Containers containers, Templates templates) {
        this.containers = containers;
        this.templates = templates;
    }

    /** Adds these methods to a server. */
    TtrpcServer.Builder offer(TtrpcServer.Builder server) {
        return server.method(ControlMethods.LIST_TEMPLATES, (_, _) -> list())
                .method(ControlMethods.CREATE_TEMPLATE, (request, _) -> create(request))
                .method(ControlMethods.REMOVE_TEMPLATES, (request, _) -> remove(request));
    }

    private ListTemplatesResponse list() {
        return ListTemplatesResponse.newBuilder()
                .setScope(templates.scope().name().toLowerCase(Locale.ROOT))
                .addAllTemplates(templates.all().stream().map(TemplateMethods::message).toList())
                .build();
    }

    private CreateTemplateResponse create(CreateRequest request) {
        var machine = containers.plan(Requests.container(request)).plan().machine();
        return CreateTemplateResponse.newBuilder()
                .setTemplate(message(templates.create(machine)))
                .build();
    }

    private RemoveTemplatesResponse remove(RemoveTemplatesRequest request) {
        List<TemplateView> removed =
                request.getKey().isEmpty()
                        ? templates.remove(
                                view -> request.getAll() || (request.getStale() && view.isStale()))
                        : List.of(templates.remove(request.getKey()));
        RemoveTemplatesResponse.Builder response = RemoveTemplatesResponse.newBuilder();
        for (TemplateView view : removed) {
            response.addKeys(view.key()).setBytes(response.getBytes() + view.bytes());
        }
        return response.build();
    }

    private static Template message(TemplateView view) {
        return Template.newBuilder()
                .setKey(view.key())
                .setCreatedAtMs(view.createdAtMillis())
                .setBytes(view.bytes())
                .addAllInputs(view.inputs())
                .setStale(view.isStale())
                .build();
    }
}
