package org.tonle.sql;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Optional;
import org.apache.iceberg.types.Types;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.tonle.catalog.BronzeTable;
import org.tonle.definition.ColumnDefinition;
import org.tonle.definition.ColumnType;
import org.tonle.definition.ColumnType.Simple;
import org.tonle.definition.JsonPath;
import org.tonle.definition.Place;
import org.tonle.definition.SqlText;
import org.tonle.spi.LakeException;

class ChangeBinderTest {
    private static final Place PLACE = new Place("pipelines/a.sql", 10, 3);

    private static final SqlTable USERS =
            table(
                    "users",
                    column("Id", Simple.BIGINT),
                    column("name", Simple.STRING),
                    column("op", Simple.STRING),
                    column("at", Simple.TIMESTAMPTZ),
                    column("ok", Simple.BOOLEAN));
    private static final SqlTable SHOP =
            table(
                    "shop_orders",
                    column("id", Simple.BIGINT),
                    column("amount", new ColumnType.Decimal(12, 2)),
                    column("_op", Simple.STRING),
                    column("_seq", Simple.STRING),
                    column("_at", Simple.TIMESTAMPTZ),
                    column("_unchanged", Simple.STRING));
    private static final SqlTable NONE = table("empty");

    private static ReadColumn column(String name, ColumnType type) {
        return ReadColumn.of(new ColumnDefinition(name, type, JsonPath.field(name), false, PLACE));
    }

    private static SqlTable table(String name, ReadColumn... columns) {
        return new SqlTable(
                new TableName("bronze", name),
                BronzeTable.SCHEMA,
                List.of(columns),
                Optional.empty());
    }

    private static BoundChanges bind(String clauses) {
        TableResolver tables =
                new TableResolver() {
                    @Override
                    public Optional<SqlTable> table(TableName name) {
                        return List.of(USERS, SHOP, NONE).stream()
                                .filter(table -> table.name().matches(name))
                                .findFirst();
                    }

                    @Override
                    public List<TableName> names() {
                        return List.of(USERS.name(), SHOP.name(), NONE.name());
                    }
                };
        return Sql.changes(
                (Dataset.ChangeTable)
                        Sql.dataset(
                                new SqlText(
                                        PLACE,
                                        "AUTO CDC INTO silver.t FROM STREAM bronze." + clauses)),
                tables);
    }

    @Test
    void aDatabasesTableNeedsNothingButItsKeys() {
        BoundChanges changes = bind("shop_orders KEYS (ID)");
        assertThat(changes.schema().columns())
                .containsExactly(
                        Types.NestedField.required(1, "id", Types.LongType.get()),
                        Types.NestedField.optional(2, "amount", Types.DecimalType.of(12, 2)),
                        Types.NestedField.required(3, "_sequence", Types.StringType.get()));
        assertThat(changes.keys()).containsExactly("id");
        assertThat(changes.columns()).containsExactly("id", "amount");
    }

    @Test
    void historySaysFromWhenAndUntilWhen() {
        BoundChanges changes =
                bind(
                        "users KEYS (id) SEQUENCE BY at COLUMNS * EXCEPT (op, ok) STORED AS SCD TYPE 2");
        assertThat(changes.schema().columns().stream().map(Types.NestedField::name))
                .containsExactly("Id", "name", "at", "__start_at", "__end_at");
        assertThat(changes.history()).isTrue();
        assertThat(Lineage.of(changes))
                .extracting(edge -> edge.column().orElse("-") + " " + edge.inputColumn())
                .containsExactly("Id Id", "name name", "at at", "__start_at at", "__end_at at");
    }

    @Test
    void whatOrdersAndDeletesDecidesAndIsNoValue() {
        BoundChanges changes =
                bind(
                        "users KEYS (Id) APPLY AS DELETE WHEN op = 'd' SEQUENCE BY at COLUMNS (Id, name)");
        assertThat(Lineage.of(changes))
                .extracting(edge -> edge.column().orElse("-") + " " + edge.inputColumn())
                .containsExactly("Id Id", "name name", "- at", "- op");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "users KEYS (id) | SEQUENCE BY is missing",
                "users KEYS (id) SEQUENCE BY ok | SEQUENCE BY is of type boolean",
                "users KEYS (id) APPLY AS DELETE WHEN name SEQUENCE BY at | is no condition",
                "users KEYS (no) SEQUENCE BY at | bronze.users has no column no",
                "users KEYS (id, id) SEQUENCE BY at | named twice in KEYS",
                "users KEYS (id) SEQUENCE BY at COLUMNS (name) | has no column id",
                "users KEYS (id) SEQUENCE BY MAX(at) | the aggregate MAX",
                "users KEYS (id) SEQUENCE BY CURRENT_TIMESTAMP | CURRENT_TIMESTAMP",
                "users KEYS (id) SEQUENCE BY nowhere | nowhere",
                "empty KEYS (id) | has no columns for silver.t",
                "shop_order KEYS (id) | shop_orders",
            })
    void saysWhatIsWrong(String clauses, String message) {
        assertThatThrownBy(() -> bind(clauses))
                .isInstanceOf(LakeException.class)
                .hasMessageContaining(message)
                .hasMessageStartingWith("pipelines/a.sql:10");
    }
}
