package org.tonle.cli;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import org.tonle.spi.ErrorCode;
import org.tonle.spi.LakeException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code tonle demo}. */
@Command(
        name = "demo",
        description = {
            "Runs 3,000,000 real flights through a whole lake, and checks what comes out.",
            "A feeder posts them over HTTP and misbehaves like a real network: it sends requests"
                    + " again as if the answer had been lost, repeats single events in other requests,"
                    + " and mixes in events of the wrong shape. The exit status is 0 only if silver,"
                    + " gold and quarantine hold exactly what they should."
        },
        versionProvider = Main.Version.class,
        mixinStandardHelpOptions = true)
final class DemoCommand implements Callable<Integer> {
    private static final int INTERRUPTED = 130;

    private final Terminal terminal;

    @Option(
            names = "--events",
            paramLabel = "N",
            description = "Only the first N flights; all 3,000,000 if left out.")
    private @Nullable Long events;

    @Option(
            names = "--lake",
            paramLabel = "DIR",
            description =
                    "Keeps the lake in this folder; a second run goes on where the first ended."
                            + " If left out, the lake is gone afterwards.")
    private @Nullable Path folder;

    @Option(
            names = "--chaos",
            description = "Kills the lake five times on the way (SIGKILL); everything still holds.")
    private boolean chaos;

    @Option(
            names = "--json",
            description = "Prints one JSON object on stdout, and ends when it is done.")
    private boolean json;

    DemoCommand(Terminal terminal) {
        this.terminal = terminal;
    }

    @Override
    public Integer call() throws IOException {
        Signals signals = Signals.install();
        signals.interrupt(Thread.currentThread());
        Path example = Path.of(System.getProperty("tonle.home", "."), "examples", "flights");
        try (DemoFolder demo =
                folder == null
                        ? DemoFolder.temporary(example)
                        : DemoFolder.kept(example, folder.toAbsolutePath().normalize())) {
            return run(demo, example.resolve("data").resolve("flights-3m.parquet"));
        } catch (InterruptedException e) {
            return INTERRUPTED;
        } catch (LakeException e) {
            if (signals.asked() && e.code() == ErrorCode.CANCELLED) {
                return INTERRUPTED;
            }
            throw e;
        }
    }

    private DemoPlan plan(DemoFolder demo) {
        long before = demo.events().orElse(0);
        long wanted = events != null ? events : before > 0 ? before : (long) DemoPlan.MOST_EVENTS;
        if (wanted < 1 || wanted > DemoPlan.MOST_EVENTS) {
            throw new Failure(Exit.USAGE, "--events takes 1 to 3000000, not " + wanted);
        }
        if (before > 0 && wanted != before) {
            throw new Failure(
                    Exit.USAGE,
                    "%s holds a demo of %d events; leave --events out, or choose another folder"
                            .formatted(demo.path(), before));
        }
        return new DemoPlan(wanted);
    }

    private int run(DemoFolder demo, Path file) throws IOException, InterruptedException {
        DemoPlan plan = plan(demo);
        DemoFlights flights = new DemoFlights(file, plan);
        Progress progress = new Progress(terminal);
        Map<String, Double> seconds = new LinkedHashMap<>();
        long begin = System.nanoTime();
        Logs.toFolder(demo.path());
        progress.say("starting a lake in " + demo.path());
        try (DemoLake lake = chaos ? DemoLake.killable(demo.path()) : DemoLake.here(demo.path());
                LakeClient client = new LakeClient(LakeAddress.adminToken(demo.path()))) {
            seconds.put("start", since(begin));
            demo.noteEvents(plan.events());
            DemoFlights.Expected expected = flights.expected();
            DemoCounts counts = held(client, lake, demo);
            boolean finished = counts != null && counts.broken(plan, expected).isEmpty();
            if (finished) {
                progress.say("everything is there already; nothing is posted");
            } else {
                progress.say(
                        "posting %,d flights in %,d requests; sending %d requests and %,d events twice, and %d malformed events"
                                .formatted(
                                        plan.events(),
                                        plan.bodies(),
                                        plan.resent(),
                                        plan.duplicates(),
                                        DemoPlan.MALFORMED));
                DemoRun run = new DemoRun(lake, client, plan, flights, progress);
                run.run();
                seconds.putAll(run.seconds());
                counts = DemoCounts.ask(client, lake.url());
            }
            List<String> broken =
                    counts == null ? List.of("no counts") : counts.broken(plan, expected);
            long asked = System.nanoTime();
            Map<DemoQuestion, LakeClient.Rows> answers = new LinkedHashMap<>();
            for (DemoQuestion question : DemoQuestion.all(plan.events())) {
                answers.put(question, client.query(lake.url(), question.sql()));
            }
            seconds.put("answers", since(asked));
            seconds.put("total", since(begin));
            if (counts != null) {
                report(plan, counts, seconds, answers);
            }
            broken.forEach(line -> progress.say("WRONG      " + line));
            if (broken.isEmpty()) {
                progress.say("every count holds");
            }
            if (!json && terminal.outIsTerminal()) {
                serve(lake, demo);
            }
            return broken.isEmpty() ? Exit.OK : Exit.FAILED;
        }
    }

