package dev.dray.journey;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dray.machine.vmm.FaultStep;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// Restores into Cloud Hypervisor that do not come to their end: Dray is killed or told to stop, or the VMM is killed,
/// at each step that both are at together. The machine's process stands still there, so that nothing depends on who is
/// faster; also where its guest runs already and next to nothing of its memory is there.
@Timeout(900)
@Execution(ExecutionMode.CONCURRENT)
class ChRestoreFaultsTest {
    private static final AtomicInteger SOCKETS = new AtomicInteger();

    /// So large that its memory does not come in one message.
    private static final List<String> SIZE = List.of("--memory-mib", "64");

    private static Household home;

    @BeforeAll
    static void capture() throws Exception {
        home = Household.open();
        take("shared", "--workload", "hot", "--dirty-rate", "0");
        take("private", "--workload", "hot", "--dirty-rate", "0", "--private");
    }

    private static void take(String name, String... options) throws Exception {
        var all = new ArrayList<>(SIZE);
        all.addAll(List.of(options));
        try (var guest = ChGuest.running(all)) {
            DrayRun.Ended ended = home.dray(
                    "capture",
                    guest.address(),
                    "--repo",
                    home.repository().toString(),
                    "--name",
                    name,
                    "--after",
                    "quit");
            assertThat(ended.exitCode()).as("%s", ended.json()).isZero();
        }
    }

    @AfterAll
    static void leave() throws Exception {
        home.close();
    }

    /// A way into a VMM.
    enum Way {
        EAGER_FILES("shared"),
        EAGER_PUSH("private"),
        LAZY_FILES("shared"),
        LAZY_INLINE("private"),
        /// Whoever drives the VMM tells it to receive a guest from a `dray send`.
        SEND("shared"),
        SEND_LAZY("private");

        private final String snapshot;

        Way(String snapshot) {
            this.snapshot = snapshot;
        }

        boolean isLazy() {
            return this == LAZY_FILES || this == LAZY_INLINE || this == SEND_LAZY;
        }

        boolean isSent() {
            return this == SEND || this == SEND_LAZY;
        }

        /// Its steps until the guest is about to run, at which its machine freezes, one in each run: Dray goes no step
        /// further before it is answered.
        List<FaultStep> steps() {
            return switch (this) {
                case EAGER_FILES ->
                    List.of(
                            FaultStep.RECEIVER_START,
                            FaultStep.RECEIVER_DESCRIPTOR,
                            FaultStep.RECEIVER_CONFIG,
                            FaultStep.RECEIVER_STATE);
                case EAGER_PUSH -> List.of(FaultStep.RECEIVER_CONFIG, FaultStep.RECEIVER_MEMORY_ANSWER);
                case LAZY_FILES -> List.of(FaultStep.RECEIVER_CONFIG, FaultStep.RECEIVER_STATE_ANSWER);
                case LAZY_INLINE -> List.of(FaultStep.RECEIVER_START, FaultStep.RECEIVER_STATE_ANSWER);
                case SEND -> List.of(FaultStep.RECEIVER_DESCRIPTOR, FaultStep.RECEIVER_STATE);
                case SEND_LAZY -> List.of(FaultStep.RECEIVER_CONFIG);
            };
        }

        ChGuest waiting(List<FaultStep> frozen) throws Exception {
            var all = new ArrayList<>(SIZE);
            if (snapshot.equals("private")) {
                all.add("--private");
            }
            all.addAll(ChGuest.freezing(frozen.stream().map(FaultStep::name).toList()));
            return ChGuest.waiting(all);
        }

        /// Starts a restore; it is under way when this returns.
        DrayRun start(ChGuest into) throws Exception {
            var all = new ArrayList<String>();
            if (isSent()) {
                // Whoever is killed leaves a socket behind, and no VMM listens where there is one.
                Path socket = into.socket().resolveSibling("m" + SOCKETS.incrementAndGet());
                var _ = into.api()
                        .putLater("vm.receive-migration", """
                        {"receiver_url": "unix:%s", "memory_mode": "%s"}""".formatted(socket, isLazy() ? "Postcopy" : "Precopy"));
                all.addAll(List.of("send", snapshot, "--connect", "unix:" + socket));
            } else {
                all.addAll(List.of("restore", snapshot, "--into", into.address()));
            }
            all.addAll(List.of("--repo", home.repository().toString(), "--own-risk"));
            if (isLazy()) {
                all.add("--lazy");
            }
            return home.start(all);
        }

