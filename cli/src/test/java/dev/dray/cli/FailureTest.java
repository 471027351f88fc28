package dev.dray.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dray.ExitCode;
import dev.dray.GuestFate;
import dev.dray.OperationException;
import dev.dray.error.CorruptException;
import dev.dray.error.DrayException;
import dev.dray.error.InterruptedOperation;
import dev.dray.error.KeyException;
import dev.dray.error.MachineException;
import dev.dray.error.PeerException;
import dev.dray.error.RefusedException;
import dev.dray.error.UsageException;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import picocli.CommandLine.Model.CommandSpec;

/// Every way to fail, in words, as JSON and as exit code.
class FailureTest {
    static Stream<Arguments> kinds() {
        return Stream.of(
                Arguments.of(new UsageException("M", "W"), "usage", 2),
                Arguments.of(new RefusedException("M", "W"), "refused", 3),
                Arguments.of(new PeerException("M", "W"), "peer", 1),
                Arguments.of(new CorruptException("M", "W"), "corrupt", 4),
                Arguments.of(new KeyException("M", "W"), "key", 4),
                Arguments.of(new MachineException("M", "W"), "machine", 1),
                Arguments.of(new InterruptedOperation("M", "W"), "interrupted", 130));
    }

    @ParameterizedTest
    @MethodSource("kinds")
    void saysWhoseFaultItIsAndWhereTheGuestIs(DrayException failure, String kind, int exitCode) {
        for (GuestFate guest : GuestFate.values()) {
            CommandRun run = run(new OperationException(failure, guest), "x", "--json");
            assertThat(run.out())
                    .isEqualTo("{\"outcome\":\"failed\",\"kind\":\"" + kind + "\",\"guest\":\"" + guest.word()
                            + "\",\"message\":\"M\",\"what_to_do\":\"W\"}\n");
            assertThat(run.exitCode()).isEqualTo(exitCode);
            assertThat(run.err()).isEmpty();
        }
    }

    @Test
    void saysItInWords() {
        CommandRun run = run(new OperationException(new PeerException("It broke", "Mend it"), GuestFate.RUNNING), "x");
        assertThat(run.err()).isEqualTo("""
                dray: It broke
                      The guest is running
                      Mend it
                """);
        assertThat(run.out()).isEmpty();
    }

    @Test
    void addsTheCauseWhenItIsVerbose() {
        var failure = new MachineException("It broke", "", new IllegalStateException("because"));
        CommandRun run = run(new OperationException(failure, GuestFate.UNKNOWN), "x", "--verbose");
        assertThat(run.err()).contains("Caused by: java.lang.IllegalStateException: because");
        assertThat(run.err()).endsWith("dray: It broke\n");
    }

    @Test
    void showsADefectWithItsTraceAndWhereToReportIt() {
        CommandRun words = run(new IllegalStateException("two owners of page 7"), "x");
        assertThat(words.exitCode()).isEqualTo(5);
        assertThat(words.err()).contains("at dev.dray.cli.FailureTest").endsWith("""
                dray: A defect in Dray 0.1.0: java.lang.IllegalStateException: two owners of page 7
                      Report it with the stack trace on stderr, as CONTRIBUTING.md says
                """);
        CommandRun json = run(new AssertionError("no"), "x", "--json");
        assertThat(json.exitCode()).isEqualTo(5);
        assertThat(json.json().path("kind").stringValue()).isEqualTo("bug");
    }

    private static CommandRun run(Throwable failure, String... arguments) {
        return CommandRun.with(Map.of(), _ -> Optional.of(new Failing(failure)), arguments);
    }

    private record Failing(Throwable failure) implements Command {
        @Override
        public CommandSpec spec() {
            return Spec.of("x", "Fails.").done(ExitCode.BUG);
        }

        @Override
        public ExitCode run(Invocation invocation) throws OperationException, DrayException {
            switch (failure) {
                case OperationException e -> throw e;
                case DrayException e -> throw e;
                case RuntimeException e -> throw e;
                case Error e -> throw e;
                default -> throw new AssertionError(failure);
            }
        }
    }
}
