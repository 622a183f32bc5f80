package org.tonle.debezium;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;

/** What the lake publishes of somebody's database, whose own work goes on. */
class PublicationIT {
    @TempDir static Path temp;
    private static CapturedServer server;
    private CapturedServer.Database shop;

    @BeforeAll
    static void start() {
        server = CapturedServer.start(temp.resolve("postgres"));
    }

    @AfterAll
    static void stop() {
        server.close();
    }

    @BeforeEach
    void database() {
        shop = server.database();
    }

    @Test
    void tablesWhoseRowsCouldNotBeChangedAnyMoreAreNotPublished() {
        shop.run(
                "CREATE TABLE keyed (id bigint PRIMARY KEY, name text)",
                "CREATE TABLE bare (id bigint, name text)",
                "CREATE TABLE late (id bigint PRIMARY KEY DEFERRABLE)",
                "CREATE TABLE parts (id bigint, day date) PARTITION BY RANGE (day)",
                "CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM ('2026-01-01') TO ('2027-01-01')",
                "CREATE TABLE whole (id bigint, name text)",
                "ALTER TABLE whole REPLICA IDENTITY FULL",
                "CREATE TABLE indexed (id bigint NOT NULL UNIQUE)",
                "ALTER TABLE indexed REPLICA IDENTITY USING INDEX indexed_id_key",
                "INSERT INTO bare VALUES (1, 'a')");
        String[] all = {
            "public.keyed",
            "public.bare",
            "public.late",
            "public.parts",
            "public.whole",
            "public.indexed"
        };
        try (Capture capture = new Capture(Capture.kind(shop, all))) {
            assertThatThrownBy(capture::begin)
                    .isInstanceOfSatisfying(
                            LakeException.class,
                            e -> assertThat(e.code()).isEqualTo(ErrorCode.INVALID_DEFINITION))
                    .hasMessageContaining(
                            "no primary key for public.bare, public.late, public.parts. If")
                    .hasMessageContaining("ALTER TABLE \"public\".\"bare\" REPLICA IDENTITY FULL");
        }
        // as before
        shop.run("UPDATE bare SET name = 'b'", "DELETE FROM bare");
        try (Capture capture =
                new Capture(Capture.kind(shop, "public.keyed", "public.whole", "public.indexed"))
                        .begin()) {
            capture.until(0);
            shop.run("INSERT INTO whole VALUES (1, 'a')", "UPDATE whole SET name = 'b'");
            capture.until(2);
        }
    }
}
