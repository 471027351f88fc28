package dev.dray.bench;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// A lazy restore of a guest of 512 MiB, beside a peer that answers at once from memory that it filled before: the time
/// to the guest running, how fast the VMM's sweep goes on, how long it and the guest wait for a page, all by the
/// VMM; and which safepoints Dray's JVM had meanwhile.
public final class ChLazy {
    private static final long MEMORY_BYTES = 512L << 20;
    private static final long TOUCHED_BYTES = MEMORY_BYTES * 5 / 4;

    /// A line of `-Xlog:safepoint` with the JVM's age in front.
    private static final Pattern SAFEPOINT =
            Pattern.compile("\\[([0-9.]+)s] *Safepoint \"(\\w+)\",.* Total: +([0-9]+) ns");

    private ChLazy() {}

    public static void main(String[] args) throws Exception {
        Samples of = new Samples("");
        try (Workplace at = Workplace.make()) {
            System.out.println("lazy restore, 512 MiB, half, at random, 16 MB/s; no working set");
            System.out.println(Host.line() + "; built-in machine");
            Path repository = at.file("repository");
            Path safepoints = at.file("safepoints");
            var dray = DrayCommand.withJavaOptions(at, "-Xlog:safepoint=info:file=" + safepoints + ":uptime");
            SavedGuest saved = save(at, dray, repository, MEMORY_BYTES, "random");
            for (int round = 0; round <= Workplace.rounds(); round++) {
                Host.touchMemory(TOUCHED_BYTES);
                try (ChMachine target = ChMachine.waiting(at, MEMORY_BYTES);
                        PlainSender sender = new PlainSender(saved)) {
                    double ms = sender.lazy(target, at.file("plain.sock"));
                    add(round, of, "at once", target, ms);
                }
                Host.touchMemory(TOUCHED_BYTES);
                try (ChMachine target = ChMachine.waiting(at, MEMORY_BYTES)) {
                    DrayCommand.Run run = dray.restore(target, repository, "--lazy", "--prefetch", "none");
                    add(round, of, "dray", target, run.ms("resume_ms"));
                    addOwn(round, of, run, safepoints);
                }
                Files.delete(safepoints);
            }
        }
        of.print("");
        for (String what : new String[] {
            "first step, ms",
            "sweep, pages/s",
            "answer p50, us",
            "answer p99, us",
            "answer p99.9, us",
            "wait p50, us",
            "wait p99, us"
        }) {
            System.out.printf("%-20s dray beside at once: %.2f%n", what, of.ratio("dray, " + what, "at once, " + what));
        }
    }

    /// The same guest in a repository and in plain files.
    static SavedGuest save(Workplace at, DrayCommand dray, Path repository, long memoryBytes, String workload)
            throws Exception {
        dray.init(repository);
        Path socket = at.file("save.sock");
        try (ChMachine source = ChMachine.running(at, memoryBytes, "--workload", workload, "--dirty-rate", "16000000");
                var receiver = PlainReceiver.unix(socket)) {
            dray.capture(source, repository);
            source.send("{\"destination_url\":\"unix:" + socket + "\",\"local\":true,\"preserve_source\":true}");
            return receiver.save(at.directory());
        }
    }

    private static void add(int round, Samples of, String who, ChMachine target, double firstStepMs) throws Exception {
        double drainMs = target.timing("drain_ms");
        if (round == 0) {
            return;
        }
        of.add(who + ", first step, ms", firstStepMs);
        of.add(who + ", sweep, pages/s", target.timing("answer_n") * 1e3 / drainMs);
        of.add(who + ", answer p50, us", target.timing("answer_p50_us"));
        of.add(who + ", answer p99, us", target.timing("answer_p99_us"));
        of.add(who + ", answer p99.9, us", target.timing("answer_p999_us"));
        of.add(who + ", answer max, us", target.timing("answer_max_us"));
        of.add(who + ", waits of the guest", target.timing("wait_n"));
        of.add(who + ", wait p50, us", target.timing("wait_p50_us"));
        of.add(who + ", wait p99, us", target.timing("wait_p99_us"));
        of.add(who + ", wait max, us", target.timing("wait_max_us"));
    }

    /// Safepoints after the guest ran and before all of its memory was there.
    private static void addOwn(int round, Samples of, DrayCommand.Run run, Path log) throws Exception {
        double from = (run.ms("start_ms") + run.ms("resume_ms")) / 1e3;
        double to = (run.ms("start_ms") + run.ms("resident_ms")) / 1e3;
        double count = 0;
        double total = 0;
        double longest = 0;
        for (String line : Files.readAllLines(log)) {
            Matcher safepoint = SAFEPOINT.matcher(line);
            if (safepoint.find()) {
                double at = Double.parseDouble(safepoint.group(1));
                double us = Double.parseDouble(safepoint.group(3)) / 1e3;
                if (at >= from && at <= to) {
                    count++;
                    total += us;
                    longest = Math.max(longest, us);
                }
            }
        }
        if (round > 0) {
            of.add("dray, requests that missed", run.ms("faults"));
            of.add("dray, start_ms", run.ms("start_ms"));
            of.add("dray, safepoints in the drain", count);
            of.add("dray, all of them, us", total);
            of.add("dray, the longest, us", longest);
        }
    }
}
