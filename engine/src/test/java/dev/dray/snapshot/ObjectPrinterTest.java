package dev.dray.snapshot;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dray.blob.MemoryStore;
import dev.dray.page.WorkingSet;
import dev.dray.seal.Credential;
import dev.dray.testbed.Gen;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.node.ObjectNode;

class ObjectPrinterTest {
    private static final Credential.Key KEY = new Credential.Key(new byte[32]);

    private final Gen gen = Gen.create("ObjectPrinterTest");
    private final MemoryStore store = new MemoryStore();

    private List<String> names() {
        List<String> names = new ArrayList<>();
        for (String kind : List.of("config", "keys", "packs", "snapshots", "workingsets")) {
            store.list(kind, entry -> names.add(entry.name()));
        }
        return names;
    }

    private static String file(String name) {
        return name.substring(name.indexOf('/') + 1);
    }

    @Test
    void tellsWhatIsInEveryObjectAlsoDamagedOnes() throws Exception {
        try (Repository repository = Repository.init(store, Optional.of(KEY), Dedup.REPOSITORY)) {
            Snapshot snapshot = new FakeGuest(40, 3).fill(gen).capture(repository, "web1");
            repository
                    .workingSets()
                    .record(snapshot, WorkingSet.of(new int[] {1, 0}, new long[] {2, 39}, new int[] {0, 9}, 2));
            for (String name : names()) {
                byte[] bytes = store.bytes(name);
                byte[] last = Arrays.copyOfRange(bytes, Math.max(0, bytes.length - 48), bytes.length);
                assertThat(ObjectPrinter.recognizes(bytes, last)).as(name).isTrue();

                ObjectNode without = ObjectPrinter.json(bytes, file(name), Optional.empty());
                assertThat(without.has("why")).as(name).isFalse();
                assertThat(without.path("object").asString()).isEqualTo(name);

                ObjectNode with = ObjectPrinter.json(bytes, file(name), Optional.of(repository));
                assertThat(with.has("why")).as(with.toString()).isFalse();
                assertThat(with.path("sealed").isString()).as(with.toString()).isFalse();
                if (name.startsWith("workingsets/")) {
                    assertThat(with.path("page_list").toString())
                            .isEqualTo("[{\"region\":\"ram1\",\"page\":2,\"after_us\":0},"
                                    + "{\"region\":\"ram0\",\"page\":39,\"after_us\":9}]");
                }

                for (int i = 0; i < 200; i++) {
                    byte[] damaged = bytes.clone();
                    damaged[gen.between(0, bytes.length - 1)] ^= (byte) (1 << gen.between(0, 7));
                    assertThat(ObjectPrinter.json(damaged, file(name), Optional.of(repository))
                                            .has("why")
                                    || name.startsWith("keys/"))
                            .as(gen + " " + name)
                            .isTrue();
                    byte[] cut = Arrays.copyOf(bytes, gen.between(0, bytes.length - 1));
                    assertThat(ObjectPrinter.json(cut, file(name), Optional.of(repository))
                                    .has("why"))
                            .as(gen + " " + name)
                            .isTrue();
                }
            }
        }
    }

    @Test
    void doesNotTakeOtherFilesForObjects() {
        assertThat(ObjectPrinter.recognizes(gen.bytes(8), gen.bytes(48))).isFalse();
        assertThat(ObjectPrinter.recognizes(new byte[0], new byte[0])).isFalse();
    }
}
