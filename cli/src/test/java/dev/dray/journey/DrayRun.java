package dev.dray.journey;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// One `dray` that runs: it can be watched, signalled, killed, and waited for.
final class DrayRun implements AutoCloseable {
    private static final Duration PATIENCE = Duration.ofSeconds(90);

    private static final Duration READ_PATIENCE = Duration.ofSeconds(2);

    private final List<String> arguments;
    private final Process process;
    private final LinkedBlockingQueue<String> lines = new LinkedBlockingQueue<>();
    private final List<String> seen = new ArrayList<>();
    private final StringBuilder out = new StringBuilder();
    private final Thread errReader;
    private final Thread outReader;

    DrayRun(List<String> arguments, Process process) {
        this.arguments = arguments;
        this.process = process;
        this.errReader = Thread.ofPlatform().daemon().start(this::readErr);
        this.outReader = Thread.ofPlatform().daemon().start(this::readOut);
    }

    @Override
    public String toString() {
        return arguments + " " + seen + " " + lines + " " + out;
    }

    /// How it ended.
    ///
    /// @param json its one document on stdout
    record Ended(int exitCode, JsonNode json, List<String> err) {
        String text(String field) {
            return json.path(field).asString("");
        }

        /// For a failed run: its sentence and the way out.
        String says() {
            return text("message") + " | " + text("what_to_do");
        }

        /// SIGINT has ended it, and it says so.
        void wasInterrupted(Object when) {
            assertThat(exitCode).as("%s: %s", when, json).isEqualTo(130);
            assertThat(text("kind")).as("%s: %s", when, json).isEqualTo("interrupted");
        }
    }

    /// Waits for the line on stderr that a phase begins; the run goes on meanwhile.
    DrayRun awaitPhase(String phase) throws Exception {
        long until = System.nanoTime() + PATIENCE.toNanos();
        while (System.nanoTime() < until) {
            String line = lines.poll(20, TimeUnit.MILLISECONDS);
            if (line != null) {
                seen.add(line);
                if (line.contains(": " + phase)) {
                    return this;
                }
            } else if (!errReader.isAlive() && lines.isEmpty()) {
                break; // what a process has said may be read after its end
            }
        }
        throw new AssertionError("no phase '" + phase + "' in " + arguments + ": " + seen + " " + out);
    }

    /// Waits until it has read so much more, by which it can be caught in the middle of a stream: QEMU itself answers
    /// nothing while it sends the memory of a guest that it has stopped.
    DrayRun awaitRead(long bytes) throws Exception {
        long from = readBytes();
        long until = System.nanoTime() + PATIENCE.toNanos();
        while (readBytes() < from + bytes) {
            if (!process.isAlive()) {
                throw new AssertionError("dray ended before: " + end());
            }
            if (System.nanoTime() > until) {
                throw new AssertionError("dray reads nothing: " + arguments + " " + seen + " " + lines);
            }
            Thread.sleep(1);
        }
        return this;
    }

    private long readBytes() throws IOException {
        try {
            return Files.readAllLines(Path.of("/proc", Long.toString(process.pid()), "io")).stream()
                    .filter(line -> line.startsWith("rchar: "))
                    .mapToLong(line -> Long.parseLong(line.substring("rchar: ".length())))
                    .findFirst()
                    .orElseThrow();
        } catch (NoSuchFileException e) {
            return 0; // it has ended
        }
    }

    long pid() {
        return process.pid();
    }

    boolean isAlive() {
        return process.isAlive();
    }

    DrayRun signal(String name) throws Exception {
        Signals.send(name, process.pid());
        return this;
    }

    /// Ends it with SIGKILL, and waits until it is gone.
    void kill() throws Exception {
        process.destroyForcibly();
        awaitExit();
    }

    /// What it has said to the end of its output, which may be before its own.
    ///
    /// @return with the exit code -1
    Ended left() throws Exception {
        for (Thread reader : List.of(outReader, errReader)) {
            assertThat(reader.join(PATIENCE)).as("the end of the output").isTrue();
        }
        lines.drainTo(seen);
        return new Ended(-1, JsonMapper.shared().readTree(out.toString()), List.copyOf(seen));
    }

    Ended end() throws Exception {
        awaitExit();
        assertThat(outReader.join(PATIENCE)).as("the end of the output").isTrue();
        errReader.join(READ_PATIENCE); // a child that outlives Dray holds its stderr
        lines.drainTo(seen);
        String text = out.toString();
        if (text.lines().count() != 1) {
            throw new AssertionError("not one document of " + arguments + ": '" + text + "' " + seen);
        }
        return new Ended(process.exitValue(), JsonMapper.shared().readTree(text), List.copyOf(seen));
    }

    private void awaitExit() throws Exception {
        if (!process.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS)) {
            String stacks = Signals.stacks(process.pid());
            process.destroyForcibly();
            throw new AssertionError("dray did not end: " + arguments + " " + seen + " " + lines + "\n" + stacks);
        }
    }

    private void readErr() {
        try (BufferedReader reader = process.errorReader(StandardCharsets.UTF_8)) {
            for (String line = reader.readLine(); line != null; line = reader.readLine()) {
                lines.add(line);
            }
        } catch (IOException e) {
            lines.add("(stderr broke: " + e + ")");
        }
    }

    private void readOut() {
        try {
            out.append(new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8));
        } catch (IOException e) {
            out.append("(stdout broke: ").append(e).append(')');
        }
    }

    /// The command that a user would type for `arguments`, as a process of this JVM's kind.
    static List<String> command(Path temporary, List<String> arguments) {
        // Whoever runs the tests may ignore SIGINT, as shells do for their background jobs; Dray must not.
        var command = new ArrayList<>(List.of("env", "--default-signal=INT"));
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(List.of("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xmx256m", "-Xshare:auto"));
        command.add("--enable-native-access=ALL-UNNAMED");
        command.add("-Djava.io.tmpdir=" + temporary);
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), "dev.dray.cli.Main"));
        command.addAll(arguments);
        return command;
    }

    @Override
    public void close() {
        process.destroyForcibly().onExit().join(); // which ends one that was stopped, too
    }
}