        /// A restore from start to end, after which the guest is whole.
        void restores(ChGuest into) throws Exception {
            try (DrayRun run = start(into)) {
                DrayRun.Ended ended = run.end();
                assertThat(ended.exitCode())
                        .as("%s %s", ended.json(), ended.err())
                        .isZero();
                assertThat(ended.text("guest")).isEqualTo("running");
            }
            into.runsOn();
            into.isWhole();
        }
    }

    private static void theRepositoryIsWhole() throws Exception {
        assertThat(home.listed()).containsExactly("shared@1", "private@1");
        home.verifies();
    }

    @ParameterizedTest
    @EnumSource(Way.class)
    void aKilledDrayCostsTheWaitingVmmAtMost(Way way) throws Exception {
        // While one connection is answered, another may be in the middle of Memory: the VMM then hangs
        // ([#aDrayThatIsKilledWithinMemoryLeavesAVmmThatHangsWhichDoctorSays]).
        List<FaultStep> steps = way.steps().stream()
                .filter(step -> step != FaultStep.RECEIVER_MEMORY_ANSWER)
                .toList();
        try (var into = way.waiting(steps)) {
            for (FaultStep step : steps) {
                try (DrayRun run = way.start(into)) {
                    into.awaitFrozen(run);
                    run.kill();
                }
                into.goesOn();
                boolean hasState = step == FaultStep.RECEIVER_STATE || step == FaultStep.RECEIVER_STATE_ANSWER;
                assertThat(into.awaitState("", "Created", "Running", "Paused"))
                        .as("after %s", step)
                        .isIn(hasState ? List.of("Paused") : List.of("", "Created"));
                DrayRun.Ended doctor = home.dray("doctor", into.address());
                assertThat(doctor.exitCode())
                        .as("after %s: %s", step, doctor.json())
                        .isZero();
                String lacks = "the guest lacks some of its memory";
                assertThat(doctor.json().path("findings").toString().contains(lacks))
                        .as("after %s: %s", step, doctor.json())
                        .isEqualTo(hasState && way.isLazy());
                if (hasState) {
                    isInTheWay(way, into);
                }
                assertThat(into.report().passes()).as("passes of half a guest").isZero();
            }
            way.restores(into);
        }
        theRepositoryIsWhole();
    }

    /// A guest of which State has come, and no Complete, stands still until somebody deletes it.
    private static void isInTheWay(Way way, ChGuest into) throws Exception {
        DrayRun.Ended refused = home.dray(
                "restore",
                way.snapshot,
                "--into",
                into.address(),
                "--repo",
                home.repository().toString(),
                "--own-risk");
        assertThat(refused.exitCode()).as("%s", refused.json()).isEqualTo(3);
        assertThat(refused.says()).contains("has a VM already (Paused)", "delete its VM");
        assertThat(into.api().put("vm.delete").isGood()).isTrue();
    }

    /// Complete has come to the VMM: its guest runs, and all of it is there.
    @Test
    void aDrayThatIsKilledAtItsLastWordHasRestoredTheGuest() throws Exception {
        try (var into = Way.EAGER_FILES.waiting(List.of(FaultStep.RECEIVER_COMPLETE))) {
            try (DrayRun run = Way.EAGER_FILES.start(into)) {
                into.awaitFrozen(run);
                run.kill();
            }
            into.goesOn();
            assertThat(into.awaitState("Running", "Paused", "")).isEqualTo("Running");
            into.runsOn();
            into.isWhole();
        }
    }

