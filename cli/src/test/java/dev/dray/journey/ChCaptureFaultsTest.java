package dev.dray.journey;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dray.machine.vmm.FaultStep;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// Captures of guests of Cloud Hypervisor that do not come to their end: Dray is killed or told to stop, or the VMM is
/// killed, at each step that both are at together. The machine's process stands still there, so that nothing depends on
/// who is faster.
@Timeout(900)
@Execution(ExecutionMode.CONCURRENT)
class ChCaptureFaultsTest {
    private static final String NAME = "web1";

    /// Here Dray may have given its last answer already.
    private static final String LAST = "sender-complete-answer";

    private static final AtomicInteger SOCKETS = new AtomicInteger();

    /// A way out of a VMM, and its steps.
    enum Way {
        RESUME("", "--after resume"),
        QUIT("", "--after quit"),
        STREAM("--private", "--after quit"),
        PULL("--private", "--after quit --mode stop"),
        /// Whoever drives the VMM tells it to migrate its guest to a `dray receive`.
        RECEIVE_LOCAL("", ""),
        RECEIVE_STREAM("--private", "");

        private final String machine;
        private final String options;

        Way(String machine, String options) {
            this.machine = machine;
            this.options = options;
        }

        /// The steps at which its machine freezes, one in each run: the later ones first, since a machine that goes on
        /// may come to them, and each for the time that its run comes there.
        List<String> steps() {
            return words(
                    switch (this) {
                        case RESUME ->
                            "sender-complete-answer sender-complete@2 sender-state@3 sender-config-answer@4"
                                    + " sender-descriptor@5 sender-start@6";
                        case QUIT -> "sender-complete sender-state-answer@2 sender-config-answer@3";
                        case STREAM -> "sender-memory-body sender-state-answer sender-config@3";
                        case PULL -> "sender-serve-body sender-complete@2 sender-state@3 sender-fault-connection@4";
                        case RECEIVE_LOCAL -> "sender-complete sender-config-answer@2";
                        case RECEIVE_STREAM -> "sender-memory-body sender-state-answer";
                    });
        }

        private static List<String> words(String text) {
            return text.isEmpty() ? List.of() : List.of(text.split(" ", -1));
        }

        boolean isReceived() {
            return this == RECEIVE_LOCAL || this == RECEIVE_STREAM;
        }

        ChGuest guest(List<String> frozen) throws Exception {
            var all = new ArrayList<>(words(machine));
            all.addAll(ChGuest.freezing(frozen));
            return ChGuest.running(all);
        }

        /// Starts a capture; it is under way when this returns.
        DrayRun start(Household home, ChGuest guest, String... more) throws Exception {
            // Whoever is killed leaves a socket behind, which whoever listens there next is told to remove.
            Path socket = home.directory().resolve("m" + SOCKETS.incrementAndGet());
            var all = new ArrayList<String>();
            if (isReceived()) {
                all.addAll(List.of("receive", "--listen", "unix:" + socket));
            } else {
                all.addAll(List.of("capture", guest.address()));
                all.addAll(words(options));
            }
            all.addAll(List.of("--repo", home.repository().toString(), "--name", NAME));
            all.addAll(List.of(more));
            DrayRun run = home.start(all);
            if (isReceived()) {
                run.awaitPhase("waiting for a VMM");
                assertThat(guest.api()
                                .put("vm.send-migration", """
                                {"destination_url": "unix:%s", "local": %s}""".formatted(socket, this == RECEIVE_LOCAL))
                                .isGood())
                        .isTrue();
            }
            return run;
        }

        /// A capture from start to end.
        void captures(Household home, ChGuest guest) throws Exception {
            try (DrayRun run = start(home, guest)) {
                DrayRun.Ended ended = run.end();
                assertThat(ended.exitCode())
                        .as("%s %s", ended.json(), ended.err())
                        .isZero();
                assertThat(ended.text("guest"))
                        .isEqualTo(this == RESUME ? "running" : isReceived() ? "unknown" : "gone");
            }
        }
    }

