package dev.dray.bench;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// Dray as its users run it: the launcher in a process of its own, a repository of its own beside it.
final class DrayCommand {
    private static final int STATUS_POLL_MS = 5;

    private final Path launcher = Workplace.home().resolve("dray");
    private final Path state;
    private final Optional<Path> keyFile;
    private final String javaOptions;

    DrayCommand(Workplace at) {
        this(at, Optional.of(at.file("key")), "");
    }

    private DrayCommand(Workplace at, Optional<Path> keyFile, String javaOptions) {
        state = at.file("state");
        this.keyFile = keyFile;
        this.javaOptions = javaOptions;
    }

    /// Whose repositories are not encrypted.
    static DrayCommand withoutKey(Workplace at) {
        return new DrayCommand(at, Optional.empty(), "");
    }

    /// For looking inside.
    static DrayCommand withJavaOptions(Workplace at, String options) {
        return new DrayCommand(at, Optional.of(at.file("key")), options);
    }

    /// What a run came to.
    ///
    /// @param wallMs from the start of the process to its end
    /// @param residentKiB the most memory it held, by the kernel's own count
    record Run(JsonNode outcome, double wallMs, long residentKiB) {
        double ms(String field) {
            return outcome.path(field).asDouble();
        }

        long bytes(String field) {
            return outcome.path(field).asLong();
        }
    }

    /// A new repository.
    void init(Path repository) throws IOException, InterruptedException {
        var words = new ArrayList<String>(List.of("init", "--repo", repository.toString()));
        if (keyFile.isEmpty()) {
            words.add("--no-encryption");
        }
        run(words.toArray(String[]::new));
    }

    Run capture(ChMachine from, Path repository) throws IOException, InterruptedException {
        return run("capture", from.address(), "--repo", repository.toString(), "--name", "bench");
    }

    /// Into the built-in machine, which has no processor that could lack something.
    Run restore(ChMachine into, Path repository, String... more) throws IOException, InterruptedException {
        var words = new ArrayList<String>(List.of("restore", "bench", "--repo", repository.toString()));
        words.addAll(List.of("--into", into.address(), "--own-risk"));
        words.addAll(List.of(more));
        return run(words.toArray(String[]::new));
    }

    /// Waits at a port for a guest.
    Run receive(int port, Path repository) throws IOException, InterruptedException {
        String listen = "tcp:127.0.0.1:" + port;
        return run("receive", "--listen", listen, "--plaintext", "--repo", repository.toString(), "--name", "bench");
    }

    Run capture(Path socket, Path repository, String... more) throws IOException, InterruptedException {
        var words = new ArrayList<String>(
                List.of("capture", "qemu:" + socket, "--repo", repository.toString(), "--name", "bench"));
        words.addAll(List.of(more));
        return run(words.toArray(String[]::new));
    }

    Run restore(String snapshot, Path repository, Path socket) throws IOException, InterruptedException {
        return run(
                "restore", snapshot, "--repo", repository.toString(), "--into", "qemu:" + socket, "--disks-unchecked");
    }

    /// Runs a command to its end; it must succeed.
    Run run(String... words) throws IOException, InterruptedException {
        var line = new ArrayList<String>();
        line.add(launcher.toString());
        line.addAll(List.of(words));
        line.add("--json");
        var builder = new ProcessBuilder(line);
        keyFile.ifPresent(file -> builder.environment().put("DRAY_KEY_FILE", file.toString()));
        if (!javaOptions.isEmpty()) {
            builder.environment().put("DRAY_JAVA_OPTIONS", javaOptions);
        }
        builder.environment().put("XDG_STATE_HOME", state.toString());
        Path errors = Files.createTempFile("dray-bench-", ".err");
        builder.redirectError(errors.toFile());
        long from = System.nanoTime();
        Process process = builder.start();
        process.getOutputStream().close();
        Thread.Builder watching = Thread.ofPlatform();
        long[] residentKiB = new long[1];
        Thread watch = watching.start(() -> residentKiB[0] = watchMemory(process));
        String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        int code = process.waitFor();
        double wallMs = (System.nanoTime() - from) / 1e6;
        watch.join();
        String complaints = Files.readString(errors);
        Files.delete(errors);
        if (code != 0) {
            throw new IOException(line + " ended with " + code + ": " + complaints + out);
        }
        return new Run(JsonMapper.shared().readTree(out), wallMs, residentKiB[0]);
    }

    /// The kernel's high water mark, which does not miss what lies between two looks, but for the last few ms.
    /// Of the launcher's child too, where it has one.
    private static long watchMemory(Process process) {
        long most = 0;
        try {
            while (process.isAlive()) {
                most = Math.max(most, residentKiB(process.toHandle()));
                for (ProcessHandle child : process.children().toList()) {
                    most = Math.max(most, residentKiB(child));
                }
                Thread.sleep(STATUS_POLL_MS);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        return most;
    }

    private static long residentKiB(ProcessHandle process) {
        try (var lines = Files.lines(Path.of("/proc/" + process.pid() + "/status"))) {
            Optional<String> mark =
                    lines.filter(line -> line.startsWith("VmHWM:")).findFirst();
            return mark.map(line -> Long.parseLong(line.replaceAll("\\D", ""))).orElse(0L);
        } catch (IOException | UncheckedIOException e) {
            return 0; // it ended while we looked
        }
    }
}