    /**
     * What is there of an earlier run; null in a fresh folder, where the tables aren't complete.
     */
    private static @Nullable DemoCounts held(LakeClient client, DemoLake lake, DemoFolder demo)
            throws IOException {
        if (!demo.isKept()) {
            return null;
        }
        try {
            return DemoCounts.ask(client, lake.url());
        } catch (LakeClient.Refused e) {
            // a table without its first commit can't be asked
            if (e.code().equals("INVALID_SQL")) {
                return null;
            }
            throw e;
        }
    }

    private static double since(long nanos) {
        return (System.nanoTime() - nanos) / 1e9;
    }

    private void report(
            DemoPlan plan,
            DemoCounts counts,
            Map<String, Double> seconds,
            Map<DemoQuestion, LakeClient.Rows> answers)
            throws IOException {
        byte[] text =
                (json
                                ? object(plan, counts, seconds, answers) + "\n"
                                : tables(plan, counts, seconds, answers))
                        .getBytes(StandardCharsets.UTF_8);
        terminal.out().write(text);
    }

    private static String object(
            DemoPlan plan,
            DemoCounts counts,
            Map<String, Double> seconds,
            Map<DemoQuestion, LakeClient.Rows> answers)
            throws IOException {
        Map<String, Object> object = new LinkedHashMap<>();
        object.put("events", plan.events());
        object.put("resent", plan.resent());
        object.put("malformed", DemoPlan.MALFORMED);
        object.put("bronze_rows", counts.bronze());
        object.put("silver_rows", counts.silver());
        object.put("duplicates", counts.duplicates());
        object.put("quarantined", counts.quarantined());
        object.put("commits", counts.seq());
        Map<String, Double> rounded = new LinkedHashMap<>();
        seconds.forEach((stage, s) -> rounded.put(stage, Math.round(s * 1000) / 1000.0));
        object.put("seconds", rounded);
        List<Map<String, Object>> list = new ArrayList<>();
        answers.forEach((question, rows) -> {
            Map<String, Object> answer = new LinkedHashMap<>();
            answer.put("question", question.question());
            answer.put("rows", rows.rows());
            list.add(answer);
        });
        object.put("answers", list);
        return new ObjectMapper().writeValueAsString(object);
    }

    private String tables(
            DemoPlan plan,
            DemoCounts counts,
            Map<String, Double> seconds,
            Map<DemoQuestion, LakeClient.Rows> answers) {
        StringBuilder text = new StringBuilder();
        TextTable summary = new TextTable(List.of("in the lake", "rows"));
        summary.add(List.of("bronze.flights", "%,d".formatted(counts.bronze())));
        summary.add(List.of("silver.flights", "%,d".formatted(counts.silver())));
        summary.add(List.of("quarantine.silver_flights", "%,d".formatted(counts.quarantined())));
        summary.add(List.of("left out as duplicates", "%,d".formatted(counts.duplicates())));
        summary.add(List.of("commits", "%,d".formatted(counts.seq())));
        text.append('\n').append(summary.print(terminal::bold));
        answers.forEach((question, rows) -> {
            text.append('\n').append(terminal.bold(question.question())).append("\n\n");
            if (!rows.rows().isEmpty()) {
                TextTable table = new TextTable(List.copyOf(rows.rows().getFirst().keySet()));
                rows.rows()
                        .forEach(row ->
                                table.add(
                                        row.values().stream()
                                                .map(v -> v == null ? "" : "" + v)
                                                .toList()));
                text.append(table.print(terminal::bold));
            }
        });
        text.append(
                "\n%,d flights in %.1f s.\n"
                        .formatted(plan.events(), seconds.getOrDefault("total", 0.0)));
        return text.toString();
    }

    private void serve(DemoLake lake, DemoFolder demo) {
        terminal.err()
                .println(
                        """

                        The lake keeps serving at %1$s until Ctrl-C. Worth trying next:
                          ./tonle query --lake %2$s "SELECT * FROM gold.route ORDER BY worst_delay DESC LIMIT 10"
                          ./tonle query --lake %2$s --format json "SELECT payload, message FROM quarantine.silver_flights WHERE reason = 'expectation'"
                          curl --oauth2-bearer "$(cat %2$s/.tonle/admin-token)" %1$s/api/v1/datasets\
                        """
                                .formatted(lake.url(), demo.path()));
        try {
            new java.util.concurrent.CountDownLatch(1).await();
        } catch (InterruptedException e) {
            // Ctrl-C is how this ends; what the demo showed stays true
            terminal.err().println("stopping");
        }
    }
}
