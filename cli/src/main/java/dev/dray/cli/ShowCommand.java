package dev.dray.cli;

import dev.dray.ExitCode;
import dev.dray.OperationException;
import dev.dray.Show;
import dev.dray.Shown;
import dev.dray.error.DrayException;
import dev.dray.error.RefusedException;
import java.io.PrintStream;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import picocli.CommandLine.Model.CommandSpec;

/// `dray show`.
final class ShowCommand implements Command {
    private static final Pattern NEEDS_NO_QUOTES = Pattern.compile("[A-Za-z0-9_@%+=:,./-]+");

    @Override
    public CommandSpec spec() {
        return Spec.of("show", "Tells everything that is known of a snapshot.")
                .positional("SNAPSHOT", "An id or at least 6 digits of one, NAME, or NAME@7.")
                .repository()
                .flag(
                        "--command",
                        "Print only the VMM's command line to restore into, for a shell. Sockets and files in it"
                                + " are the source's: change them if the source still runs.")
                .examples(
                        "dray show web1 --repo /srv/dray --key-file ~/dray.key",
                        "dray show web1@3 --repo /srv/dray --command")
                .done(ExitCode.DONE, ExitCode.FAILED, ExitCode.USAGE, ExitCode.REFUSED, ExitCode.CORRUPT, ExitCode.BUG);
    }

    @Override
    public ExitCode run(Invocation invocation) throws OperationException, DrayException {
        Shown shown = new Show(invocation.positional(0), invocation.repository()).run(invocation.progress());
        if (!invocation.has("--command")) {
            return invocation.end(shown, ShowCommand::print);
        }
        if (shown.command().isEmpty()) {
            throw new RefusedException(
                    "The snapshot does not hold its VMM's command line",
                    "Start a VMM with the same machine by hand, with -incoming defer and a QMP socket");
        }
        return invocation.end(shown, (s, out) -> out.println(shell(s.command())));
    }

    private static void print(Shown shown, PrintStream out) {
        Tree.print(shown.description(), out);
    }

    /// One line for sh(1).
    static String shell(List<String> arguments) {
        return arguments.stream().map(ShowCommand::quoted).collect(Collectors.joining(" "));
    }

    private static String quoted(String argument) {
        return NEEDS_NO_QUOTES.matcher(argument).matches() ? argument : "'" + argument.replace("'", "'\\''") + "'";
    }
}
