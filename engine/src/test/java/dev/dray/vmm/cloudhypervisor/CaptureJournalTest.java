package dev.dray.vmm.cloudhypervisor;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// What the next Dray does about a VM whose capture was killed, with an API that says what it was asked.
@Timeout(60)
class CaptureJournalTest {
    @TempDir
    Path directory = Path.of("/unset");

    @Test
    void aGuestThatAKilledDrayLeftStandingGoesOn() throws Exception {
        try (ScriptedApi api = new ScriptedApi(directory.resolve("api"), "Paused")) {
            var journal = new KeptJournal();
            CaptureJournal.write(journal, VmFacts.ask(api.client()));
            assertThat(CaptureJournal.putBack(journal, api.client())).isPresent();
            assertThat(api.asked).contains("vm.resume");
            assertThat(journal.pending()).isEmpty();
            assertThat(CaptureJournal.putBack(journal, api.client())).isEmpty();
        }
    }

    @Test
    void aGuestThatRunsIsLeftAlone() throws Exception {
        try (ScriptedApi api = new ScriptedApi(directory.resolve("api"), "Running")) {
            var journal = new KeptJournal();
            CaptureJournal.write(journal, VmFacts.ask(api.client()));
            assertThat(CaptureJournal.putBack(journal, api.client())).isEmpty();
            assertThat(api.asked).isEmpty();
            assertThat(journal.pending()).isEmpty();
        }
    }

    /// Another process behind the same socket: its guest was paused by somebody who wants that.
    @Test
    void anotherVmmBehindTheSameSocketIsLeftAlone() throws Exception {
        try (ScriptedApi api = new ScriptedApi(directory.resolve("api"), "Paused")) {
            var journal = new KeptJournal();
            CaptureJournal.write(journal, VmFacts.ask(api.client()));
            journal.pending().orElseThrow().put("process", "1 1");
            assertThat(CaptureJournal.putBack(journal, api.client())).isEmpty();
            assertThat(api.asked).isEmpty();
        }
    }

    /// A capture that fails lets the guest go on, and then its operator pauses it.
    @Test
    void aGuestThatHasGoneOnSinceIsLeftAlone() throws Exception {
        var turns = new AtomicInteger();
        Thread vcpu = Thread.ofPlatform().daemon().name("vcpu0").start(() -> {
            while (turns.get() < 2) {
                LockSupport.park();
                turns.incrementAndGet();
            }
        });
        try (ScriptedApi api = new ScriptedApi(directory.resolve("api"), "Paused")) {
            awaitParked(vcpu);
            var journal = new KeptJournal();
            CaptureJournal.write(journal, VmFacts.ask(api.client()));
            String before =
                    journal.pending().orElseThrow().path("processor_sleeps").asString();
            assertThat(before).isNotEmpty();
            LockSupport.unpark(vcpu);
            while (turns.get() == 0) {
                Thread.onSpinWait();
            }
            awaitSleepAfter(before);
            assertThat(CaptureJournal.putBack(journal, api.client()))
                    .hasValueSatisfying(told -> assertThat(told).contains("seems to have run since"));
            assertThat(api.asked).isEmpty();
            assertThat(journal.pending()).isEmpty();
        } finally {
            turns.set(2);
            LockSupport.unpark(vcpu);
            vcpu.join();
        }
    }

    private static void awaitParked(Thread thread) {
        while (thread.getState() != Thread.State.WAITING) {
            Thread.onSpinWait();
        }
    }

    /// A thread's state says that it waits before it sleeps, and only then the kernel counts.
    private static void awaitSleepAfter(String before) throws Exception {
        String now = before;
        while (now.equals(before) || now.isEmpty()) {
            Thread.sleep(1);
            now = VcpuSleeps.of(ProcessHandle.current().pid());
        }
    }

    /// In a container a VMM has another number than outside, where that number is another process.
    @Test
    void aVmmWhoseNumberIsNotThatOfTheListenerIsNotTakenForTheProcessOfThatNumber() throws Exception {
        try (ScriptedApi api = new ScriptedApi(directory.resolve("api"), "Paused")) {
            assertThat(VmFacts.ask(api.client()).pid())
                    .contains(ProcessHandle.current().pid());
            api.pid = ProcessHandle.current().parent().orElseThrow().pid();
            VmFacts facts = VmFacts.ask(api.client());
            assertThat(facts.pid()).isEmpty();
            assertThat(facts.identity()).isEmpty();
            var journal = new KeptJournal();
            CaptureJournal.write(journal, facts);
            assertThat(CaptureJournal.putBack(journal, api.client()))
                    .hasValueSatisfying(told -> assertThat(told).contains("cannot be seen"));
            assertThat(api.asked).isEmpty();
        }
    }

    @Test
    void aGuestThatNobodyCapturedIsLeftAlone() throws Exception {
        try (ScriptedApi api = new ScriptedApi(directory.resolve("api"), "Paused")) {
            assertThat(CaptureJournal.putBack(new KeptJournal(), api.client())).isEmpty();
            assertThat(api.asked).isEmpty();
        }
    }
}
