package org.tonle.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** When {@code ./tonle} builds, in a checkout whose build makes folders and no program. */
class LauncherTest {
    private static final String MVNW =
            """
            #!/usr/bin/env bash
            mkdir -p core/sql/target cli/target/tonle.new/lib
            echo >cli/target/tonle.new/jvm.flags
            """;

    @TempDir Path root;

    @BeforeEach
    void makeCheckout() throws IOException {
        Path own = Path.of(System.getProperty("tonle.root"));
        for (String module :
                List.of("spi", "core/sql", "adapters", "embedded", "lake", "server", "cli")) {
            Files.createDirectories(root.resolve(module));
        }
        Files.createDirectory(root.resolve(".mvn"));
        Files.copy(own.resolve(".mvn/jdk.sh"), root.resolve(".mvn/jdk.sh"));
        Files.copy(own.resolve("tonle"), root.resolve("tonle"));
        Files.writeString(root.resolve("pom.xml"), "<project/>");
        Files.writeString(root.resolve("core/sql/A.java"), "class A {}");
        Files.writeString(root.resolve("mvnw"), MVNW);
        assertThat(root.resolve("mvnw").toFile().setExecutable(true)).isTrue();
    }

    /** What it says; in the end that there is no program, which means that it got that far. */
    private String launch() throws Exception {
        return launch("off");
    }

    private String launch(String cache) throws Exception {
        ProcessBuilder launcher =
                new ProcessBuilder("bash", root.resolve("tonle").toString())
                        .redirectErrorStream(true);
        launcher.environment().put("JAVA_HOME", System.getProperty("java.home"));
        launcher.environment().put("TONLE_AOT", cache);
        Process process = launcher.start();
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor(1, TimeUnit.MINUTES)).isTrue();
        assertThat(said).contains("org.tonle.cli.Main");
        return said;
    }

    @Test
    void buildsOnceThoughTheBuildMakesFoldersAmongTheSources() throws Exception {
        assertThat(launch()).contains("the first time");
        assertThat(launch()).doesNotContain("Building");
    }

    @Test
    void buildsAgainWhenASourceFileIsEditedComesOrGoes() throws Exception {
        launch();
        Path source = root.resolve("core/sql/A.java");
        Files.setLastModifiedTime(source, FileTime.from(Instant.now().plusSeconds(1)));
        assertThat(launch()).contains("newer than what was built");
        Files.setLastModifiedTime(source, FileTime.from(Instant.EPOCH));
        assertThat(launch()).doesNotContain("Building");

        Files.move(source, root.resolve("core/sql/B.java"));
        assertThat(launch()).contains("newer than what was built");
        Files.delete(root.resolve("core/sql/B.java"));
        assertThat(launch()).contains("newer than what was built");
        assertThat(launch()).doesNotContain("Building");
    }

    @Test
    void buildsBesideTheJarsOfALakeThatRuns() throws Exception {
        launch();
        Path jar = Files.writeString(root.resolve("cli/target/tonle/lib/a.jar"), "running");
        Files.writeString(root.resolve("core/sql/C.java"), "class C {}");
        assertThat(launch()).contains("Building");
        assertThat(root.resolve("cli/target/tonle.old/lib/a.jar")).hasContent("running");
        assertThat(jar).doesNotExist();
    }

    @Test
    void aCacheOfClassesThatCannotBeUsedIsLeftAloneAndGoesWithItsBuild() throws Exception {
        String plain = launch().replaceFirst("(?s).*Built in \\d+ s\\.\n", "");
        Path cache = Files.writeString(root.resolve("cli/target/tonle/classes.aot"), "broken");
        assertThat(launch("on")).isEqualTo(plain);
        assertThat(cache).hasContent("broken");

        Files.writeString(root.resolve("core/sql/C.java"), "class C {}");
        assertThat(launch()).contains("Building");
        assertThat(cache).doesNotExist();
    }
}
