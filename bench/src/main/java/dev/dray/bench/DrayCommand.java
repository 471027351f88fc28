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
    private final Path keyFile;

    DrayCommand(Workplace at) {
        state = at.file("state");
        keyFile = at.file("key");
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
        run("init", "--repo", repository.toString());
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
        builder.environment().put("DRAY_KEY_FILE", keyFile.toString());

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
    private static long watchMemory(Process process) {
        Path status = Path.of("/proc/" + process.pid() + "/status");
        long most = 0;
        try {
            while (process.isAlive()) {
                Optional<String> mark;
                try (var lines = Files.lines(status)) {
                    mark = lines.filter(line -> line.startsWith("VmHWM:")).findFirst();
                }
                if (mark.isPresent()) {
                    most = Math.max(most, Long.parseLong(mark.get().replaceAll("\\D", "")));
                }
                Thread.sleep(STATUS_POLL_MS);
            }
        } catch (IOException | UncheckedIOException e) {
            return most; // it ended while we looked
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        return most;
    }
}
