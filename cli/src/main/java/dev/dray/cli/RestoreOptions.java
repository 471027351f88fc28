package dev.dray.cli;

import dev.dray.Restore;
import dev.dray.RestoreMemory;
import dev.dray.error.UsageException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Stack;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.CommandSpec;

/// What `restore` and `send` have in common.
final class RestoreOptions {
    private RestoreOptions() {}

    static Spec addTo(Spec spec) {
        return spec.flag("--paused", "Leave the guest paused.")
                .flag(
                        "--lazy",
                        "Let the guest run at once, and bring each page when it asks for it; all of them in time. It"
                                + " needs Dray until then: Ctrl-C leaves that to a process in the background.")
                .option(
                        "--prefetch",
                        "recorded|none|FILE",
                        "--lazy: what to fetch before it is asked for. recorded (default): what the guest asked for the"
                                + " last time. FILE: a line for each page, REGION PAGE or REGION PAGE+COUNT.")
                .repeatable(
                        "--set",
                        "PATH=VALUE",
                        "Another value in the guest's configuration, for a clone: disks[0].path=/srv/b.raw; may be"
                                + " repeated.")
                .optionalValues(
                        "--disks-restored",
                        "NODE=ID",
                        RestoreOptions::takePairs,
                        "The guest's disks are back as they were: all of them, or each NODE from disk snapshot ID.")
                .flag("--disks-unchecked", "Restore whatever has become of the disks: this can destroy file systems.")
                .flag(
                        "--own-risk",
                        "Go on with a VMM of a version that Dray was not tried with, and on a host whose processor"
                                + " lacks features of the guest's.");
    }

    static RestoreMemory memory(Invocation invocation) throws UsageException {
        Optional<String> prefetch = invocation.option("--prefetch");
        if (!invocation.has("--lazy")) {
            if (prefetch.isPresent()) {
                throw new UsageException("--prefetch is for --lazy", "Give --lazy too, or leave --prefetch out");
            }
            return new RestoreMemory.Eager();
        }
        return new RestoreMemory.Lazy(
                switch (prefetch.orElse("recorded")) {
                    case "recorded" -> new RestoreMemory.Prefetch.Recorded();
                    case "none" -> new RestoreMemory.Prefetch.Nothing();
                    default -> new RestoreMemory.Prefetch.Listed(Path.of(prefetch.orElseThrow()));
                });
    }

    static Restore.DisksCheck disks(Invocation invocation) throws UsageException {
        boolean putBack = invocation.has("--disks-restored");
        boolean unchecked = invocation.has("--disks-unchecked");
        if (putBack && unchecked) {
            throw new UsageException(
                    "--disks-restored and --disks-unchecked contradict each other", "Give one of them");
        }
        if (putBack) {
            return new Restore.DisksCheck.PutBack(invocation.pairs("--disks-restored"));
        }
        return unchecked ? new Restore.DisksCheck.Unchecked() : new Restore.DisksCheck.Nothing();
    }

    /// The repository's copy: the second `--repo`.
    static Optional<String> copy(Invocation invocation) throws UsageException {
        List<String> places = invocation.options("--repo");
        if (places.size() > 2) {
            throw new UsageException("--repo is given " + places.size() + " times", "Give a repository and one copy");
        }
        return places.stream().skip(1).findFirst();
    }

    /// Takes the arguments that look like `NODE=ID`, so that a snapshot's name may follow the option.
    @SuppressWarnings("JdkObsolete") // picocli gives a Stack
    private static void takePairs(Stack<String> arguments, ArgSpec option, CommandSpec command) {
        List<String> before = option.getValue();
        var pairs = before == null ? new ArrayList<String>() : new ArrayList<>(before);
        while (!arguments.isEmpty()
                && arguments.peek().indexOf('=') > 0
                && !arguments.peek().startsWith("-")) {
            pairs.add(arguments.pop());
        }
        option.setValue(pairs);
    }
}
