package org.tonle.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The examples of the documents are run in order, each document in a fresh folder. */
class DocsIT {
    private static final Path ROOT = Path.of(System.getProperty("tonle.root"));

    @TempDir Path dir;

    @ParameterizedTest
    @ValueSource(
            strings = {
                "README.md",
                "docs/quick-start.md",
                "docs/sources.md",
                "docs/sql.md",
                "docs/types.md",
                "docs/queries.md",
                "docs/system-tables.md",
                "docs/security.md",
                "docs/export-import.md"
            })
    void theExamplesOfADocumentDoWhatItSays(String document) throws Exception {
        List<DocExample> examples = DocExample.of(ROOT.resolve(document));
        int run = 0;
        try (DocReader reader = new DocReader(dir)) {
            for (DocExample example : examples) {
                if (reader.follow(example)) {
                    run++;
                }
            }
        }
        System.out.printf("%s: %d examples, %d run%n", document, examples.size(), run);
        assertThat(run).as("examples that are run, of %d", examples.size()).isPositive();
    }

    @ParameterizedTest
    @ValueSource(strings = "docs")
    void onlyDocumentsThatAreRunHaveExamples(String folder) throws IOException {
        try (var files = Files.newDirectoryStream(ROOT.resolve(folder), "*.md")) {
            for (Path file : files) {
                String name = file.getFileName().toString();
                if (!List.of(
                                "quick-start.md",
                                "sources.md",
                                "sql.md",
                                "types.md",
                                "queries.md",
                                "system-tables.md",
                                "security.md",
                                "export-import.md")
                        .contains(name)) {
                    assertThat(DocExample.of(file))
                            .as("%s: add it to the test", name)
                            .allMatch(example -> example.kind() == DocExample.Kind.SHOWN);
                }
            }
        }
    }
}
