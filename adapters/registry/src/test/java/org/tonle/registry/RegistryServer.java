package org.tonle.registry;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.util.Base64;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.tonle.definition.RegistryDefinition;
import org.tonle.definition.Secret;

/** A registry of schemas as clients see one: the paths and answers of Confluent's. */
final class RegistryServer implements AutoCloseable {
    static final String USER = "lake";
    static final String PASSWORD = "s3cret";
    private static final ObjectMapper JSON = new ObjectMapper();

    private final HttpServer server;
    private final Map<String, ObjectNode> answers = new ConcurrentHashMap<>();
    private final AtomicInteger ids = new AtomicInteger();
    final AtomicInteger asked = new AtomicInteger();

    RegistryServer() throws IOException {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/", this::answer);
        server.start();
    }

    RegistryDefinition definition(String password) {
        return new RegistryDefinition(
                URI.create("http://127.0.0.1:" + server.getAddress().getPort()),
                Optional.of(USER),
                Optional.of(new Secret(password)));
    }

    Schemas schemas() {
        return new Schemas(new RegistryClient(definition(PASSWORD)));
    }

    /**
     * Registers a schema under a subject of its own.
     *
     * @param references by their names, the ids of what it refers to
     */
    int register(String type, String text, Map<String, Integer> references) {
        int id = ids.incrementAndGet();
        ObjectNode answer = JSON.createObjectNode().put("schema", text);
        if (!type.equals("AVRO")) {
            answer.put("schemaType", type);
        }
        references.forEach((name, to) ->
                answer.withArray("references")
                        .addObject()
                        .put("name", name)
                        .put("subject", "subject " + to)
                        .put("version", 1));
        answers.put("/schemas/ids/" + id, answer);
        answers.put("/subjects/subject " + id + "/versions/1", answer.deepCopy().put("id", id));
        return id;
    }

    private void answer(HttpExchange exchange) throws IOException {
        asked.incrementAndGet();
        String wanted =
                "Basic "
                        + Base64.getEncoder()
                                .encodeToString((USER + ":" + PASSWORD).getBytes(UTF_8));
        String path = exchange.getRequestURI().getPath();
        ObjectNode found = answers.get(path);
        if (!wanted.equals(exchange.getRequestHeaders().getFirst("Authorization"))) {
            send(exchange, 401, JSON.createObjectNode().put("error_code", 401));
        } else if (found == null) {
            boolean own = path.startsWith("/schemas/") || path.startsWith("/subjects/");
            send(exchange, 404, JSON.createObjectNode().put("error_code", own ? 40403 : 404));
        } else {
            send(exchange, 200, found);
        }
    }

    private static void send(HttpExchange exchange, int status, ObjectNode body)
            throws IOException {
        try (exchange) {
            byte[] bytes = JSON.writeValueAsBytes(body);
            exchange.sendResponseHeaders(status, bytes.length);
            exchange.getResponseBody().write(bytes);
        }
    }

    @Override
    public void close() {
        server.stop(0);
    }
}
