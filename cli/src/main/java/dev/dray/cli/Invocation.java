package dev.dray.cli;

import dev.dray.ExitCode;
import dev.dray.Outcome;
import dev.dray.Progress;
import dev.dray.RepositoryAccess;
import dev.dray.error.DrayException;
import dev.dray.error.UsageException;
import java.io.PrintStream;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.BiConsumer;
import picocli.CommandLine.ParseResult;

/// One run of one command: its arguments, its progress, its end.
final class Invocation implements AutoCloseable {
    private final ParseResult given;
    private final Surroundings around;
    private final Output output;
    private final ProgressPrinter progress;

    Invocation(String command, ParseResult given, Surroundings around, Output output) {
        this.given = given;
        this.around = around;
        this.output = output;
        this.progress = new ProgressPrinter(command, around, output);
    }

    Surroundings around() {
        return around;
    }

    Output output() {
        return output;
    }

    Progress progress() {
        return progress;
    }

    /// Prints the outcome, as words by `words`.
    <R extends Outcome> ExitCode end(R outcome, BiConsumer<R, PrintStream> words) {
        progress.close();
        return output.end(outcome, words);
    }

    RepositoryAccess repository() throws UsageException, DrayException {
        return RepositoryArguments.read(this);
    }

    /// Whether the option was given, with values or without. What a parameter consumer took is not among the matched
    /// options, but it is a value.
    boolean has(String option) {
        return given.hasMatchedOption(option)
                || given.commandSpec().findOption(option).getValue() instanceof List<?>;
    }

    /// The option's value; the first, if it may have several.
    Optional<String> option(String name) {
        Object value = given.matchedOptionValue(name, (Object) null);
        return value instanceof List<?> several
                ? several.stream().map(String.class::cast).findFirst()
                : Optional.ofNullable((String) value);
    }

    /// The option's value, which a variable that is not set has not left empty.
    Optional<String> filled(String name, String whatToDo) throws UsageException {
        Optional<String> value = option(name);
        if (value.isPresent() && value.get().isEmpty()) {
            throw new UsageException("The value of " + name + " is empty", whatToDo);
        }
        return value;
    }

    String option(String name, String otherwise) {
        return option(name).orElse(otherwise);
    }

    List<String> options(String name) {
        List<String> values = given.commandSpec().findOption(name).getValue();
        return values == null ? List.of() : values;
    }

    String positional(int index) {
        return given.matchedPositionalValue(index, "");
    }

    Optional<String> optionalPositional(int index) {
        return Optional.ofNullable(given.matchedPositionalValue(index, (String) null));
    }

    List<String> positionals(int index) {
        return given.matchedPositionalValue(index, List.of());
    }

    /// The `K=V` values of a repeatable option.
    SortedMap<String, String> pairs(String name) throws UsageException {
        var pairs = new TreeMap<String, String>();
        for (String pair : options(name)) {
            int equals = pair.indexOf('=');
            if (equals <= 0) {
                throw new UsageException(
                        name + " '" + pair + "' has no name and value", "Write " + name + " NAME=VALUE");
            }
            String key = pair.substring(0, equals);
            if (pairs.put(key, pair.substring(equals + 1)) != null) {
                throw new UsageException(name + " names '" + key + "' twice", "Name it once");
            }
        }
        return pairs;
    }

    @Override
    public void close() {
        progress.close();
    }
}
