package dev.dray.bench;

import java.io.IOException;
import java.nio.file.Path;

/// How long short commands take from start to end, beside `java --version`.
public final class StartTime {
    private static final int ROUNDS_FACTOR = 4;

    private StartTime() {}

    public static void main(String[] args) throws Exception {
        Samples ms = new Samples("ms");
        try (Workplace at = Workplace.make()) {
            System.out.println("start of short commands");
            System.out.println(Host.line());
            String dray = Workplace.home().resolve("dray").toString();
            String java =
                    Path.of(System.getProperty("java.home"), "bin", "java").toString();
            Path key = at.file("key");
            Path repository = at.file("repository");
            time(key, dray, "init", "--repo", repository.toString());
            for (int round = 0; round <= ROUNDS_FACTOR * Workplace.rounds(); round++) {
                double version = time(key, dray, "--version");
                double list = time(key, dray, "list", "--repo", repository.toString());
                double floor = time(key, java, "--version");
                if (round > 0) {
                    ms.add("java --version", floor);
                    ms.add("dray --version", version);
                    ms.add("dray list", list);
                }
            }
        }
        ms.print("java --version");
    }

    private static double time(Path key, String... words) throws IOException, InterruptedException {
        var builder = new ProcessBuilder(words)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .redirectError(ProcessBuilder.Redirect.DISCARD);
        builder.environment().put("DRAY_KEY_FILE", key.toString());
        builder.environment().put("XDG_STATE_HOME", key.resolveSibling("state").toString());
        long from = System.nanoTime();
        int code = builder.start().waitFor();
        if (code != 0) {
            throw new IOException(String.join(" ", words) + " ended with " + code);
        }
        return (System.nanoTime() - from) / 1e6;
    }
}
