package dev.dray.cli;

import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// One command run in this process, and what came of it. One at a time, since some classes run beside others: where
/// captures leave their state is the process's, and the demo and each household has its own.
public record CommandRun(int exitCode, String out, String err) {
    public static final Object ONE_AT_A_TIME = new Object();

    static CommandRun of(String... arguments) {
        return with(Map.of(), arguments);
    }

    public static CommandRun with(Map<String, String> environment, String... arguments) {
        return with(environment, Commands::find, arguments);
    }

    static CommandRun with(
            Map<String, String> environment, Function<String, Optional<Command>> commands, String... arguments) {
        var out = new ByteArrayOutputStream();
        var err = new ByteArrayOutputStream();
        int exitCode;
        synchronized (ONE_AT_A_TIME) {
            exitCode = Program.run(arguments, surroundings(environment, out, err), commands);
        }
        return new CommandRun(exitCode, out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8));
    }

    static Surroundings surroundings(
            Map<String, String> environment, ByteArrayOutputStream out, ByteArrayOutputStream err) {
        return new Surroundings(
                InputStream.nullInputStream(),
                new PrintStream(out, true, StandardCharsets.UTF_8),
                new PrintStream(err, true, StandardCharsets.UTF_8),
                environment,
                false,
                _ -> Optional.empty(),
                Surroundings.Stop.never(),
                _ -> {},
                System.nanoTime());
    }

    /// The one JSON document on stdout; fails if there is more or less.
    public JsonNode json() {
        if (out.lines().count() != 1) {
            throw new AssertionError("not one line: " + out);
        }
        return JsonMapper.shared().readTree(out);
    }
}
