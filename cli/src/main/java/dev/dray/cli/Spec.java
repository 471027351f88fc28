package dev.dray.cli;

import dev.dray.ExitCode;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import picocli.CommandLine.IParameterConsumer;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.PositionalParamSpec;

/// Builds a subcommand's flags and help. All values are taken as text; commands read them with their own
/// messages. No annotations: reflection would cost every start.
final class Spec {
    static final int HELP_COLUMNS = 100;

    private static final Map<ExitCode, String> EXIT_CODES = Map.of(
            ExitCode.DONE, "done",
            ExitCode.FAILED, "the host or the VMM failed; the outcome says where the guest is",
            ExitCode.USAGE, "usage error, an unknown snapshot too",
            ExitCode.REFUSED, "refused before anything was touched",
            ExitCode.CORRUPT, "damage was found, or the key is missing or wrong",
            ExitCode.BUG, "a defect in Dray",
            ExitCode.INTERRUPTED, "SIGINT",
            ExitCode.TERMINATED, "SIGTERM");

    private final CommandSpec spec = CommandSpec.create();
    private final StringBuilder synopsis;
    private int positionals;

    private Spec(String name, String... description) {
        spec.name("dray " + name);
        synopsis = new StringBuilder("dray ").append(name);
        spec.usageMessage()
                .width(HELP_COLUMNS)
                .description(description)
                .sortOptions(false)
                .optionListHeading("%nOptions:%n")
                .parameterListHeading("%n")
                .descriptionHeading("%n")
                .abbreviateSynopsis(false);
    }

    /// @param description the first is the sentence of the list of commands
    static Spec of(String name, String... description) {
        return new Spec(name, description);
    }

    Spec positional(String label, String description) {
        return positional("1", label, description);
    }

    Spec optionalPositional(String label, String description) {
        return positional("0..1", label, description);
    }

    /// Any number of them; the last.
    Spec positionals(String label, String description) {
        return positional("0..*", label, description);
    }

    private Spec positional(String arity, String label, String description) {
        boolean many = arity.endsWith("*");
        String written = label + (many ? "..." : "");
        synopsis.append(' ').append(arity.startsWith("0") ? "[" + written + "]" : written);
        spec.addPositional(PositionalParamSpec.builder()
                .index(many ? positionals + "..*" : Integer.toString(positionals))
                .arity(arity)
                .required(!arity.startsWith("0"))
                .paramLabel(label)
                .type(many ? List.class : String.class)
                .auxiliaryTypes(String.class)
                .description(description)
                .build());
        positionals++;
        return this;
    }

    Spec option(String name, String label, String... description) {
        spec.addOption(option(description, label, name).build());
        return this;
    }

    /// An option without which the command makes no sense.
    Spec required(String name, String label, String... description) {
        spec.addOption(option(description, label, name).required(true).build());
        synopsis.append(' ').append(name).append(' ').append(label);
        return this;
    }

    Spec repeatable(String name, String label, String... description) {
        spec.addOption(option(description, label, name)
                .type(List.class)
                .auxiliaryTypes(String.class)
                .build());
        return this;
    }

    /// An option that takes as many values as the consumer likes, also none.
    Spec optionalValues(String name, String label, IParameterConsumer consumer, String... description) {
        spec.addOption(option(description, label, name)
                .type(List.class)
                .auxiliaryTypes(String.class)
                .arity("0..*")
                .parameterConsumer(consumer)
                .build());
        return this;
    }

    Spec flag(String name, String... description) {
        return flag(new String[] {name}, description);
    }

    private Spec flag(String[] names, String... description) {
        spec.addOption(OptionSpec.builder(names)
                .type(boolean.class)
                .description(description)
                .build());
        return this;
    }

    /// Where the repository is and how its key is come by.
    Spec repository() {
        return repository("The repository: a directory, or file:///DIRECTORY (DRAY_REPO).");
    }

    /// The same, where a second one may be given that holds a copy of it.
    Spec repositoryAndCopy() {
        synopsis.append(" --repo R");
        return repeatable(
                        "--repo",
                        "R",
                        "The repository: a directory, or file:///DIRECTORY (DRAY_REPO). A second one is a copy of it,"
                                + " for what cannot be read from the first.")
                .keys();
    }

    Spec repository(String description) {
        synopsis.append(" --repo R");
        return option("--repo", "R", description).keys();
    }

    /// Where a command makes sense without one.
    Spec optionalRepository(String description) {
        synopsis.append(" [--repo R]");
        return option("--repo", "R", description).keys();
    }

    private Spec keys() {
        return option("--key-file", "F", "The key file that init made (DRAY_KEY_FILE).")
                .option("--key-command", "CMD", "A command whose output is the content of a key file.")
                .option(
                        "--passphrase-file",
                        "F",
                        "A file whose first line is the passphrase (or DRAY_PASSPHRASE, or a prompt).");
    }

    Spec examples(String... examples) {
        var lines = new String[examples.length + 2];
        lines[0] = "";
        lines[1] = "Examples:";
        for (int i = 0; i < examples.length; i++) {
            lines[i + 2] = "  " + examples[i].replace("%", "%%");
        }
        spec.usageMessage().footer(lines);
        return this;
    }

    /// Finishes with what all commands have: output flags, help, exit codes.
    CommandSpec done(ExitCode... exits) {
        flag("--json", "Print one JSON document on stdout.");
        flag(new String[] {"-q", "--quiet"}, "Print results and errors only.");
        flag(new String[] {"-v", "--verbose"}, "Print why things are done as they are, and causes of errors.");
        spec.addOption(OptionSpec.builder("-h", "--help")
                .type(boolean.class)
                .usageHelp(true)
                .description("Print this help.")
                .build());
        spec.usageMessage().customSynopsis(synopsis + " [OPTIONS]");
        var list = new LinkedHashMap<String, String>();
        for (ExitCode exit : exits) {
            list.put(Integer.toString(exit.number()), EXIT_CODES.getOrDefault(exit, ""));
        }
        spec.usageMessage().exitCodeListHeading("%nExit codes:%n").exitCodeList(list);
        return spec;
    }

    private static OptionSpec.Builder option(String[] description, String label, String name) {
        return OptionSpec.builder(name)
                .type(String.class)
                .paramLabel(label)
                .arity("1")
                .description(description);
    }
}
