package dev.dray.bench;

import dev.dray.machine.Main;
import dev.dray.machine.guest.GuestReport;
import dev.dray.testbed.ChApi;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// The built-in machine in a process of its own, speaking as a Cloud Hypervisor does. Its log has the times that it
/// takes itself, of whoever is on the other side.
///
/// @param api its API socket
record ChMachine(Process process, Path api, Path log) implements AutoCloseable {
    private static final Duration PATIENCE = Duration.ofMinutes(3);

    /// Starts a machine, and waits until its guest has filled its memory.
    static ChMachine running(Workplace at, long memoryBytes, String... guest) throws IOException, InterruptedException {
        Path report = at.file("report");
        Files.deleteIfExists(report);
        List<String> more = new ArrayList<>(List.of(guest));
        more.addAll(List.of("--fill", "half", "--report", report.toString()));
        ChMachine machine = start(at, "source", memoryBytes, more);
        if (!GuestReport.await(report, GuestReport::filled, PATIENCE).filled()) {
            machine.close();
            throw new IOException("the guest did not start: " + Files.readString(machine.log));
        }
        return machine;
    }

    /// Starts a machine that waits for a guest.
    static ChMachine waiting(Workplace at, long memoryBytes) throws IOException, InterruptedException {
        return start(at, "target", memoryBytes, List.of("--incoming"));
    }

    private static ChMachine start(Workplace at, String name, long memoryBytes, List<String> more)
            throws IOException, InterruptedException {
        Path api = at.file(name + ".api");
        Path log = at.file(name + ".log");
        Path logging = at.file("logging.properties");
        Files.deleteIfExists(api);
        Files.writeString(logging, """
                handlers=java.util.logging.ConsoleHandler
                java.util.logging.ConsoleHandler.level=FINE
                dev.dray.machine.timings.level=FINE
                """);
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:+UseSerialGC",
                "-XX:-UsePerfData",
                "-Xmx256m",
                "--enable-native-access=ALL-UNNAMED",
                "-Djava.util.logging.config.file=" + logging,
                "-cp",
                System.getProperty("java.class.path"),
                Main.class.getName()));
        command.addAll(List.of("--api-socket", api.toString(), "--memory-mib", Long.toString(memoryBytes >> 20)));
        command.addAll(more);
        Process process = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(log.toFile())
                .start();
        ChMachine machine = new ChMachine(process, api, log);
        await("the machine's API", () -> machine.listens() || !process.isAlive());
        if (!process.isAlive()) {
            throw new IOException("the machine did not start: " + Files.readString(log));
        }
        return machine;
    }

    /// Its socket is there a moment before it can be connected to.
    private boolean listens() {
        try {
            return calls().get("vmm.ping").isGood();
        } catch (IOException e) {
            return false;
        }
    }

    ChApi calls() {
        return new ChApi(api);
    }

    String address() {
        return "ch:" + api;
    }

    /// Has it send its guest.
    void send(String order) throws IOException {
        ChApi.Answer answer = calls().put("vm.send-migration", order);
        if (!answer.isGood()) {
            throw new IOException("vm.send-migration: " + answer);
        }
    }

    /// Lets the guest that was sent and stayed go on, as soon as the VMM has it again.
    void resume() throws IOException, InterruptedException {
        long until = System.nanoTime() + PATIENCE.toNanos();
        while (!calls().put("vm.resume").isGood()) {
            if (System.nanoTime() > until) {
                throw new IOException("the guest does not go on");
            }
            Thread.sleep(1);
        }
    }

    void awaitEnd() throws IOException, InterruptedException {
        if (!process.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS)) {
            throw new IOException("the machine goes on");
        }
    }

    /// A number of its log, once it is there.
    double timing(String key) throws IOException, InterruptedException {
        Pattern pattern = Pattern.compile("\\b" + key + "=([0-9.E]+)");
        long until = System.nanoTime() + PATIENCE.toNanos();
        while (System.nanoTime() < until) {
            Matcher found = pattern.matcher(Files.readString(log));
            if (found.find()) {
                return Double.parseDouble(found.group(1));
            }
            Thread.sleep(10);
        }
        throw new IOException("no " + key + " in the machine's log: " + Files.readString(log));
    }

    static void await(String what, BooleanSupplier done) throws IOException, InterruptedException {
        long until = System.nanoTime() + PATIENCE.toNanos();
        while (!done.getAsBoolean()) {
            if (System.nanoTime() > until) {
                throw new IOException("waited in vain for " + what);
            }
            Thread.sleep(1);
        }
    }

    @Override
    public void close() {
        process.destroyForcibly().onExit().join();
    }
}
