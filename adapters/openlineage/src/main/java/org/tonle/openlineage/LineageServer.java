package org.tonle.openlineage;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.Optional;

/** A server that takes each event by POST. */
final class LineageServer implements Destination {
    private static final Duration LIMIT = Duration.ofSeconds(10);

    private final URI url;
    private final Optional<String> apiKey;
    private final HttpClient client =
            HttpClient.newBuilder()
                    .connectTimeout(LIMIT)
                    .version(HttpClient.Version.HTTP_1_1)
                    .build();

    LineageServer(URI url, Optional<String> apiKey) {
        this.url = url;
        this.apiKey = apiKey;
    }

    @Override
    public void send(byte[] event) throws IOException, InterruptedException {
        HttpRequest.Builder request =
                HttpRequest.newBuilder(url)
                        .timeout(LIMIT)
                        .header("content-type", "application/json")
                        .POST(HttpRequest.BodyPublishers.ofByteArray(event));
        apiKey.ifPresent(key -> request.header("authorization", "Bearer " + key));
        int status =
                client.send(request.build(), HttpResponse.BodyHandlers.discarding()).statusCode();
        switch (status) {
            case 400, 413, 422 -> throw new Refused("it answers " + status);
            default -> {
                if (status < 200 || status > 299) {
                    // a wrong address or key is put right outside, and what waits is then taken
                    throw new IOException("it answers " + status);
                }
            }
        }
    }

    @Override
    public void close() {
        client.shutdownNow();
    }

    @Override
    public String toString() {
        return url.getScheme() + "://" + url.getAuthority() + url.getPath();
    }
}
