package dev.dray.vmm.cloudhypervisor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.dray.error.CorruptException;
import dev.dray.page.WorkingSet;
import dev.dray.vmm.GuestException;
import dev.dray.vmm.Whereabouts;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// A VMM that was asked to receive a guest waits until somebody connects, and answers nobody else.
class CloudHypervisorRestoreTest {
    private static final long SEED = Long.getLong("dray.seed", System.nanoTime());

    @TempDir
    private Path folder;

    private final NotingWatch watch = new NotingWatch();

    private GuestException failure(ScriptedApi api, SampleImage image) {
        return catchThrowableOfType(
                GuestException.class,
                () -> new CloudHypervisorRestore(
                                api.client(),
                                api.path(),
                                FaultServerTest.order(WorkingSet.empty()),
                                image,
                                new KeptJournal(),
                                watch)
                        .run());
    }

    @Test
    void aVmmIsAskedForNothingBeforeTheSnapshotCanBeRead() throws Exception {
        SampleImage image = SampleImage.shared(SEED);
        image.broken.add(0L);
        try (var api = new ScriptedApi(folder.resolve("api"), "Created")) {
            GuestException failed = failure(api, image);
            assertThat(failed.failure()).isInstanceOf(CorruptException.class);
            assertThat(failed.guest()).isEqualTo(Whereabouts.GONE);
            assertThat(api.asked).isEmpty();
        }
    }
}
