package dev.dray.snapshot;

import dev.dray.blob.DirectoryStore;
import dev.dray.page.WorkingSet;
import dev.dray.seal.Credential;
import dev.dray.seal.KeyFile;
import dev.dray.seal.KeySlots;
import dev.dray.seal.Randomness;
import dev.dray.seal.SecretKey;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/// Writes the golden repositories of the current format. They are written once for each version of the format, by the
/// release that brings it, and never again: later releases must read them.
///
/// What is in them is computed, so that whoever reads them knows every byte. Arguments: an absent directory, and
/// `working-set` for the one that holds a working set, which later writers of version 1 have added.
public final class GoldenRepository {
    static final String PASSPHRASE = "golden passphrase";

    private GoldenRepository() {}

    public static void main(String[] args) throws Exception {
        Path directory = Path.of(args[0]);
        Files.createDirectories(directory);
        Credential.Key key = KeyFile.create(directory.resolve("key"));
        if (args.length > 1 && args[1].equals("working-set")) {
            writeWorkingSet(directory.resolve("encrypted"), key);
            return;
        }
        write(directory.resolve("encrypted"), Optional.of(key), Dedup.REPOSITORY);
        write(directory.resolve("not-encrypted"), Optional.empty(), Dedup.GUEST);
    }

    private static void write(Path directory, Optional<Credential> key, Dedup dedup) throws Exception {
        try (DirectoryStore store = DirectoryStore.create(directory);
                Repository repository = Repository.init(store, key, dedup)) {
            for (int number = 1; number <= 2; number++) {
                guest(number).capture(repository, new WriterOptions("golden", new Compression.Auto(), 1, 2, 0));
            }
            guest(1).capture(repository, new WriterOptions("other", new Compression.None(), 1, 2, 0));
            if (key.isPresent()) {
                addPassphrase(store, repository, key.get());
            }
        }
    }

    private static void writeWorkingSet(Path directory, Credential key) throws Exception {
        try (DirectoryStore store = DirectoryStore.create(directory);
                Repository repository = Repository.init(store, Optional.of(key), Dedup.REPOSITORY)) {
            Snapshot snapshot =
                    guest(1).capture(repository, new WriterOptions("golden", new Compression.Auto(), 1, 2, 0));
            repository.workingSets().record(snapshot, WorkingSet.empty());
            repository.workingSets().record(snapshot, workingSet());
        }
    }

    /// From both ends of what the format can say.
    static WorkingSet workingSet() {
        return WorkingSet.of(
                new int[] {0, 1, 0}, new long[] {4999, 63, 0}, new int[] {0, 1_000_000, Integer.MAX_VALUE}, 3);
    }

    private static void addPassphrase(DirectoryStore store, Repository repository, Credential key) throws Exception {
        try (SecretKey master = KeyRing.unlock(store, repository.idBytes(), key)) {
            byte[] slot =
                    KeySlots.wrap(master, repository.idBytes(), new Credential.Passphrase(PASSPHRASE.toCharArray()));
            String name = ObjectName.key(ObjectName.hex(Randomness.bytes(Format.ID_BYTES)));
            StoredObject.put(store, name, Envelope.writeClear(ObjectKind.KEY_SLOT, repository.idBytes(), slot));
        }
    }

    /// The guest of a snapshot: of two segments and of one, all kinds of pages that a capture can give.
    static FakeGuest guest(int number) {
        FakeGuest guest = new FakeGuest(5000, 64);
        for (int page : List.of(0, 1, 2, 3, 17, 4094, 4095, 4096, 4097, 4999)) {
            guest.pages.getFirst()[page] = page(page, page == 3 ? number : 0);
        }
        for (int page = 100; page < 200; page++) {
            guest.pages.getFirst()[page] = new byte[4096];
        }
        for (int page = 0; page < 8; page++) {
            guest.pages.getLast()[page] = page(page % 3, 7);
        }
        guest.state.put("configuration", page(1, 1));
        guest.state.put("devices", page(2, number));
        guest.state.put("empty", new byte[0]);
        return guest;
    }

    /// Odd pages do not compress.
    static byte[] page(int page, int pass) {
        byte[] bytes = new byte[4096];
        long state = 1 + page * 1_000_003L + pass * 7919L;
        for (int i = 0; i < bytes.length; i++) {
            state = state * 6364136223846793005L + 1442695040888963407L;
            bytes[i] = page % 2 == 1 || i % 64 == 0 ? (byte) (state >>> 56) : (byte) (i / 64);
        }
        return bytes;
    }
}
