package dev.dray.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Signals, on a process of its own that waits for a key command.
class SignalTest {
    @TempDir
    private Path temp = Path.of("");

    @ParameterizedTest
    @CsvSource({"INT, 130", "TERM, 143"})
    void endsTheOperationAndSaysSo(String signal, int exitCode) throws IOException, InterruptedException {
        Path started = temp.resolve("started");
        Process process = dray(
                "init",
                "--repo",
                temp.resolve("r").toString(),
                "--json",
                "--key-command",
                "echo $$ > " + started + "; env | grep ^DRAY >> " + started + "; echo whole >> " + started
                        + "; exec sleep 600");
        try {
            String child = await(started, process);
            assertThat(child)
                    .as("secrets in the environment of the key command")
                    .doesNotContain("hunter2");
            new ProcessBuilder("kill", "-" + signal, Long.toString(process.pid()))
                    .start()
                    .waitFor();
            assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
            assertThat(new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8))
                    .isEqualTo("""
                    {"outcome":"failed","kind":"interrupted","guest":"unknown",\
                    "message":"Stopped while the key command ran","what_to_do":""}
                    """);
            assertThat(process.exitValue()).isEqualTo(exitCode);
            long pid = Long.parseLong(child.lines().findFirst().orElseThrow());
            assertEnds(pid);
            assertThat(temp.resolve("r")).doesNotExist();
        } finally {
            process.destroyForcibly();
        }
    }

    @ParameterizedTest
    @CsvSource({"INT, 130", "TERM, 143", "HUP, 129"})
    void goesOnServingAGuestThatRunsAndSaysSo(String signal, int exitCode) throws Exception {
        Path runs = temp.resolve("runs");
        Path end = temp.resolve("end");
        Process process = java(ServingProgram.class, "serve", runs.toString(), end.toString(), "--json");
        try {
            awaitFile(runs, process);
            new ProcessBuilder("kill", "-" + signal, Long.toString(process.pid()))
                    .start()
                    .waitFor();
            // Whoever waits for the end of the output need not wait for the guest.
            String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            Path log = temp.resolve("state/dray/log/" + process.pid() + ".log");
            assertThat(said).isEqualTo("""
                    {"outcome":"failed","kind":"interrupted","guest":"needs dray",\
                    "message":"The guest runs, and process %d goes on giving it its memory",\
                    "what_to_do":"That ends by itself, and killing it before kills the guest; what it has to say goes\
                     to %s"}
                    """.formatted(process.pid(), log));
            assertThat(process.isAlive()).isTrue();
            Files.createFile(end);
            assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
            assertThat(log).hasContent("served to the end\n");
            assertThat(process.exitValue()).isEqualTo(exitCode);
        } finally {
            process.destroyForcibly();
        }
    }

    private Process dray(String... arguments) throws IOException {
        return java(Main.class, arguments);
    }

    /// Whoever runs the tests may ignore SIGINT, as shells do for their background jobs; the child must not.
    private Process java(Class<?> program, String... arguments) throws IOException {
        var command = new ArrayList<>(List.of("env", "--default-signal=INT,HUP"));
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), program.getName()));
        command.addAll(List.of(arguments));
        var builder = new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT);
        builder.environment().put("DRAY_PASSPHRASE", "hunter2");
        builder.environment().put("XDG_STATE_HOME", temp.resolve("state").toString());
        return builder.start();
    }

    private static String await(Path file, Process process) throws IOException, InterruptedException {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
        while (System.nanoTime() < end && process.isAlive()) {
            if (Files.exists(file) && Files.readString(file).contains("whole")) {
                return Files.readString(file);
            }
            Thread.sleep(20);
        }
        throw new AssertionError("the key command did not start");
    }

    /// It was killed, which may take a moment.
    private static void assertEnds(long pid) throws InterruptedException {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
        while (ProcessHandle.of(pid).map(ProcessHandle::isAlive).orElse(false)) {
            assertThat(System.nanoTime() - end).as("the key command lives").isNegative();
            Thread.sleep(10);
        }
    }

    private static void awaitFile(Path file, Process process) throws InterruptedException {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
        while (!Files.exists(file)) {
            assertThat(System.nanoTime() - end < 0 && process.isAlive())
                    .as("waiting for %s", file)
                    .isTrue();
            Thread.sleep(10);
        }
    }
}
