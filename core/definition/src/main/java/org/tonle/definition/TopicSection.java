package org.tonle.definition;

import java.net.URI;
import java.net.URISyntaxException;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/** Reads which topic of which cluster a source is, and how it is read. */
final class TopicSection {
    private final References references;
    private final Problems problems;

    TopicSection(References references, Problems problems) {
        this.references = references;
        this.problems = problems;
    }

    SourceKind.Kafka read(Section section) {
        Optional<Section.Scalar> topic = section.scalar("topic");
        if (!section.has("topic")) {
            problems.add(Place.startOf(section.file()), "", "topic is missing; write topic: NAME");
        }
        if (!section.has("bootstrap-servers")) {
            problems.add(
                    Place.startOf(section.file()),
                    "",
                    "bootstrap-servers is missing; write bootstrap-servers: host:9092");
        }
        Optional<Section.Scalar> from = section.scalar("from");
        from.filter(f -> !f.text().equals("earliest") && !f.text().equals("latest"))
                .ifPresent(f ->
                        problems.add(
                                f.place(),
                                f.text(),
                                "from takes earliest, all that the topic holds, or latest, what comes from now on"));
        TopicFormat format =
                section.choice("format", Arrays.asList(TopicFormat.values()))
                        .orElse(TopicFormat.JSON);
        return new SourceKind.Kafka(
                topic.map(Section.Scalar::text).orElse(""),
                new ClusterSection(references, problems).read(section),
                from.map(Section.Scalar::text).filter("latest"::equals).isEmpty(),
                format,
                registry(section, format));
    }

    private Optional<RegistryDefinition> registry(Section section, TopicFormat format) {
        if (!section.has("registry") && format.needsRegistry()) {
            problems.add(
                    section.placeOf("format"),
                    format.toString(),
                    "its schemas are in a registry; write registry: {url: \"https://host:8081\"}");
        }
        Optional<Section> registry =
                section.section("registry", List.of("url", "user", "password"));
        if (registry.isEmpty()) {
            return Optional.empty();
        }
        Place place = section.placeOf("registry");
        Optional<URI> url = url(registry.get(), place);
        Optional<String> user = registry.get().scalar("user").map(references::resolve);
        Optional<Section.Scalar> password = registry.get().scalar("password");
        password.ifPresent(p -> references.requireIn("password", p));
        if (user.isPresent() != password.isPresent()) {
            problems.add(
                    place, "registry", "a user and a password belong together; write both or none");
        }
        return url.map(u ->
                new RegistryDefinition(
                        u, user, password.map(references::resolve).map(Secret::new)));
    }

    private Optional<URI> url(Section registry, Place place) {
        Optional<Section.Scalar> scalar = registry.scalar("url");
        if (scalar.isEmpty()) {
            if (!registry.has("url")) {
                problems.add(
                        place,
                        "registry",
                        "url is missing; write registry: {url: \"https://host:8081\"}");
            }
            return Optional.empty();
        }
        try {
            URI url = new URI(references.resolve(scalar.get()));
            if (("http".equals(url.getScheme()) || "https".equals(url.getScheme()))
                    && url.getHost() != null
                    && url.getUserInfo() == null
                    && url.getQuery() == null
                    && url.getFragment() == null) {
                return Optional.of(url);
            }
        } catch (URISyntaxException e) {
            // said below, without what it quotes
        }
        String text = scalar.get().text();
        problems.add(
                scalar.get().place(),
                // what stands before an @ may be a password
                text.contains("@") ? "" : text,
                "no address of a registry; write one like https://host:8081, with user and password beside it");
        return Optional.empty();
    }
}
