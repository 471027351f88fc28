package dev.dray.cli;

import dev.dray.ExitCode;
import dev.dray.OperationException;
import dev.dray.Verified;
import dev.dray.Verify;
import dev.dray.error.DrayException;
import dev.dray.error.UsageException;
import java.io.PrintStream;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine.Model.CommandSpec;

/// `dray verify`.
final class VerifyCommand implements Command {
    private static final Pattern PART = Pattern.compile("([0-9]{1,6})/([0-9]{1,6})");

    private static final Pattern PERCENT = Pattern.compile("([0-9]{1,3}(?:\\.[0-9]{1,6})?)%");

    @Override
    public CommandSpec spec() {
        return Spec.of(
                        "verify",
                        "Proves that snapshots are whole.",
                        "Reads and authenticates what is stored, and compares with the newest snapshot of each guest"
                                + " that this host saw: a repository that was set back is found by that only.")
                .positionals("SNAPSHOT", "What to verify; everything if none is given.")
                .repository()
                .flag("--data", "Read every byte (default).")
                .flag("--structure", "Read manifests and page tables; of contents, check only that they are there.")
                .option(
                        "--data-subset",
                        "n/m|x%",
                        "Read the n-th of m parts of the contents, or x percent chosen at random.")
                .repeatable("--expect", "ID", "A snapshot that must be there, known from elsewhere; may be repeated.")
                .examples(
                        "dray verify --repo /srv/dray --key-file ~/dray.key",
                        "dray verify --repo /srv/dray web1 --structure",
                        "dray verify --repo /srv/dray --data-subset 3/30",
                        "dray verify --repo /srv/dray --data-subset 2.5%")
                .done(ExitCode.values());
    }

    @Override
    public ExitCode run(Invocation invocation) throws OperationException, DrayException {
        var verify = new Verify(
                invocation.repository(), invocation.positionals(0), depth(invocation), invocation.options("--expect"));
        return invocation.end(verify.run(invocation.progress()), VerifyCommand::print);
    }

    private static Verify.Depth depth(Invocation invocation) throws UsageException {
        List<String> given = List.of("--data", "--structure", "--data-subset").stream()
                .filter(invocation::has)
                .toList();
        if (given.size() > 1) {
            throw new UsageException(
                    given.get(0) + " and " + given.get(1) + " contradict each other", "Give one of them");
        }
        if (invocation.has("--structure")) {
            return new Verify.Depth.Structure();
        }
        var subset = invocation.option("--data-subset");
        return subset.isPresent() ? subset(subset.get()) : new Verify.Depth.Data();
    }

    static Verify.Depth subset(String text) throws UsageException {
        Matcher part = PART.matcher(text);
        if (part.matches()) {
            int n = Integer.parseInt(part.group(1));
            int m = Integer.parseInt(part.group(2));
            if (n >= 1 && n <= m) {
                return new Verify.Depth.Part(n, m);
            }
        }
        Matcher percent = PERCENT.matcher(text);
        if (percent.matches()) {
            double value = Double.parseDouble(percent.group(1));
            if (value > 0 && value <= 100) {
                return new Verify.Depth.Percent(value);
            }
        }
        throw new UsageException(
                "--data-subset '" + text + "' is not a part of the data",
                "Write n/m with n from 1 to m, or a percentage such as 2.5%");
    }

    private static void print(Verified verified, PrintStream out) {
        verified.problems().forEach(problem -> out.println("Problem: " + problem.sentence()));
        if (verified.problemsInAll() > verified.problems().size()) {
            out.printf(
                    "and %d more%n",
                    verified.problemsInAll() - verified.problems().size());
        }
        out.printf(
                "Verified %s in %s: %s read whole, %s authenticated, %s in %s%n",
                Words.count(verified.snapshots(), "snapshot"),
                Words.count(verified.packs(), "pack"),
                verified.packsRead(),
                Words.count(verified.frames(), "frame"),
                Words.bytes(verified.readBytes()),
                Words.time(verified.elapsedMs()));
        if (verified.unusedPacks() > 0) {
            out.printf(
                    "Unused: %s with %s, which no snapshot references: captures that failed, or still run%n",
                    Words.count(verified.unusedPacks(), "pack"), Words.bytes(verified.unusedBytes()));
        }
        if (verified.problems().isEmpty()) {
            out.println("All is well");
        } else {
            out.println(Words.count(verified.problemsInAll(), "problem") + ". " + verified.whatToDo());
        }
    }
}
