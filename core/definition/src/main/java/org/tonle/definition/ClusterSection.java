package org.tonle.definition;

import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.Pattern;

/** Reads how a cluster that speaks Kafka's protocol is reached. */
final class ClusterSection {
    private static final Pattern SECRET_KEY =
            Pattern.compile(".*(password|secret|jaas|credential|token).*");

    private final References references;
    private final Problems problems;

    ClusterSection(References references, Problems problems) {
        this.references = references;
        this.problems = problems;
    }

    /** Of a section with the keys {@code bootstrap-servers} and {@code properties}. */
    EventLogDefinition.Cluster read(Section section) {
        Optional<Section.Scalar> servers = section.scalar("bootstrap-servers");
        String bootstrap = servers.map(references::resolve).orElse("");
        servers.filter(s -> !bootstrap.isEmpty())
                .filter(s ->
                        !bootstrap.matches(
                                "\\s*[^\\s,:]+(:[^\\s,:]+)*:[0-9]{1,5}"
                                        + "(\\s*,\\s*[^\\s,:]+(:[^\\s,:]+)*:[0-9]{1,5})*\\s*"))
                .ifPresent(s ->
                        problems.add(
                                s.place(),
                                s.text(),
                                "write host:port, several separated by commas"));
        return new EventLogDefinition.Cluster(bootstrap, properties(section));
    }

    private Map<String, Secret> properties(Section section) {
        Map<String, Secret> properties = new TreeMap<>();
        Optional<Section> nested = section.section("properties");
        if (nested.isPresent()) {
            for (String key : nested.get().entries().keySet()) {
                Optional<Section.Scalar> scalar = nested.get().scalar(key);
                if (scalar.isEmpty()) {
                    continue;
                }
                if (key.equals("bootstrap.servers")) {
                    problems.add(
                            nested.get().placeOf(key), key, "write it as bootstrap-servers, above");
                }
                if (SECRET_KEY.matcher(key.toLowerCase(Locale.ROOT)).matches()) {
                    references.requireIn(key, scalar.get());
                }
                properties.put(key, new Secret(references.resolve(scalar.get())));
            }
        }
        return properties;
    }
}
