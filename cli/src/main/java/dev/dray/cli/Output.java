package dev.dray.cli;

import dev.dray.ExitCode;
import dev.dray.Failed;
import dev.dray.FailureKind;
import dev.dray.GuestFate;
import dev.dray.Outcome;
import java.io.PrintStream;
import java.util.List;
import java.util.function.BiConsumer;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/// Where a command's outcome goes: words or one JSON document on stdout, errors on stderr.
///
/// @param json exactly one JSON document on stdout, also on failure
/// @param quiet no progress, no warnings
/// @param verbose reasons and causes
record Output(PrintStream out, PrintStream err, boolean json, boolean quiet, boolean verbose) {
    /// Looks for the flags by itself, so that also arguments that make no sense are answered as asked.
    static Output of(List<String> arguments, Surroundings around) {
        int end = arguments.indexOf("--");
        List<String> options = end < 0 ? arguments : arguments.subList(0, end);
        return new Output(
                around.out(),
                around.err(),
                options.contains("--json"),
                options.contains("-q") || options.contains("--quiet"),
                options.contains("-v") || options.contains("--verbose"));
    }

    <R extends Outcome> ExitCode end(R outcome, BiConsumer<R, PrintStream> words) {
        if (json) {
            print(outcome.json());
        } else {
            words.accept(outcome, out);
        }
        return outcome.exitCode();
    }

    ExitCode fail(Failed failed, Throwable cause) {
        if (failed.kind() == FailureKind.BUG || verbose) {
            cause.printStackTrace(err);
        }
        if (json) {
            print(failed.json());
        } else {
            err.println("dray: " + failed.message());
            if (failed.guest() != GuestFate.UNKNOWN) {
                err.println("      " + Words.guest(failed.guest()));
            }
            if (!failed.whatToDo().isEmpty()) {
                err.println("      " + failed.whatToDo());
            }
        }
        return failed.exitCode();
    }

    void version(String version) {
        if (json) {
            print(JsonNodeFactory.instance.objectNode().put("version", version));
        } else {
            out.println("dray " + version);
        }
    }

    void print(ObjectNode document) {
        out.println(document);
        out.flush();
    }
}
