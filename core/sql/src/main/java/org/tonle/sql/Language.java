package org.tonle.sql;

import java.util.List;
import org.apache.calcite.avatica.util.Casing;
import org.apache.calcite.avatica.util.Quoting;
import org.apache.calcite.sql.SqlBasicTypeNameSpec;
import org.apache.calcite.sql.SqlCall;
import org.apache.calcite.sql.SqlDataTypeSpec;
import org.apache.calcite.sql.SqlDynamicParam;
import org.apache.calcite.sql.SqlFunction;
import org.apache.calcite.sql.SqlNode;
import org.apache.calcite.sql.SqlNodeList;
import org.apache.calcite.sql.SqlOperator;
import org.apache.calcite.sql.SqlOperatorTable;
import org.apache.calcite.sql.SqlSelect;
import org.apache.calcite.sql.fun.SqlStdOperatorTable;
import org.apache.calcite.sql.parser.SqlAbstractParserImpl;
import org.apache.calcite.sql.parser.SqlParseException;
import org.apache.calcite.sql.parser.SqlParser;
import org.apache.calcite.sql.parser.SqlParserPos;
import org.apache.calcite.sql.parser.babel.SqlBabelParserImpl;
import org.apache.calcite.sql.util.SqlBasicVisitor;
import org.apache.calcite.sql.util.SqlOperatorTables;
import org.apache.calcite.sql.validate.SqlConformance;
import org.apache.calcite.sql.validate.SqlConformanceEnum;
import org.apache.calcite.sql.validate.SqlDelegatingConformance;
import org.jspecify.annotations.Nullable;
import org.tonle.spi.LakeException;

/** What Tonle's SQL is: how it is parsed, and which operators it has. */
final class Language {
    /** Longest statement, in characters. */
    private static final int MAX_LENGTH = 1 << 20;

    /** Most words and marks of a statement: a list of a hundred thousand values. */
    private static final int MAX_TOKENS = 200_000;

    /**
     * Most words and marks in a row without a separator. A chain of operators is as deep as it is
     * long, and the parser, which finds that out, needs memory that grows with its square.
     */
    private static final int MAX_CHAIN = 20_000;

    private static final List<String> SEPARATORS = List.of(",", "WHEN", "THEN");

    /** Standard SQL with the liberties that everybody takes; ROLLUP still works. */
    static final SqlConformance CONFORMANCE =
            new SqlDelegatingConformance(SqlConformanceEnum.DEFAULT) {
                @Override
                public boolean isGroupByOrdinal() {
                    return true;
                }

                @Override
                public boolean isGroupByAlias() {
                    return true;
                }

                @Override
                public boolean isHavingAlias() {
                    return true;
                }

                @Override
                public boolean isBangEqualAllowed() {
                    return true;
                }

                @Override
                public boolean isPercentRemainderAllowed() {
                    return true;
                }

                @Override
                public boolean shouldConvertRaggedUnionTypesToVarying() {
                    return true;
                }
            };

    static final SqlOperatorTable OPERATORS =
            SqlOperatorTables.chain(SqlStdOperatorTable.instance(), Vocabulary.MORE);

    private static final SqlParser.Config PARSER =
            SqlParser.config()
                    .withParserFactory(SqlBabelParserImpl.FACTORY)
                    .withQuoting(Quoting.DOUBLE_QUOTE)
                    .withUnquotedCasing(Casing.UNCHANGED)
                    .withQuotedCasing(Casing.UNCHANGED)
                    .withCaseSensitive(false)
                    .withIdentifierMaxLength(1024)
                    .withConformance(CONFORMANCE);

    private Language() {}

    static SqlNode parseQuery(String text, Position position) {
        checkText(text, position);
        try {
            return checked(SqlParser.create(text, PARSER).parseQuery(), position);
        } catch (SqlParseException e) {
            throw SqlErrors.of(position, e, text, reserved());
        }
    }

    static SqlNode parseExpression(String text, Position position) {
        checkText(text, position);
        try {
            return checked(SqlParser.create(text, PARSER).parseExpression(), position);
        } catch (SqlParseException e) {
            throw SqlErrors.of(position, e, text, reserved());
        }
    }

    /** The parser's time grows with the square of the depth, so depth is looked at before. */
    private static void checkText(String text, Position position) {
        if (text.length() > MAX_LENGTH) {
            throw SqlErrors.unsupported(
                    position,
                    SqlParserPos.ZERO,
                    "the statement is longer than " + MAX_LENGTH + " characters");
        }
        int depth = 0;
        int chain = 0;
        List<Tokens.Token> tokens = Tokens.of(text);
        if (tokens.size() > MAX_TOKENS) {
            throw SqlErrors.unsupported(
                    position,
                    SqlParserPos.ZERO,
                    "the statement has more than " + MAX_TOKENS + " words and marks");
        }
        for (Tokens.Token token : tokens) {
            if (!token.isClosed(text)) {
                throw SqlErrors.invalid(
                        position,
                        Tokens.place(text, token.start()),
                        token.kind() == Tokens.Kind.TEXT
                                ? "the text that begins here isn't closed; write ' behind it"
                                : "the name that begins here isn't closed; write \" behind it");
            }
            chain = SEPARATORS.stream().anyMatch(token::is) ? 0 : chain + 1;
            if (chain > MAX_CHAIN) {
                throw Extent.tooDeep(position, SqlParserPos.ZERO);
            }
            if (token.is("(") || token.is("[") || token.is("CASE")) {
                depth++;
            } else if (token.is(")") || token.is("]") || token.is("END")) {
                depth--;
            }
            if (depth > Extent.MAX_DEPTH) {
                throw Extent.tooDeep(position, SqlParserPos.ZERO);
            }
        }
    }