    @ParameterizedTest
    @EnumSource(Way.class)
    void aKilledDrayLeavesTheGuestRunningAndNothingHalf(Way way) throws Exception {
        try (var home = Household.open();
                var guest = way.guest(way.steps())) {
            for (String step : way.steps()) {
                try (DrayRun run = way.start(home, guest)) {
                    guest.awaitFrozen(run);
                    run.kill();
                }
                guest.goesOn();
                if (step.equals(LAST)) {
                    guest.awaitState("Running", "Paused"); // whether Dray's last word went out first
                } else {
                    assertThat(guest.awaitState("Running", "Paused"))
                            .as("after %s", step)
                            .isEqualTo("Running");
                }
                DrayRun.Ended doctor = home.dray("doctor", guest.address());
                assertThat(doctor.exitCode())
                        .as("after %s: %s", step, doctor.json())
                        .isZero();
                if (step.equals(LAST) && guest.state().equals("Paused")) {
                    // A process that stood still and goes on wakes its processor's thread, which is counted.
                    assertThat(doctor.json().path("put_back").toString()).contains("let it go on with vm.resume");
                    assertThat(guest.api().put("vm.resume").isGood()).isTrue();
                }
                guest.runsOn();
                assertThat(home.listed()).as("after %s", step).isEmpty();
            }
            guest.isWhole();
            way.captures(home, guest);
            assertThat(home.listed()).containsExactly(NAME + "@1");
            home.verifies();
            if (way == Way.RESUME) {
                guest.runsOn();
                guest.isWhole();
            }
        }
    }

    @ParameterizedTest
    @EnumSource(Way.class)
    void aKilledVmmIsToldAndNothingHalfIsListed(Way way) throws Exception {
        try (var home = Household.open()) {
            int stored = 0;
            for (String step : way.steps().subList(0, 2)) {
                try (var guest = way.guest(List.of(step.replaceFirst("@.*", "")));
                        DrayRun run = way.start(home, guest)) {
                    guest.awaitFrozen(run);
                    if (step.equals(LAST)) {
                        run.awaitPhase("reading what has changed");
                    }
                    guest.kill();
                    DrayRun.Ended ended = run.end();
                    boolean captured = ended.text("outcome").equals("captured");
                    assertThat(ended.text("guest"))
                            .as("%s: %s", step, ended.json())
                            .isEqualTo(way.isReceived() ? "unknown" : "gone");
                    // A guest of which all is here is stored, whatever becomes of its VMM.
                    boolean isStored = ended.says().contains("is complete");
                    assertThat(captured).as("%s: %s", step, ended.json()).isFalse();
                    assertThat(isStored).as("%s: %s", step, ended.json()).isIn(false, step.equals(LAST));
                    assertThat(ended.exitCode()).isEqualTo(1);
                    assertThat(ended.text("kind")).isEqualTo("peer");
                    stored += isStored ? 1 : 0;
                    assertThat(home.listed()).as("after %s", step).hasSize(stored);
                }
            }
            home.verifies();
            assertThat(home.sockets()).isEmpty();
        }
    }

    @ParameterizedTest
    @EnumSource(Way.class)
    void whoStopsItHasTheGuestAsItWas(Way way) throws Exception {
        try (var home = Household.open();
                var guest = way.guest(way.steps())) {
            for (String step : way.steps()) {
                try (DrayRun run = way.start(home, guest)) {
                    guest.awaitFrozen(run);
                    run.signal("INT").awaitPhase("stopping");
                    guest.goesOn();
                    DrayRun.Ended ended = run.end();
                    ended.wasInterrupted(step);
                    assertThat(ended.text("guest"))
                            .as("%s: %s", step, ended.json())
                            .isEqualTo(way.isReceived() ? "unknown" : "running");
                }
                assertThat(guest.awaitState("Running", "Paused"))
                        .as("after %s", step)
                        .isEqualTo("Running");
                guest.runsOn();
                assertThat(home.listed()).as("after %s", step).isEmpty();
            }
            guest.isWhole();
            way.captures(home, guest);
            assertThat(home.listed()).hasSize(1);
            home.verifies();
            assertThat(home.sockets()).isEmpty();
        }
    }

