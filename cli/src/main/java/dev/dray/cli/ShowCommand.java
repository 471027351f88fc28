package dev.dray.cli;

import dev.dray.ExitCode;
import dev.dray.OperationException;
import dev.dray.Show;
import dev.dray.Shown;
import dev.dray.error.DrayException;
import dev.dray.error.RefusedException;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import picocli.CommandLine.Model.CommandSpec;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

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
                        "Print only the VMM's command line to restore into, for a shell. Of a QEMU, sockets and files"
                                + " in it are the source's: change them if the source still runs. Of a Cloud"
                                + " Hypervisor, what comes next stands in comments behind it.")
                .examples(
                        "dray show web1 --repo /srv/dray --key-file ~/dray.key",
                        "dray show web1@3 --repo /srv/dray --command")
                .done(ExitCode.values());
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
        return invocation.end(shown, ShowCommand::printCommand);
    }

    /// What follows is a comment to a shell.
    private static void printCommand(Shown shown, PrintStream out) {
        out.println(shell(shown.command()));
        if (!shown.next().isEmpty()) {
            out.println("# then the first of these, or the others if you drive the VMM yourself:");
            shown.next().forEach(line -> out.println("# " + shell(line)));
        }
    }

    private static void print(Shown shown, PrintStream out) {
        ObjectNode description = shown.description();
        var scalars = description.deepCopy().without(List.of("regions", "state", "facts", "vm_config", "working_set"));
        Tree.print(scalars, out);
        out.println("regions");
        regions(description.path("regions"), out);
        JsonNode state = description.path("state");
        out.println("state (" + state.path("dialect").asString() + ")");
        sizes("PART", state.path("parts"), out);
        if (description.path("working_set") instanceof ObjectNode set) {
            WorkingSetGraph.print(set, out);
        }
        if (description.path("vm_config") instanceof ObjectNode config) {
            out.println("configuration");
            Tree.print(config, 1, out);
        }
        if (description.path("facts") instanceof ObjectNode facts) {
            if (facts.has("sections")) {
                out.println("sections");
                sizes("SECTION", facts.path("sections"), out);
            }
            facts = facts.deepCopy();
            var command = new ArrayList<String>();
            facts.path("command_line").forEach(argument -> command.add(argument.asString()));
            facts.remove("sections");
            if (!command.isEmpty()) {
                facts.put("command_line", shell(command));
            }
            out.println("source");
            Tree.print(facts, 1, out);
        }
    }

    private static void regions(JsonNode regions, PrintStream out) {
        var table = new Table("  REGION", ">BYTES", ">SIZE", ">PAGES OF", "GUEST-PHYSICAL");
        for (JsonNode region : regions) {
            long bytes = region.path("bytes").asLong();
            JsonNode ranges = region.path("ranges");
            table.row(
                    "  " + region.path("name").asString(),
                    Long.toString(bytes),
                    Words.bytes(bytes),
                    Words.bytes(region.path("page_bytes").asLong()),
                    ranges.isEmpty() ? "" : range(ranges.get(0)));
            for (int i = 1; i < ranges.size(); i++) {
                table.row("", "", "", "", range(ranges.get(i)));
            }
        }
        table.print(out);
    }

    private static String range(JsonNode range) {
        long gpa = range.path("gpa").asLong();
        return "0x%x-0x%x".formatted(gpa, gpa + range.path("bytes").asLong() - 1);
    }

    private static void sizes(String heading, JsonNode parts, PrintStream out) {
        var table = new Table("  " + heading, ">BYTES");
        for (JsonNode part : parts) {
            long instance = part.path("instance").asLong();
            String name = part.path("name").asString() + (instance == 0 ? "" : " " + instance);
            table.row("  " + name, Long.toString(part.path("bytes").asLong()));
        }
        table.print(out);
    }

    /// One line for sh(1).
    static String shell(List<String> arguments) {
        return arguments.stream().map(ShowCommand::quoted).collect(Collectors.joining(" "));
    }

    private static String quoted(String argument) {
        return NEEDS_NO_QUOTES.matcher(argument).matches() ? argument : "'" + argument.replace("'", "'\\''") + "'";
    }
}
