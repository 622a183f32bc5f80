package org.tonle.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.net.ConnectException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code tonle key create|ls|revoke}. */
@Command(
        name = "key",
        description = "Makes, lists and ends API keys of a running lake.",
        versionProvider = Main.Version.class,
        mixinStandardHelpOptions = true,
        synopsisSubcommandLabel = "COMMAND",
        footerHeading = "%nFor example:%n",
        footer = "  tonle key create --role data_viewer --expires 30d > viewer.key")
final class KeyCommand {
    private final Terminal terminal;

    KeyCommand(Terminal terminal) {
        this.terminal = terminal;
    }

    @Command(
            name = "create",
            description = {
                "Makes a key and prints it, this once.",
                "Send it as Authorization: Bearer KEY."
            },
            mixinStandardHelpOptions = true)
    int create(
            @Mixin Where where,
            @Option(
                            names = "--role",
                            paramLabel = "R",
                            description =
                                    "What it is for: data_viewer, data_scientist, data_engineer,"
                                            + " ingest, admin, or one of policies/*.yaml. May be"
                                            + " named often; all that the user has if left out.")
                    @Nullable List<String> roles,
            @Option(
                            names = "--user",
                            paramLabel = "NAME",
                            description =
                                    "A user of policies/*.yaml on whose behalf it asks; it never has"
                                            + " more roles than the user.")
                    @Nullable String user,
            @Option(
                            names = "--expires",
                            paramLabel = "T",
                            description = "After 12h, 30d, …; never if left out.")
                    @Nullable String expires)
            throws IOException {
        Map<String, Object> body = new LinkedHashMap<>();
        body.put("roles", roles == null ? List.of() : roles);
        if (user != null) {
            body.put("user", user);
        }
        if (expires != null) {
            body.put("expires", expires);
        }
        return ask(
                where,
                (client, url) -> {
                    JsonNode key = client.post(url, "/api/v1/keys", body);
                    print(key.path("key").asText() + "\n");
                    terminal.err()
                            .println(
                                    "key %s of %s; it isn't shown again"
                                            .formatted(
                                                    key.path("id").asText(), texts(key, "roles")));
                });
    }

    @Command(
            name = "ls",
            description = "Lists the keys that are taken now.",
            mixinStandardHelpOptions = true)
    int list(@Mixin Where where) throws IOException {
        return ask(
                where,
                (client, url) -> {
                    TextTable table =
                            new TextTable(List.of("id", "roles", "user", "created", "expires"));
                    for (JsonNode key : client.keys(url)) {
                        table.add(
                                List.of(
                                        key.path("id").asText(),
                                        texts(key, "roles"),
                                        key.path("user").asText(),
                                        key.path("created").asText(),
                                        key.path("expires").asText()));
                    }
                    print(table.print(terminal::bold));
                });
    }

    @Command(name = "revoke", description = "Ends a key for ever.", mixinStandardHelpOptions = true)
    int revoke(
            @Mixin Where where,
            @Parameters(paramLabel = "ID", description = "As ls shows it.") String id)
            throws IOException {
        return ask(where, (client, url) -> client.revoke(url, id));
    }

    private interface Question {
        void ask(LakeClient client, String url) throws IOException;
    }

    private static int ask(Where where, Question question) throws IOException {
        Where.Lake lake = where.lake(System.getenv());
        try (LakeClient client = new LakeClient(lake.token())) {
            question.ask(client, lake.url());
            return Exit.OK;
        } catch (ConnectException e) {
            throw new Failure(Exit.NOT_RUNNING, "no lake answers at " + lake.url());
        }
    }

    private void print(String text) throws IOException {
        terminal.out().write(text.getBytes(StandardCharsets.UTF_8));
    }

    private static String texts(JsonNode node, String list) {
        List<String> texts = new ArrayList<>();
        node.path(list).forEach(text -> texts.add(text.asText()));
        return String.join(", ", texts);
    }
}
