package dev.dray.vmm.cloudhypervisor;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// What `dray doctor` finds of a lazy restore whose Dray was killed.
@Timeout(60)
class LazyJournalTest {
    @TempDir
    Path directory = Path.of("/unset");

    @ParameterizedTest
    @CsvSource({"Running, true", "Paused, true", "Created, false"})
    void aGuestThatLacksMemoryIsOneAsLongAsItIsThere(String state, boolean isLeft) throws Exception {
        try (ScriptedApi api = new ScriptedApi(directory.resolve("api"), state)) {
            var journal = new KeptJournal();
            VmFacts facts = VmFacts.ask(api.client());
            assertThat(LazyJournal.isLeft(journal, facts)).isFalse();
            LazyJournal.write(journal, facts);
            assertThat(LazyJournal.isLeft(journal, facts)).isEqualTo(isLeft);
            assertThat(journal.pending().isPresent()).as("what is kept").isEqualTo(isLeft);
            assertThat(CaptureJournal.putBack(journal, api.client())).isEmpty();
            assertThat(api.asked).isEmpty();
            assertThat(Examination.of(facts, isLeft).toString().contains("lacks some of its memory"))
                    .isEqualTo(isLeft);
        }
    }

    @Test
    void aGuestOfAnotherVmmBehindTheSameSocketLacksNothing() throws Exception {
        try (ScriptedApi api = new ScriptedApi(directory.resolve("api"), "Running")) {
            var journal = new KeptJournal();
            VmFacts facts = VmFacts.ask(api.client());
            LazyJournal.write(journal, facts);
            journal.pending().orElseThrow().put("process", "1 1");
            assertThat(LazyJournal.isLeft(journal, facts)).isFalse();
            assertThat(journal.pending()).isEmpty();
        }
    }

    @Test
    void whatACaptureRemembersIsNotForgotten() throws Exception {
        try (ScriptedApi api = new ScriptedApi(directory.resolve("api"), "Running")) {
            var journal = new KeptJournal();
            CaptureJournal.write(journal, VmFacts.ask(api.client()));
            LazyJournal.forget(journal);
            assertThat(journal.pending()).isPresent();
        }
    }
}
