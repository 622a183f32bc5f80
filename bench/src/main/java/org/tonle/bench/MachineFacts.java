package org.tonle.bench;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** What a figure was measured on. */
final class MachineFacts {
    private MachineFacts() {}

    static ObjectNode json() throws IOException {
        String model =
                Files.readAllLines(Path.of("/proc/cpuinfo")).stream()
                        .filter(line -> line.startsWith("model name"))
                        .map(line -> line.substring(line.indexOf(':') + 1).strip())
                        .findFirst()
                        .orElse("unknown");
        String load = Files.readString(Path.of("/proc/loadavg")).split(" ", 2)[0];
        return new ObjectMapper()
                .createObjectNode()
                .put("cores", Runtime.getRuntime().availableProcessors())
                .put("cpu", model)
                .put("os", System.getProperty("os.name") + " " + System.getProperty("os.version"))
                .put("java", System.getProperty("java.vm.version"))
                .put("load_1m", Double.parseDouble(load));
    }
}