    /// The VMM waits for the rest of what was announced, for ever, and answers nobody.
    @Test
    void aDrayThatIsKilledWithinMemoryLeavesAVmmThatHangsWhichDoctorSays() throws Exception {
        try (var into = Way.EAGER_PUSH.waiting(List.of(FaultStep.RECEIVER_MEMORY))) {
            try (DrayRun run = Way.EAGER_PUSH.start(into)) {
                into.awaitFrozen(run);
                run.kill();
            }
            into.goesOn();
            DrayRun.Ended doctor = home.dray("doctor", into.address());
            assertThat(doctor.exitCode()).as("%s", doctor.json()).isEqualTo(3);
            assertThat(doctor.says()).contains("did not answer vmm.ping", "See whether it hangs");
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"LAZY_FILES", "LAZY_INLINE", "SEND_LAZY"})
    void aDrayThatIsKilledInTheDrainTakesTheGuestAlongAndNothingElse(Way way) throws Exception {
        try (var into = way.waiting(List.of(FaultStep.RECEIVER_DRAIN))) {
            try (DrayRun run = way.start(into)) {
                into.awaitFrozen(run);
                run.kill();
            }
            into.goesOn();
            try {
                into.asksForAll();
            } catch (IOException e) {
                // It has ended already.
            }
            into.awaitGone();
        }
        try (var next = way.waiting(List.of())) {
            way.restores(next);
        }
        theRepositoryIsWhole();
    }

    @ParameterizedTest
    @EnumSource(Way.class)
    void aKilledVmmIsToldAndTheSnapshotIsAsItWas(Way way) throws Exception {
        try (var into = way.waiting(List.of(way.steps().getLast()));
                DrayRun run = way.start(into)) {
            into.awaitFrozen(run);
            into.kill();
            isTold(run.end(), way.isSent() ? "unknown" : "gone");
        }
        if (way.isLazy()) {
            try (var into = way.waiting(List.of(FaultStep.RECEIVER_DRAIN));
                    DrayRun run = way.start(into)) {
                into.awaitFrozen(run);
                run.awaitPhase("serving memory");
                into.kill();
                isTold(run.end(), "gone");
            }
        }
        theRepositoryIsWhole();
    }

    private static void isTold(DrayRun.Ended ended, String guest) {
        assertThat(ended.exitCode()).as("%s", ended.json()).isEqualTo(1);
        assertThat(ended.text("kind")).as("%s", ended.json()).isEqualTo("peer");
        assertThat(ended.text("guest")).as("%s", ended.json()).isIn("gone", guest);
        assertThat(ended.says()).contains("the snapshot is untouched");
    }

    @ParameterizedTest
    @EnumSource(Way.class)
    void whoStopsItBeforeTheGuestRunsHasAVmmThatTakesTheNext(Way way) throws Exception {
        try (var into = way.waiting(way.steps())) {
            for (FaultStep step : way.steps()) {
                try (DrayRun run = way.start(into)) {
                    into.awaitFrozen(run);
                    run.signal("INT").awaitPhase("stopping");
                    into.goesOn();
                    DrayRun.Ended ended = run.end();
                    ended.wasInterrupted(step);
                    assertThat(ended.text("guest"))
                            .as("%s: %s", step, ended.json())
                            .isEqualTo("gone");
                }
                assertThat(into.awaitState("", "Created", "Running", "Paused"))
                        .as("after %s", step)
                        .isEmpty();
                assertThat(into.report().passes()).as("passes of half a guest").isZero();
            }
            way.restores(into);
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"LAZY_FILES", "LAZY_INLINE", "SEND_LAZY"})
    void whoStopsWaitingHasTheGuestServedInTheBackground(Way way) throws Exception {
        try (var into = way.waiting(List.of(FaultStep.RECEIVER_DRAIN));
                DrayRun run = way.start(into)) {
            into.awaitFrozen(run);
            run.awaitPhase("serving memory");
            run.signal("INT");
            DrayRun.Ended left = run.left();
            assertThat(left.text("guest")).as("%s", left.json()).isEqualTo("needs dray");
            assertThat(left.says()).contains("process " + run.pid() + " goes on");
            assertThat(run.isAlive()).isTrue();
            into.goesOn();
            assertThat(run.end().exitCode()).isEqualTo(130);
            into.runsOn();
            into.isWhole();
            assertThat(Files.exists(into.socket())).isTrue();
        }
    }
}