    /// All of the guest is here and its VMM waits for Dray's last word, or has it already.
    @ParameterizedTest
    @EnumSource(names = {"RESUME", "QUIT", "PULL"})
    void aGuestIsNeverGoneBeforeItsSnapshotIsThere(Way way) throws Exception {
        try (var home = Household.open();
                var guest = way.guest(List.of())) {
            try (DrayRun run = way.start(home, guest, "--compression", "zstd:19")) {
                run.awaitPhase("storing");
                run.kill();
            }
            if (home.listed().isEmpty()) {
                assertThat(guest.awaitState("Running", "Paused")).isEqualTo("Running");
                guest.runsOn();
                guest.isWhole();
            } // else it was published before the signal was there
            home.verifies();
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"RESUME", "QUIT", "PULL"})
    void aSnapshotThatIsThereIsWholeWhateverBecomesOfItsDray(Way way) throws Exception {
        try (var home = Household.open();
                var guest = way.guest(List.of())) {
            try (DrayRun run = way.start(home, guest)) {
                Path snapshots = home.repository().resolve("snapshots");
                CaptureFaultsTest.await(() -> isPublished(snapshots), run);
                run.kill();
            }
            assertThat(home.listed()).containsExactly(NAME + "@1");
            home.verifies();
        }
    }

    private static boolean isPublished(Path snapshots) throws Exception {
        if (!Files.exists(snapshots)) {
            return false;
        }
        try (var files = Files.list(snapshots)) {
            return files.anyMatch(each -> !each.getFileName().toString().contains("tmp"));
        }
    }

    /// The moment between the last answer and `vm.resume`, which here does not come to the VMM any more.
    @Test
    void aGuestThatAKilledDrayHadStoppedIsContinuedByTheNext() throws Exception {
        // Twice vmm.ping and vm.info, vm.send-migration, and then vm.resume.
        String stall = FaultStep.CONTROL_COMMAND + "@6=stall";
        try (var home = Household.open();
                var guest = ChGuest.running(List.of("--fault", stall))) {
            try (DrayRun run = Way.RESUME.start(home, guest)) {
                guest.awaitStalled(FaultStep.CONTROL_COMMAND);
                run.kill();
            }
            assertThat(guest.awaitState("Running", "Paused")).isEqualTo("Paused");
            DrayRun.Ended doctor = home.dray("doctor", guest.address());
            assertThat(doctor.json().path("put_back").toString()).contains("was resumed");
            guest.runsOn();
            Way.RESUME.captures(home, guest);
            guest.isWhole();
            home.verifies();
        }
    }

    /// Here the guest stands still, and Dray waits for the user's command.
    @ParameterizedTest
    @EnumSource(names = {"RESUME", "STREAM"})
    void aDrayThatIsKilledWhileItsHookRunsLeavesTheGuestRunning(Way way) throws Exception {
        try (var home = Household.open();
                var guest = way.guest(List.of())) {
            Path ready = home.directory().resolve("ready");
            String hook = "echo $$ > " + ready + "; exec sleep 100";
            try (DrayRun run = way.start(home, guest, "--on-pause", hook)) {
                CaptureFaultsTest.await(() -> Files.exists(ready) && Files.size(ready) > 1, run);
                run.kill();
            }
            Signals.send("KILL", Long.parseLong(Files.readString(ready).strip()));
            assertThat(guest.awaitState("Running", "Paused")).isEqualTo("Running");
            guest.runsOn();
            assertThat(home.listed()).isEmpty();
            way.captures(home, guest);
        }
    }
}
