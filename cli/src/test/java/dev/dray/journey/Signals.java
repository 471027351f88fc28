package dev.dray.journey;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/// Signals to processes, by the command `kill`.
final class Signals {
    private Signals() {}

    static void send(String name, long pid) throws Exception {
        int exit = new ProcessBuilder("kill", "-" + name, Long.toString(pid))
                .inheritIO()
                .start()
                .waitFor();
        if (exit != 0 && !name.equals("CONT")) {
            throw new AssertionError("kill -" + name + " " + pid + " failed");
        }
    }

    /// Waits until a process has ended that was killed.
    static void awaitEnd(ProcessHandle process) throws InterruptedException {
        long end = System.nanoTime() + QemuGuest.PATIENCE.toNanos();
        while (process.isAlive()) {
            if (System.nanoTime() - end > 0) {
                throw new AssertionError(process.pid() + " lives on: " + process.info());
            }
            Thread.sleep(10);
        }
    }

    /// What the threads of a Java process do, for a test that fails.
    static String stacks(long pid) throws Exception {
        Process jstack = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "jstack")
                                .toString(),
                        Long.toString(pid))
                .redirectErrorStream(true)
                .start();
        return new String(jstack.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    }
}
