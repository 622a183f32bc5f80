package org.tonle.ingest;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import java.io.IOException;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.tonle.definition.ColumnType;
import org.tonle.definition.ColumnType.Simple;

class ValueFitTest {
    @ParameterizedTest(name = "{0}: {1}, {2}")
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "boolean | true | true",
                "boolean | \"false\" | true",
                "boolean | 1 | false",
                "int | -2147483648 | true",
                "int | 2147483648 | false",
                "int | 7.0 | true",
                "int | 1e3 | true",
                "int | 1e999999999 | false",
                "int | 1.5 | false",
                "int | \"+12\" | true",
                "int | \" 12\" | false",
                "int | {} | false",
                "bigint | 9223372036854775807 | true",
                "bigint | 9223372036854775808 | false",
                "double | 1e308 | true",
                "double | 1e309 | false",
                "double | \"NaN\" | false",
                "decimal | 12.500 | true",
                "decimal | \"12345678.12\" | true",
                "decimal | 12.345 | false",
                "decimal | 123456789 | false",
                "decimal | 0.000 | true",
                "decimal | 1e-999999999 | false",
                "string | [1] | true",
                "date | \"2001/01/05\" | true",
                "date | \"2001-02-29\" | false",
                "timestamp | \"2001-01-05 10:11\" | true",
                "timestamp | \"2001-01-05T10:11:12Z\" | false",
                "timestamptz | \"2001-01-05T10:11-0330\" | true",
                "timestamptz | \"2001-01-05\" | false",
            })
    void saysWhatItsTypeTakes(String type, String json, boolean fits) throws IOException {
        ColumnType column =
                type.equals("decimal")
                        ? new ColumnType.Decimal(10, 2)
                        : Simple.valueOf(type.toUpperCase(java.util.Locale.ROOT));
        try (JsonParser parser = new JsonFactory().createParser(json)) {
            parser.nextToken();
            assertThat(ValueFit.fits(column, parser)).isEqualTo(fits);
        }
    }
}
