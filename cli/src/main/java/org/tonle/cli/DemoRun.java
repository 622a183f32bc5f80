package org.tonle.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;

/** From posting the first flight to gold that holds the last, stage by stage. */
final class DemoRun {
    static final int KILLS = 5;
    private static final Duration BETWEEN_LOOKS = Duration.ofMillis(250);
    private static final Duration WITHOUT_PROGRESS = Duration.ofSeconds(90);

    private final DemoLake lake;
    private final LakeClient client;
    private final DemoPlan plan;
    private final DemoFlights flights;
    private final Progress progress;
    private final Map<String, Double> seconds = new LinkedHashMap<>();

    DemoRun(
            DemoLake lake,
            LakeClient client,
            DemoPlan plan,
            DemoFlights flights,
            Progress progress) {
        this.lake = lake;
        this.client = client;
        this.plan = plan;
        this.flights = flights;
        this.progress = progress;
    }

    /** How long each stage took, in order. */
    Map<String, Double> seconds() {
        return seconds;
    }

    /** Posts everything and returns when gold has taken it in. */
    void run() throws InterruptedException {
        feed();
        awaitTables();
    }

    private void feed() throws InterruptedException {
        try (DemoFeeder feeder = new DemoFeeder(client, lake::url, plan)) {
            CompletableFuture<Void> chaos =
                    lake instanceof DemoLake.Killable killable
                            ? CompletableFuture.runAsync(
                                    () -> kill(killable, feeder), Thread::startVirtualThread)
                            : CompletableFuture.completedFuture(null);
            Progress.Stage stage = progress.stage("posting", "flights", plan.events());
            flights.forEachBody(body -> {
                feeder.take(body);
                stage.at(feeder.flights());
            });
            feeder.finish();
            try {
                chaos.join();
            } catch (CompletionException e) {
                throw e.getCause() instanceof RuntimeException cause ? cause : e;
            }
            seconds.put("post", stage.end(feeder.flights()));
            if (feeder.retries() > 0) {
                progress.say(
                        "           %d attempts found no answer; each was made again with its key"
                                .formatted(feeder.retries()));
            }
        }
    }

    /** Five times on the way, each at a moment that nobody chose. */
    private void kill(DemoLake.Killable killable, DemoFeeder feeder) {
        Random random = new Random();
        try {
            for (int kill = 1; kill <= KILLS; kill++) {
                int after = kill * plan.bodies() / (KILLS + 1);
                while (feeder.bodies() < after) {
                    TimeUnit.MILLISECONDS.sleep(20);
                }
                TimeUnit.MILLISECONDS.sleep(random.nextInt(500));
                killable.killAndRestart();
                progress.say(
                        "\n           killed the lake (%d of %d) after %,d flights; it is back"
                                .formatted(kill, KILLS, feeder.flights()));
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private interface Reached {
        boolean by(Tables tables);
    }

    /** Rows and what is left to do of each table, as GET /api/v1/datasets tells. */
    private record Tables(JsonNode all) {
        JsonNode of(String name) {
            for (JsonNode table : all) {
                if (table.path("name").asText().equals(name)) {
                    return table;
                }
            }
            return all.path(-1);
        }

        long rows(String name) {
            return of(name).path("rows").asLong();
        }

        boolean upToDate(String name) {
            return of(name).path("lag").asLong(1) == 0;
        }

        String failing() {
            StringBuilder text = new StringBuilder();
            for (JsonNode table : all) {
                if (table.has("reason")) {
                    text.append("\n  ")
                            .append(table.path("name").asText())
                            .append(" is ")
                            .append(table.path("state").asText())
                            .append(": ")
                            .append(table.path("reason").asText());
                }
            }
            return text.toString();
        }
    }

    private void awaitTables() throws InterruptedException {
        await("bronze", "bronze.flights", plan.bronzeRows(), t -> true);
        await("silver", "silver.flights", 0, t -> t.upToDate("silver.flights"));
        await(
                "gold",
                "gold.airport_day",
                0,
                t -> t.upToDate("gold.airport_day") && t.upToDate("gold.route"));
    }

    /** Until the table has so many rows and the condition holds. */
    private void await(String name, String table, long rows, Reached condition)
            throws InterruptedException {
        Progress.Stage stage = progress.stage(name, "rows", rows == 0 ? plan.events() : rows);
        long last = -1;
        long deadline = System.nanoTime() + WITHOUT_PROGRESS.toNanos();
        String reason = "";
        while (true) {
            try {
                Tables tables = new Tables(client.datasets(lake.url()));
                long now = tables.rows(table);
                if (now >= rows && condition.by(tables)) {
                    seconds.put(name, stage.end(now));
                    return;
                }
                stage.at(now);
                if (now != last) {
                    last = now;
                    deadline = System.nanoTime() + WITHOUT_PROGRESS.toNanos();
                }
                reason = tables.failing();
            } catch (LakeClient.Refused | IOException e) {
                reason = "\n  " + e.getMessage();
            }
            if (System.nanoTime() > deadline) {
                throw new Failure(
                        Exit.FAILED,
                        "%s stays at %,d rows for %d s%s"
                                .formatted(table, last, WITHOUT_PROGRESS.toSeconds(), reason));
            }
            Thread.sleep(BETWEEN_LOOKS);
        }
    }
}
