package org.tonle.definition;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PostgresSectionTest {
    @TempDir Path folder;

    private LakeDefinition load(String shop) throws IOException {
        Files.writeString(folder.resolve("lake.yaml"), "name: test\n");
        Files.createDirectories(folder.resolve("sources"));
        Files.writeString(folder.resolve("sources/shop.yaml"), shop);
        return LakeDefinition.load(folder, Map.of("SHOP_PASSWORD", "s3cret"));
    }

    @Test
    void aDatabaseHasATableOfBronzeForEachOfItsTables() throws IOException {
        LakeDefinition lake =
                load(
                        """
                        kind: postgres
                        host: db.example
                        database: shop
                        user: tonle
                        password: ${env:SHOP_PASSWORD}
                        properties: {sslmode: require}
                        wal-alarm: 2GB
                        tables:
                          customers:
                            id: bigint
                            "full name": {type: string, required: true}
                            city: {type: string, path: "$.row.address.city"}
                          Sales.Orders: {}
                        """);

        SourceDefinition source = lake.sources().getFirst();
        assertThat(source.idField()).isEqualTo("seq");
        assertThat(source.eventTimeField()).contains("at");
        assertThat(source.partitions()).isEqualTo(1);
        SourceKind.Postgres kind = (SourceKind.Postgres) source.kind();
        assertThat(kind.host()).isEqualTo("db.example");
        assertThat(kind.port()).isEqualTo(5432);
        assertThat(kind.password()).contains(new Secret("s3cret"));
        assertThat(kind.properties()).isEqualTo(Map.of("sslmode", "require"));
        assertThat(kind.slot()).isEqualTo("tonle_shop");
        assertThat(kind.publication()).isEqualTo("tonle_shop");
        assertThat(kind.walAlarmBytes()).isEqualTo(2L << 30);
        assertThat(source.tables())
                .extracting(BronzeDefinition::name)
                .containsExactly("shop_customers", "shop_sales_orders");
        assertThat(source.tables())
                .extracting(BronzeDefinition::outside)
                .containsExactly(Optional.of("public.customers"), Optional.of("Sales.Orders"));
        assertThat(source.tables().getFirst().columns())
                .extracting(c -> c.name() + " " + c.type() + " " + c.path() + " " + c.required())
                .containsExactly(
                        "id bigint $.row.id false",
                        "full name string $.row['full name'] true",
                        "city string $.row.address.city false",
                        "_op string $.op true",
                        "_seq string $.seq true",
                        "_at timestamptz $.at false",
                        "_unchanged string $.unchanged false");
    }

    @Test
    void whatADatabaseCannotBeIsSaidAllAtOnce() {
        assertThatThrownBy(() ->
                        load(
                                """
                                kind: postgres
                                database: shop
                                user: tonle
                                password: s3cret
                                slot: My Slot
                                key: id
                                properties: {sslpassword: s3cret, user: me}
                                tables:
                                  customers: {_op: string, id: number}
                                  a.b.c: {}
                                  a.x-y: {}
                                  a.x_y: {}
                                """))
                .isInstanceOf(DefinitionException.class)
                .hasMessageContaining("host is missing")
                .hasMessageContaining("secrets don't belong into files")
                .hasMessageContaining("slot takes 1 to 63 of a-z, 0-9 and _, like tonle_shop")
                .hasMessageContaining("unknown key")
                .hasMessageContaining("write it above, as user")
                .hasMessageContaining("{type: …, path: $.row._op}")
                .hasMessageContaining("did you mean double?")
                .hasMessageContaining("a table is written name, or schema.name")
                .hasMessageContaining("becomes bronze.shop_a_x_y, which a.x-y is already")
                .satisfies(e -> assertThat(e.getMessage()).doesNotContain("s3cret"));
    }

    @Test
    void twoSourcesDoNotFillOneTable() {
        assertThatThrownBy(
                        () -> {
                            Files.createDirectories(folder.resolve("sources"));
                            Files.writeString(
                                    folder.resolve("sources/shop_customers.yaml"), "kind: http\n");
                            load(
                                    """
                                    kind: postgres
                                    host: db
                                    database: shop
                                    user: tonle
                                    tables: {customers: {}}
                                    """);
                        })
                .isInstanceOf(DefinitionException.class)
                .hasMessageContaining("shop_customers");
    }
}
