package dev.dray.cli;

import dev.dray.Dray;
import dev.dray.ExitCode;
import dev.dray.Failed;
import dev.dray.GuestFate;
import dev.dray.OperationException;
import dev.dray.error.DrayException;
import dev.dray.error.UsageException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import picocli.CommandLine;
import picocli.CommandLine.Help.Ansi;
import picocli.CommandLine.MissingParameterException;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.OverwrittenOptionException;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.UnmatchedArgumentException;

/// From arguments to an exit code: finds the command, lets it run, and turns every way to fail into an outcome.
final class Program {
    private static final Set<String> SHARED_FLAGS = Set.of("--json", "-q", "--quiet", "-v", "--verbose");

    private static final char REPLACED = '\uFFFD';

    private Program() {}

    /// Runs one command line. Never throws, never exits.
    static int run(String[] arguments, Surroundings around) {
        return run(arguments, around, Commands::find);
    }

    static int run(String[] arguments, Surroundings around, Function<String, Optional<Command>> commands) {
        List<String> given = commandFirst(arguments);
        var output = Output.of(given, around);
        try {
            for (String argument : given) {
                requireText("'" + argument + "'", argument);
            }
            return dispatch(given, around, output, commands).number();
        } catch (OperationException e) {
            return output.fail(e.outcome(), e.failure()).number();
        } catch (DrayException e) {
            return output.fail(new OperationException(e, GuestFate.UNKNOWN).outcome(), e)
                    .number();
        } catch (RuntimeException | Error e) {
            return output.fail(Failed.bug(e), e).number();
        }
    }

    private static ExitCode dispatch(
            List<String> given, Surroundings around, Output output, Function<String, Optional<Command>> commands)
            throws OperationException, DrayException {
        if (given.isEmpty() || isHelp(given.getFirst())) {
            around.out().print(help(given.stream().skip(1).findFirst().orElse("")));
            return ExitCode.DONE;
        }
        String name = given.getFirst();
        if (name.equals("--version") || name.equals("-V")) {
            output.version(Dray.VERSION);
            return ExitCode.DONE;
        }
        Command command = commands.apply(name).orElse(null);
        if (command == null) {
            throw unknownCommand(name);
        }
        var line = commandLine(command.spec());
        ParseResult parsed;
        try {
            parsed = line.parseArgs(given.subList(1, given.size()).toArray(String[]::new));
        } catch (ParameterException e) {
            throw usage(name, e);
        }
        if (parsed.isUsageHelpRequested()) {
            around.out().print(line.getUsageMessage(Ansi.OFF));
            return ExitCode.DONE;
        }
        try (var invocation = new Invocation(name, parsed, around, output)) {
            Dray.forbidDumps();
            return command.run(invocation);
        }
    }

    /// What Java could not decode it has replaced, and would look for, or make, under another name.
    static void requireText(String said, String value) throws UsageException {
        if (value.indexOf(REPLACED) >= 0) {
            throw new UsageException(
                    said + " has bytes that are no text in UTF-8", "Use another name, or a symbolic link to it");
        }
    }

    private static boolean isHelp(String argument) {
        return argument.equals("--help") || argument.equals("-h") || argument.equals("help");
    }

    /// Shared flags may stand before the command: `dray --json list`.
    private static List<String> commandFirst(String[] arguments) {
        var given = new ArrayList<>(Arrays.asList(arguments));
        int flags = 0;
        while (flags < given.size() && SHARED_FLAGS.contains(given.get(flags))) {
            flags++;
        }
        if (flags > 0 && flags < given.size()) {
            given.addFirst(given.remove(flags));
        }
        return given;
    }

    static String help(String command) throws UsageException {
        if (command.isEmpty()) {
            return Overview.text();
        }
        Command found = Commands.find(command).orElse(null);
        if (found == null) {
            throw unknownCommand(command);
        }
        return commandLine(found.spec()).getUsageMessage(Ansi.OFF);
    }

    private static CommandLine commandLine(CommandSpec spec) {
        return new CommandLine(spec).setExpandAtFiles(false).setUsageHelpWidth(Spec.HELP_COLUMNS);
    }

    private static UsageException unknownCommand(String name) {
        if (Commands.isLater(name)) {
            return new UsageException(
                    "The command '" + name + "' is not in this release", "See dray --help for what is");
        }
        String kind = name.startsWith("-") ? "option" : "command";
        return new UsageException("Unknown " + kind + " '" + name + "'", "See dray --help");
    }

    /// One sentence in our words for what the parser found.
    private static UsageException usage(String command, ParameterException e) {
        String see = "See dray " + command + " --help";
        return switch (e) {
            case UnmatchedArgumentException unmatched -> {
                String argument = unmatched.getUnmatched().getFirst();
                yield argument.startsWith("-")
                        ? new UsageException("Unknown option '" + argument + "' for dray " + command, see)
                        : new UsageException("Unexpected argument '" + argument + "' for dray " + command, see);
            }
            case MissingParameterException missing -> new UsageException(missing(command, missing), see);
            case OverwrittenOptionException twice
            when twice.getOverwritten() instanceof OptionSpec option ->
                new UsageException("The option " + option.longestName() + " is given more than once", see);
            default -> new UsageException(String.valueOf(e.getMessage()).replaceAll("\\.$", ""), see);
        };
    }

    private static String missing(String command, MissingParameterException e) {
        ArgSpec argument =
                e.getMissing().isEmpty() ? e.getArgSpec() : e.getMissing().getFirst();
        if (!(argument instanceof OptionSpec option)) {
            return command + " needs " + (argument == null ? "an argument" : argument.paramLabel());
        }
        boolean noValue = String.valueOf(e.getMessage()).startsWith("Missing required parameter");
        return noValue
                ? "The option " + option.longestName() + " needs a value: " + option.paramLabel()
                : command + " needs " + option.longestName() + " " + option.paramLabel();
    }
}