    /** Before anybody walks through it: its nodes may stand at many places. */
    private static SqlNode checked(SqlNode parsed, Position position) {
        Extent.check(parsed, position);
        return parsed;
    }

    /** {@code SELECT items FROM from WHERE where}, made rather than parsed. */
    static SqlSelect select(SqlNodeList items, SqlNode from, @Nullable SqlNode where) {
        return new SqlSelect(
                SqlParserPos.ZERO,
                null,
                items,
                from,
                where,
                null,
                null,
                null,
                null,
                null,
                null,
                null,
                null);
    }

    /** The words that are no names unless they stand in double quotes. */
    static List<String> reserved() {
        SqlAbstractParserImpl.Metadata words = SqlParser.create("", PARSER).getMetadata();
        return words.getTokens().stream().filter(words::isReservedWord).toList();
    }

    /** Refuses what is none of Tonle's SQL already by its form. */
    static void checkParsed(SqlNode statement, Position position) {
        check(statement, position);
        statement.accept(
                new SqlBasicVisitor<@Nullable Void>() {
                    @Override
                    public @Nullable Void visit(SqlDynamicParam parameter) {
                        throw SqlErrors.unsupported(
                                position,
                                parameter.getParserPosition(),
                                "a parameter has no place here; write the value");
                    }

                    @Override
                    public @Nullable Void visit(SqlDataTypeSpec type) {
                        if (type.getTypeNameSpec() instanceof SqlBasicTypeNameSpec basic) {
                            checkType(type, basic, position);
                        }
                        return null;
                    }
                });
    }

    private static void checkType(
            SqlDataTypeSpec type, SqlBasicTypeNameSpec basic, Position position) {
        switch (basic.getTypeName().getSimple()) {
            case "CHAR", "BINARY" -> throw noLength(type, position);
            case "VARCHAR", "VARBINARY" -> {
                if (basic.getPrecision() >= 0) {
                    throw noLength(type, position);
                }
            }
            case "TIME", "TIMESTAMP", "TIMESTAMP_TZ", "TIMESTAMP_WITH_LOCAL_TIME_ZONE" -> {
                if (basic.getPrecision() >= 0
                        && basic.getPrecision() != LakeTypeSystem.TIME_PRECISION) {
                    throw SqlErrors.unsupported(
                            position,
                            type.getParserPosition(),
                            type
                                    + " is not taken: times are in microseconds; leave the number out");
                }
            }
            default -> {}
        }
    }

    private static LakeException noLength(SqlDataTypeSpec type, Position position) {
        return SqlErrors.unsupported(
                position,
                type.getParserPosition(),
                type
                        + " is not taken, since texts have no length here; write VARCHAR, and"
                        + " SUBSTRING to shorten");
    }

    /** Refuses whatever isn't known to mean the same to every engine. */
    static void checkBound(SqlNode statement, Position position) {
        check(statement, position);
    }

    private static void check(SqlNode statement, Position position) {
        statement.accept(
                new SqlBasicVisitor<@Nullable Void>() {
                    @Override
                    public @Nullable Void visit(SqlCall call) {
                        SqlOperator operator = call.getOperator();
                        checkForm(call, position);
                        if (operator instanceof SqlFunction) {
                            if (!Vocabulary.isFunction(operator.getName())) {
                                throw noFunction(
                                        position, call.getParserPosition(), operator.getName());
                            }
                        } else if (!Vocabulary.isClause(operator)) {
                            throw SqlErrors.unsupported(
                                    position,
                                    call.getParserPosition(),
                                    operator.getName() + " is not in Tonle's SQL");
                        }
                        return super.visit(call);
                    }
                });
    }

    /** Forms of known operators that engines don't all have. */
    private static void checkForm(SqlCall call, Position position) {
        String problem =
                switch (call.getKind()) {
                    case CEIL ->
                            call.operandCount() > 1
                                    ? "CEIL takes a number; of a time, write FLOOR(t TO DAY)"
                                    : null;
                    case COUNT ->
                            call.operandCount() > 1
                                    ? "COUNT takes one value; for several, write COUNT(DISTINCT"
                                            + " ROW(a, b))"
                                    : null;
                    case POSITION ->
                            call.operandCount() > 2
                                    ? "POSITION looks at the whole text; cut it with SUBSTRING"
                                    : null;
                    case UNNEST ->
                            call.operandCount() > 1
                                    ? "UNNEST takes one array; write a join of several"
                                    : null;
                    case BETWEEN ->
                            call.getOperator().getName().endsWith(" SYMMETRIC")
                                    ? "BETWEEN SYMMETRIC is not in Tonle's SQL; write the lesser"
                                            + " value first"
                                    : null;
                    default -> null;
                };
        if (problem != null) {
            throw SqlErrors.unsupported(position, call.getParserPosition(), problem);
        }
    }

    static LakeException noFunction(Position position, SqlParserPos pos, String name) {
        return SqlErrors.unsupported(
                position,
                pos,
                "the function "
                        + name
                        + " is not in Tonle's SQL"
                        + Vocabulary.nearestFunction(name)
                                .map(n -> "; is it " + n + "?")
                                .orElse(""));
    }
}
