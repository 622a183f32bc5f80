package org.tonle.definition;

import static org.assertj.core.api.Assertions.assertThat;

import org.apache.iceberg.types.Types;
import org.junit.jupiter.api.Test;
import org.tonle.catalog.BronzeTable;

/** What definitions repeat of the bronze tables' shape, which a later module owns. */
class BronzeColumnsTest {
    @Test
    void definitionsKnowTheColumnsThatBronzeTablesHave() {
        assertThat(SourceFile.BRONZE_COLUMNS)
                .containsExactlyInAnyOrderElementsOf(
                        BronzeTable.SCHEMA.columns().stream()
                                .map(Types.NestedField::name)
                                .toList());
    }
}
