package dev.dray.snapshot;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dray.blob.MemoryStore;
import dev.dray.memory.PageSize;
import dev.dray.page.WorkingSet;
import dev.dray.seal.Credential;
import dev.dray.testbed.Gen;
import java.nio.charset.StandardCharsets;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/// What somebody sees who has a repository and no key.
class SecrecyTest {
    private static final String NAME = "payroll-database";
    private static final int WINDOW = 16;

    /// How much at both ends of an object may be the same in all: magic, version, lengths.
    private static final int ENDS = 64;

    private final Gen gen = Gen.create("SecrecyTest");
    private final FakeGuest guest = new FakeGuest(300, 3).fill(gen);

    @Test
    void nothingOfTheGuestIsThereInPlain() throws Exception {
        Map<String, String> sealed = captured(Optional.of(new Credential.Key(gen.bytes(32))));
        Set<String> pieces = piecesOfPages();
        int stored = sealed.values().stream().mapToInt(String::length).sum();
        assertThat(stored).as("the pages are there").isGreaterThan(pieces.size() * PageSize.BYTES);
        for (String piece : pieces) {
            assertThat(sealed.values()).as("%s", gen).noneMatch(object -> object.contains(piece));
        }
        assertThat(sealed.keySet()).noneMatch(name -> name.contains(NAME));
        assertThat(sealed.values()).noneMatch(object -> object.contains(NAME));
    }

    @Test
    void equalGuestsLookDifferentInEachRepository() throws Exception {
        Credential.Key key = new Credential.Key(gen.bytes(32));
        Map<String, String> first = captured(Optional.of(key));
        Map<String, String> second = captured(Optional.of(key));
        Set<String> shared = windows(first);
        assertThat(shared).isNotEmpty();
        shared.retainAll(windows(second));
        assertThat(shared).as("%s", gen).isEmpty();
        assertThat(second.keySet()).doesNotContainAnyElementsOf(first.keySet());
    }

    private Set<String> piecesOfPages() {
        Set<String> pieces = new HashSet<>();
        for (byte[] page : guest.pages.getFirst()) {
            if (page != null && page[0] != page[1]) {
                pieces.add(text(page).substring(PageSize.BYTES - WINDOW));
            }
        }
        assertThat(pieces).hasSizeGreaterThan(50);
        return pieces;
    }

    private Map<String, String> captured(Optional<Credential> key) throws Exception {
        MemoryStore store = new MemoryStore();
        try (Repository repository = Repository.init(store, key, Dedup.REPOSITORY)) {
            Snapshot snapshot = guest.capture(repository, new WriterOptions(NAME, new Compression.None(), 2, 4, 0));
            repository.workingSets().record(snapshot, touched());
        }
        Map<String, String> objects = new TreeMap<>();
        for (String kind :
                List.of(ObjectName.PACKS, ObjectName.SNAPSHOTS, ObjectName.SESSIONS, ObjectName.WORKING_SETS)) {
            store.list(kind, entry -> objects.put(entry.name(), text(store.bytes(entry.name()))));
        }
        assertThat(objects).hasSizeGreaterThan(1);
        return objects;
    }

    private static WorkingSet touched() {
        int count = 300;
        var pages = new long[count];
        for (int i = 0; i < count; i++) {
            pages[i] = i;
        }
        return WorkingSet.of(new int[count], pages, new int[count], count);
    }

    /// Every piece of some bytes in packs, manifests and working sets.
    private static Set<String> windows(Map<String, String> objects) {
        Set<String> windows = new HashSet<>();
        for (String bytes : objects.values()) {
            for (int at = ENDS; at + WINDOW <= bytes.length() - ENDS; at++) {
                windows.add(bytes.substring(at, at + WINDOW));
            }
        }
        return windows;
    }

    private static String text(byte[] bytes) {
        return new String(bytes, StandardCharsets.ISO_8859_1);
    }
}
