package org.tonle.files;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** Keeps files as they are: each becomes one event that says what it is and where its bytes are. */
final class ObjectReader implements AutoCloseable {
    private static final JsonFactory JSON = new JsonFactory();

    private final ObjectFolder folder;
    private final DocumentReader documents;

    /**
     * @param documents closed with this
     */
    ObjectReader(ObjectFolder folder, DocumentReader documents) {
        this.folder = folder;
        this.documents = documents;
    }

    /** Its bytes are on the disk before the event can be in the log. */
    PieceReader read(FileOrigin.Found found, FileFetch.Fetched fetched)
            throws IOException, InterruptedException {
        Path kept =
                fetched.part().isPresent()
                        ? folder.keep(fetched.part().get(), fetched.sha256())
                        : fetched.path();
        Document document = documents.read(kept, found.name());
        return PieceReader.of(Piece.events(json(found, fetched.sha256(), kept, document)));
    }

    private static byte[] json(FileOrigin.Found found, String sha256, Path kept, Document document)
            throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (JsonGenerator json = JSON.createGenerator(out)) {
            json.writeStartObject();
            json.writeStringField("name", whole(found.name()));
            json.writeStringField("media_type", document.mediaType());
            json.writeNumberField("size", found.size());
            json.writeStringField("sha256", sha256);
            // as tables name their files
            json.writeStringField("location", "file://" + kept);
            json.writeStringField("modified", found.changed().toString());
            json.writeObjectFieldStart("metadata");
            for (Map.Entry<String, List<String>> entry : document.metadata().entrySet()) {
                json.writeFieldName(whole(entry.getKey()));
                if (entry.getValue().size() == 1) {
                    json.writeString(whole(entry.getValue().getFirst()));
                } else {
                    json.writeStartArray();
                    for (String value : entry.getValue()) {
                        json.writeString(whole(value));
                    }
                    json.writeEndArray();
                }
            }
            json.writeEndObject();
            if (document.text().isPresent()) {
                json.writeStringField("text", whole(document.text().get()));
            }
            if (document.truncated()) {
                json.writeBooleanField("text_truncated", true);
            }
            if (document.error().isPresent()) {
                json.writeStringField("error", whole(document.error().get()));
            }
            json.writeEndObject();
        }
        out.write('\n');
        return out.toByteArray();
    }

    /** Half a character is none. */
    private static String whole(String text) {
        return new String(text.getBytes(UTF_8), UTF_8);
    }

    /** Lets go of what isn't needed while no files come. */
    void rest() {
        documents.rest();
    }

    @Override
    public void close() {
        documents.close();
    }
}
