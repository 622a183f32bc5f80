package org.tonle.definition;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.tonle.spi.ErrorCode;

class ProblemsTest {
    private static final String MARKS = "{}[]:,'\"\n #&*!|>-%$;";

    @TempDir Path folder;

    private List<Problem> problems(Map<String, String> files) throws IOException {
        for (Map.Entry<String, String> file : files.entrySet()) {
            Path path = folder.resolve(file.getKey());
            Files.createDirectories(path.getParent());
            Files.writeString(path, file.getValue());
        }
        DefinitionException e =
                catchThrowableOfType(
                        DefinitionException.class, () -> LakeDefinition.load(folder, Map.of()));
        assertThat(e).as("nothing was refused").isNotNull();
        assertThat(e.code()).isEqualTo(ErrorCode.INVALID_DEFINITION);
        return e.problems();
    }

    private void expect(
            String file, String text, int line, int column, String value, String message)
            throws IOException {
        Map<String, String> files =
                file.equals("lake.yaml")
                        ? Map.of(file, text)
                        : Map.of("lake.yaml", "name: lake\n", file, text);
        List<Problem> problems = problems(files);
        assertThat(problems).hasSize(1);
        Problem problem = problems.getFirst();
        assertThat(problem.place()).isEqualTo(new Place(file, line, column));
        assertThat(problem.value()).isEqualTo(value == null ? "" : value);
        assertThat(problem.message()).contains(message);
    }

