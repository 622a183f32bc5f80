package org.tonle.definition;

import java.util.Locale;

/** The type that a schema-on-read column has when it is read; see {@code docs/types.md}. */
public sealed interface ColumnType {
    /** Types without parameters. */
    enum Simple implements ColumnType {
        BOOLEAN,
        /** 32 bits, signed. */
        INT,
        /** 64 bits, signed. */
        BIGINT,
        /** IEEE 754, 64 bits. */
        DOUBLE,
        STRING,
        DATE,
        /** Without a zone: what a clock on a wall shows. */
        TIMESTAMP,
        /** An instant. */
        TIMESTAMPTZ;

        /** As it is written in a source file. */
        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /**
     * Exact decimals.
     *
     * @param precision digits in all, 1 to 38
     * @param scale digits after the point, 0 to {@code precision}
     */
    record Decimal(int precision, int scale) implements ColumnType {
        public static final int MAX_PRECISION = 38;

        public Decimal {
            if (precision < 1 || precision > MAX_PRECISION || scale < 0 || scale > precision) {
                throw new IllegalArgumentException(
                        "decimal(" + precision + "," + scale + ") doesn't exist");
            }
        }

        /** As it is written in a source file. */
        @Override
        public String toString() {
            return "decimal(" + precision + "," + scale + ")";
        }
    }
}