    // \n stands for a line break
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            textBlock =
                    """
                    name: My Lake                     | 1 | 7  | My Lake | a-z, 0-9, _ and -
                    nam: lake                         | 1 | 1  | nam | did you mean name?
                    zzzzzzzzzz: lake                  | 1 | 1  | zzzzzzzzzz | known are name, storage
                    name: a\\nname: b                 | 2 | 1  | name | stands twice
                    name:                             | 1 | 1  | name | has no value
                    name: [a, b]                      | 1 | 7  |     | takes one value
                    [a]: b                            | 1 | 1  |     | a key has to be a plain word
                    - a                               | 1 | 1  |     | has to hold keys with values
                    just text                         | 1 | 1  |     | has to hold keys with values
                    name: "x                          | 1 | 9  |     | not readable as YAML
                    name: a\\n---\\nname: b           | 2 | 1  |     | a second document
                    name: &a x                        | 1 | 7  |     | anchors and aliases
                    name: *a                          | 1 | 7  |     | anchors and aliases
                    name: [[[[[[[[[[[[[[[[[x          | 1 | 22 |     | nested deeper
                    storage: gs://bucket/x            | 1 | 10 | gs://bucket/x | a folder or a bucket
                    storage: ~/lake                   | 1 | 10 | ~/lake | ~ isn't expanded
                    storage: "a\\0b"                  | 1 | 10 | `a\u0000b` | not a folder's path
                    storage: file://host/x            | 1 | 10 | file://host/x | not a folder's path
                    storage: ${env:NOPE}              | 1 | 10 | ${env:NOPE} | variable NOPE isn't set
                    storage: ${file:nope}             | 1 | 10 | ${file:nope} | can't be read
                    storage: ${file:.}                | 1 | 10 | ${file:.} | not a regular file
                    storage: ${NOPE}                  | 1 | 10 | ${NOPE} | written ${env:NAME}
                    storage: ${env:NOPE               | 1 | 10 | ${env:NOPE | written ${env:NAME}
                    event-log: {}                     | 1 | 1  | event-log | add bootstrap-servers
                    event-log: kafka:9092             | 1 | 12 |     | takes keys of its own
                    event-log: {bootstrap-servers: h} | 1 | 32 | h   | write host:port
                    event-log: {bootstrap-servers: h:1, properties: {ssl.key.password: x}} | 1 | 68 | | write ssl.key.password: ${env:NAME}
                    event-log: {bootstrap-servers: h:1, properties: {bootstrap.servers: x}} | 1 | 50 | bootstrap.servers | write it as bootstrap-servers
                    ledger: {user: u}                 | 1 | 1  | ledger | add url: jdbc:postgresql://
                    ledger: {url: 'jdbc:postgresql://h/d'} | 1 | 1  | ledger | add user
                    ledger: {url: 'jdbc:mysql://h', user: u} | 1 | 15 | jdbc:mysql://h | is a PostgreSQL
                    ledger: {url: 'jdbc:postgresql://h/d?password=x', user: u} | 1 | 15 | | out of the url
                    ledger: {url: 'jdbc:postgresql://h/d', user: u, password: x} | 1 | 59 | | write password: ${env:NAME}
                    engine: {memory: 1MB}             | 1 | 18 | 1MB | a size from 128MB to 16TB, like 1GB
                    engine: {memory: 999999999TB}     | 1 | 18 | 999999999TB | a size from
                    engine: {threads: 0}              | 1 | 19 | 0   | from 1 to 1024
                    engine: {threads: many}           | 1 | 19 | many | from 1 to 1024
                    ingest: {commit-interval: 5}      | 1 | 27 | 5   | like 500ms, 5s
                    ingest: {commit-interval: 0s}     | 1 | 27 | 0s  | above zero
                    ingest: {commit-size: big}        | 1 | 23 | big | takes a size
                    ingest: {commit_size: 1MB}        | 1 | 10 | commit_size | did you mean commit-size?
                    query: {each: {timeout: never}}   | 1 | 25 | never | takes a duration
                    query: {roles: {admin: {row: 1}}} | 1 | 25 | row | unknown key
                    query: {each: {memory: 1MB}}      | 1 | 24 | 1MB | a size from 64MB to 512MB
                    query: {each: {memory: 600MB}}    | 1 | 24 | 600MB | a size from 64MB to 512MB
                    audit: {retention: 40000d}        | 1 | 1  | audit | at most 36500d
                    audit: {retention: 0d}            | 1 | 20 | 0d | takes a duration above zero
                    maintenance: {grace: 5m}          | 1 | 15 |     | grace in maintenance takes more
                    maintenance: {histori: 7d}        | 1 | 15 | histori | did you mean history
                    maintenance: {rows: {gold: 6d}}   | 1 | 22 | gold | rows stay at least 7d
                    maintenance: {rows: {silver: ever}} | 1 | 30 | ever | takes a duration
                    query: {roles: {data_viewr: {}}}  | 1 | 17 | data_viewr | unknown role; did you mean data_viewer
                    lineage: {}                       | 1 | 1  | lineage | either file: PATH or url:
                    lineage: {file: a, url: 'http://h'} | 1 | 1  | lineage | either file: PATH or url:
                    lineage: {url: 'ftp://h/x'}       | 1 | 16 | ftp://h/x | write a URL like https://
                    lineage: {url: 'http://u:p@h/x'}  | 1 | 16 |     | without a password
                    lineage: {url: 'http://h', api-key: abc} | 1 | 37 | | write api-key: ${env:NAME}
                    refresh-interval: 5 parsecs       | 1 | 19 | 5 parsecs | takes a duration
                    """)
    void ofTheLakeFile(String text, int line, int column, String value, String message)
            throws IOException {
        expect("lake.yaml", text.replace("\\n", "\n"), line, column, value, message);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            textBlock =
                    """
                    id: x                             | 1 | 1  |     | write kind: http
                    kind: amqp                        | 1 | 7  | amqp | there is files, http, kafka
                    kind: kafka\\nbootstrap-servers: "k:9" | 1 | 1 |    | topic is missing
                    kind: kafka\\ntopic: t           | 1 | 1  |     | bootstrap-servers is missing
                    kind: kafka\\ntopic: t\\nbootstrap-servers: k | 3 | 20 | k | write host:port
                    kind: kafka\\ntopic: t\\nbootstrap-servers: "k:9"\\nfrom: now | 4 | 7 | now | from takes earliest
                    kind: kafka\\ntopic: t\\nbootstrap-servers: "k:9"\\npartitions: 2 | 4 | 1 | partitions | unknown key
                    kind: kafka\\ntopic: t\\nbootstrap-servers: "k:9"\\nproperties: {ssl.key.password: x} | 4 | 32 | | secrets
                    kind: kafka\\ntopic: t\\nbootstrap-servers: "k:9"\\nformat: avor | 4 | 9 | avor | unknown format; did you mean avro?
                    kind: kafka\\ntopic: t\\nbootstrap-servers: "k:9"\\nformat: avro | 4 | 1 | avro | its schemas are in a registry
                    kind: kafka\\ntopic: t\\nbootstrap-servers: "k:9"\\nregistry: {user: a, password: "${env:PW}"} | 4 | 1 | registry | url is missing
                    kind: kafka\\ntopic: t\\nbootstrap-servers: "k:9"\\nregistry: {url: "ftp://h"} | 4 | 17 | ftp://h | no address of a registry
                    kind: kafka\\ntopic: t\\nbootstrap-servers: "k:9"\\nregistry: {url: "http://u:p@h"} | 4 | 17 | | no address of a registry
                    kind: kafka\\ntopic: t\\nbootstrap-servers: "k:9"\\nregistry: {url: "http://h", user: a} | 4 | 1 | registry | belong together
                    kind: kafka\\ntopic: t\\nbootstrap-servers: "k:9"\\nregistry: {url: "http://h", user: a, password: b} | 4 | 48 | | secrets
                    kind: kafka\\ntopic: t\\nbootstrap-servers: "k:9"\\nformat: debezium\\ncolumns: {_op: string} | 5 | 11 | _op | {type: …, path: $.row._op}
                    kind: files                       | 1 | 1  |     | path is missing
                    kind: files\\npath: d\\nformat: object\\ndrift: fail | 4 | 8 | fail | drift is of records
                    kind: files\\npath: a\\npattern: "{" | 3 | 10 | {  | no pattern of names
                    kind: files\\npath: a\\nformat: xml | 3 | 9  | xml | unknown format
                    kind: files\\npath: a\\nregion: eu | 3 | 1 | region | only a bucket has this
                    kind: files\\npath: "s3://" | 2 | 7 | s3:// | no name of a bucket
                    kind: files\\npath: "s3://b1/x"\\nendpoint: h | 3 | 11 | h | no address of a server
                    kind: files\\npath: "s3://b1/x"\\nendpoint: "http://u:p@h" | 3 | 11 | | no address of a server
                    kind: files\\npath: "s3://b1/x"\\naccess-key: a | 3 | 1 | | belong together
                    kind: files\\npath: "s3://b1/x"\\naccess-key: a\\nsecret-key: b | 4 | 13 | | secrets
                    kind: files\\npath: "s3://b1/x"\\npath-style: 1 | 3 | 13 | 1 | takes true or false
                    kind: files\\npath: a\\nmax-body: 1MB | 3 | 1 | max-body | unknown key
                    kind: http\\nid: $.a              | 2 | 5  | $.a | not a path
                    kind: http\\nkey: a               | 2 | 6  | a   | declare it under columns:
                    kind: http\\nkey: a\\ncolumns: {ab: int} | 2 | 6 | a | did you mean ab?
                    kind: http\\npartitions: 0        | 2 | 13 | 0   | from 1 to 1000
                    kind: http\\nretention: 7         | 2 | 12 | 7   | takes a duration
                    kind: http\\nmax-body: 33MB       | 2 | 11 | 33MB | a size from 1kB to 32MB
                    kind: http\\nbody: 1TB            | 2 | 1  | body | unknown key
                    kind: http\\ncolumns: [a]         | 2 | 10 |     | takes keys of its own
                    kind: http\\ncolumns: {a: long}   | 2 | 14 | long | did you mean bigint?
                    kind: http\\ncolumns: {a: timestmp} | 2 | 14 | timestmp | did you mean timestamp?
                    kind: http\\ncolumns: {a: blob}   | 2 | 14 | blob | unknown type
                    kind: http\\ncolumns: {a: 'decimal(3,4)'} | 2 | 14 | decimal(3,4) | like decimal(10,2)
                    kind: http\\ncolumns: {a: decimal} | 2 | 14 | decimal | did you mean decimal(p,s)?
                    kind: http\\ncolumns: {a: [int]}  | 2 | 14 |     | takes one value
                    kind: http\\ncolumns: {a: {path: $.a}} | 2 | 11 | a | type is missing
                    kind: http\\ncolumns: {a: {type: int, path: a}} | 2 | 32 | a | not a path: a path starts with $
                    kind: http\\ncolumns: {a: {type: int, required: 1}} | 2 | 36 | 1 | takes true or false
                    kind: http\\ncolumns: {a: {type: int, nullable: true}} | 2 | 26 | nullable | unknown key
                    kind: http\\ncolumns: {Payload: string} | 2 | 11 | Payload | {type: …, path: $.Payload}
                    kind: http\\ncolumns: {Tonle$Key: string} | 2 | 11 | Tonle$Key | path: $['Tonle$Key']
                    kind: http\\ncolumns: {_key: string} | 2 | 11 | _key | every table has a column
                    kind: http\\ncolumns: {a: int, A: int} | 2 | 19 | A | only in case
                    kind: http\\ncolumns: {"": int}   | 2 | 11 |     | 1 to 128 characters
                    """)
    void ofASourceFile(String text, int line, int column, String value, String message)
            throws IOException {
        expect("sources/s.yaml", text.replace("\\n", "\n"), line, column, value, message);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            textBlock =
                    """
                    pipelines/a.sql       | SELECT 1;\\n SELECT 'x | 2 | 9 | | never closed
                    pipelines/a.sql       | SELECT "x              | 1 | 8 | | never closed
                    pipelines/a.sql       | SELECT 1 /* x          | 1 | 10 | | comment is never closed
                    pipelines/a.SQL       | SELECT 1               | 1 | 1 | a.SQL | ending in .sql
                    sources/a.yml         | kind: http             | 1 | 1 | a.yml | ending in .yaml
                    sources/A.yaml        | kind: http             | 1 | 1 | A | named by its file
                    sources/x/a.yaml      | kind: http             | 1 | 1 | a | directly in sources/
                    sources/a.yaml        | ``                     | 1 | 1 | | the file is empty
                    policies/p.yaml       | x: y                   | 1 | 1 | x | unknown key
                    """)
    void ofOtherFiles(String file, String text, int line, int column, String value, String message)
            throws IOException {
        expect(file, text.replace("\\n", "\n"), line, column, value, message);
    }

    @Test
    void ofAFolderThatIsNoLake() throws IOException {
        assertThat(problems(Map.of()).getFirst().message()).contains("tonle init");
        assertThat(problems(Map.of("lake.yaml", "", "source/a.yaml", "kind: http")).getFirst())
                .isEqualTo(
                        new Problem(
                                new Place("source", 1, 1),
                                "source",
                                "the folder is never read; rename it to sources"));
    }

    @Test
    void ofAFileThatIsNotUtf8OrTooLarge() throws IOException {
        Files.write(folder.resolve("lake.yaml"), new byte[] {'a', ':', ' ', (byte) 0xC3});
        assertThat(problems(Map.of()).getFirst().message()).contains("not UTF-8");
        Files.writeString(folder.resolve("lake.yaml"), "#".repeat((1 << 20) + 1));
        assertThat(problems(Map.of()).getFirst().message()).contains("larger than 1 MB");
        Files.writeString(folder.resolve("lake.yaml"), "name: a\nstorage: b\u0001\n");
        assertThat(problems(Map.of()).getFirst().toString())
                .isEqualTo("lake.yaml:2:11: a character that YAML doesn't allow, of code 1");
    }

    @Test
    void allProblemsOfAllFilesAreReportedAtOnceInOrder() throws IOException {
        List<Problem> problems =
                problems(
                        Map.of(
                                "lake.yaml",
                                "nam: x\nengine:\n  memory: lots\n  threads: few\ningest: 5s\n",
                                "sources/a.yaml",
                                "columns:\n  a: long\n  b: text\n",
                                "sources/b.yaml",
                                "kind: ftp\n",
                                "pipelines/c.sql",
                                "SELECT 'open"));

        assertThat(problems.stream().map(p -> p.place().toString()).toList())
                .containsExactly(
                        "lake.yaml:1:1",
                        "lake.yaml:3:11",
                        "lake.yaml:4:12",
                        "lake.yaml:5:9",
                        "pipelines/c.sql:1:8",
                        "sources/a.yaml:1:1",
                        "sources/a.yaml:2:6",
                        "sources/a.yaml:3:6",
                        "sources/b.yaml:1:7");
        assertThat(new DefinitionException(problems).getMessage())
                .startsWith("9 problems in the lake's definition:\nlake.yaml:1:1: \"nam\": unknown")
                .contains("sources/a.yaml:2:6: \"long\": unknown type; did you mean bigint?");
    }

    @Test
    void problemsOfTheSqlComeTogetherWithAllOthersUnlessTheyWouldFollowFromThem()
            throws IOException {
        LakeDefinition.SqlCheck check =
                (sources, statements, policy) ->
                        List.of(new Problem(statements.getFirst().place(), "nope", "no column"));
        Files.createDirectories(folder.resolve("sources"));
        Files.createDirectories(folder.resolve("pipelines"));
        Files.writeString(folder.resolve("lake.yaml"), "nam: x\n");
        Files.writeString(folder.resolve("sources/a.yaml"), "kind: http\n");
        Files.writeString(folder.resolve("pipelines/a.sql"), "\nSELECT nope");

        assertThat(places(check)).containsExactly("lake.yaml:1:1", "pipelines/a.sql:2:1");
        Files.writeString(folder.resolve("sources/a.yaml"), "kind: ftp\n");
        assertThat(places(check)).containsExactly("lake.yaml:1:1", "sources/a.yaml:1:7");
    }

    private List<String> places(LakeDefinition.SqlCheck check) {
        return catchThrowableOfType(
                        DefinitionException.class,
                        () -> LakeDefinition.load(folder, Map.of(), check))
                .problems()
                .stream()
                .map(p -> p.place().toString())
                .toList();
    }

    @Test
    void aLongValueIsShownInPart() throws IOException {
        Problem problem = problems(Map.of("lake.yaml", "x".repeat(500) + ": 1")).getFirst();

        assertThat(problem.value()).isEqualTo("x".repeat(80) + "…");
    }

    @Test
    void aMillionBracketsAndManyAliasesEndQuickly() throws IOException {
        assertThat(problems(Map.of("lake.yaml", "name: " + "[".repeat(1_000_000))))
                .singleElement()
                .extracting(Problem::message)
                .asString()
                .contains("nested deeper");
        assertThat(problems(Map.of("lake.yaml", "a: &a [x,x]\nb: &b [*a,*a]\nc: [*b,*b]\n")))
                .singleElement()
                .extracting(Problem::message)
                .asString()
                .contains("anchors");
    }

    @Test
    void whateverTheBytesAreOnlyADefinitionExceptionComesOut() throws IOException {
        Random random = new Random(20_010_101);
        String lake =
                """
                name: a
                storage: ${env:X}
                event-log: {bootstrap-servers: "h:1", properties: {a: "${file:x}"}}
                ledger: {url: 'jdbc:postgresql://h/d', user: u, password: '${env:X}'}
                engine: {memory: 1GB}
                """;
        String source =
                """
                kind: http
                key: a
                columns:
                  a: {type: "decimal(3,2)", path: "$.a['b'][0]", required: true}
                """;
        String sql = "SELECT ';' /* x */ FROM \"a\"; -- y\nSELECT 1;";
        Files.createDirectories(folder.resolve("sources"));
        Files.createDirectories(folder.resolve("pipelines"));
        List<String> loaded = new ArrayList<>();
        for (int i = 0; i < 3_000; i++) {
            Files.write(folder.resolve("lake.yaml"), spoilt(lake, random));
            Files.write(folder.resolve("sources/a.yaml"), spoilt(source, random));
            Files.write(folder.resolve("pipelines/a.sql"), spoilt(sql, random));
            try {
                loaded.add(LakeDefinition.load(folder, Map.of("X", "x")).name());
            } catch (DefinitionException e) {
                assertThat(e.problems()).isNotEmpty();
            }
        }
        // some of the spoilt ones still mean something, else this tests only the YAML parser
        assertThat(loaded).isNotEmpty();
    }

    private static byte[] spoilt(String text, Random random) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        int times = random.nextInt(4);
        for (int i = 0; i < times; i++) {
            int at = random.nextInt(bytes.length);
            switch (random.nextInt(3)) {
                case 0 -> bytes[at] = (byte) random.nextInt(256);
                case 1 -> bytes[at] = (byte) MARKS.charAt(random.nextInt(MARKS.length()));
                default -> bytes = Arrays.copyOf(bytes, Math.max(1, at));
            }
        }
        return bytes;
    }
}
