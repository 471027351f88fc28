package dev.dray;

import dev.dray.error.CorruptException;
import dev.dray.error.DrayException;
import dev.dray.error.MachineException;
import dev.dray.error.UsageException;
import dev.dray.snapshot.Listing;
import dev.dray.snapshot.Repository;
import dev.dray.snapshot.Snapshot;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// The newest snapshot of each guest that this host has seen in one repository, kept outside of it. Who
/// can write a repository can set all of it back to an older state that is whole in itself; only a
/// memory elsewhere tells.
final class RememberedHeads {
    private static final int FILE_BYTES_MAX = 64 << 20;

    private final Path file;

    private RememberedHeads(Path file) {
        this.file = file;
    }

    static RememberedHeads of(StateDirectory state, Repository repository) throws MachineException {
        return new RememberedHeads(state.directory("heads").resolve(repository.id() + ".json"));
    }

    Path file() {
        return file;
    }

    /// A snapshot that was the newest of its guest.
    ///
    /// @param seen when this host saw it last
    record Head(String name, long number, String id, Instant seen) {}

    /// Remembers a snapshot that was just captured, unless the one before it is gone: that would make a repository
    /// that was set back look whole again. Failing to is no reason to fail a capture: it becomes a warning.
    static void remember(Repository repository, Snapshot snapshot, Progress progress) {
        try {
            var heads = of(StateDirectory.open(), repository);
            @Nullable Head before = heads.read().get(snapshot.manifest().name());
            if (before != null && !isThere(repository, before)) {
                progress.warning(sentence(before));
            } else {
                heads.remember(List.of(snapshot));
            }
        } catch (DrayException | IOException e) {
            progress.warning("Cannot remember that " + snapshot.title() + " exists: " + e.getMessage());
        }
    }

    private static boolean isThere(Repository repository, Head head) throws DrayException {
        try {
            return repository.find(head.id()).id().equals(head.id());
        } catch (UsageException e) {
            return false;
        } catch (CorruptException e) {
            return true; // damaged, which verify tells
        }
    }

    /// Remembers these where they are newer than what is remembered.
    void remember(List<Snapshot> snapshots) throws MachineException {
        synchronized (RememberedHeads.class) { // a file's lock is one process's, whichever its thread
            rememberLocked(snapshots);
        }
    }

    private void rememberLocked(List<Snapshot> snapshots) throws MachineException {
        try (var lock = FileChannel.open(
                        file.resolveSibling(file.getFileName() + ".lock"),
                        StandardOpenOption.CREATE,
                        StandardOpenOption.WRITE);
                var _ = lock.lock()) {
            SortedMap<String, Head> heads = read();
            Instant now = Instant.now().truncatedTo(ChronoUnit.SECONDS);
            for (Snapshot snapshot : snapshots) {
                String name = snapshot.manifest().name();
                var head = new Head(name, snapshot.manifest().number(), snapshot.id(), now);
                heads.merge(name, head, (old, fresh) -> replaces(fresh, old) ? fresh : old);
            }
            write(heads);
        } catch (IOException e) {
            throw new MachineException("Cannot write " + file + ": " + e.getMessage(), "", e);
        }
    }

    /// Of two captures at once, which may share a number, the first that was seen stays.
    private static boolean replaces(Head fresh, Head old) {
        return fresh.number() > old.number() || fresh.id().equals(old.id());
    }

    /// The remembered heads that the repository no longer has, damaged ones aside.
    List<Head> lost(Listing listing) throws MachineException {
        var present = listing.snapshots().stream().map(Snapshot::id).collect(Collectors.toSet());
        var lost = new ArrayList<Head>();
        try {
            for (Head head : read().values()) {
                boolean damaged =
                        listing.damaged().stream().anyMatch(d -> d.object().contains(head.id()));
                if (!present.contains(head.id()) && !damaged) {
                    lost.add(head);
                }
            }
        } catch (IOException e) {
            throw new MachineException("Cannot read " + file + ": " + e.getMessage(), "", e);
        }
        return lost;
    }

    private SortedMap<String, Head> read() throws IOException {
        var heads = new TreeMap<String, Head>();
        if (!Files.exists(file)) {
            return heads;
        }
        if (Files.size(file) > FILE_BYTES_MAX) {
            throw new IOException("it is longer than " + FILE_BYTES_MAX + " bytes");
        }
        try {
            JsonNode guests =
                    JsonMapper.shared().readTree(Files.readAllBytes(file)).path("guests");
            for (Map.Entry<String, JsonNode> guest : guests.properties()) {
                JsonNode head = guest.getValue();
                heads.put(
                        guest.getKey(),
                        new Head(
                                guest.getKey(),
                                head.required("number").longValue(),
                                head.required("id").stringValue(),
                                Instant.parse(head.required("seen").stringValue())));
            }
        } catch (JacksonException | java.time.DateTimeException | IllegalArgumentException e) {
            throw new IOException("it is not what Dray wrote; remove it, and nothing is remembered", e);
        }
        return heads;
    }

    private void write(Map<String, Head> heads) throws IOException {
        var json = OutcomeJson.object().put("version", 1);
        var guests = json.putObject("guests");
        for (Head head : heads.values()) {
            guests.putObject(head.name())
                    .put("number", head.number())
                    .put("id", head.id())
                    .put("seen", head.seen().toString());
        }
        Path fresh = file.resolveSibling(file.getFileName() + ".new");
        Files.write(fresh, JsonMapper.shared().writeValueAsBytes(json));
        try (var channel = FileChannel.open(fresh, StandardOpenOption.WRITE)) {
            channel.force(true);
        }
        Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    }

    /// One sentence for a head that is gone.
    static String sentence(Head head) {
        return head.name() + "@" + head.number() + " was the newest snapshot of its guest when this host saw it on "
                + head.seen() + ", and is gone: the repository was possibly set back";
    }

    /// What to do about heads that are gone.
    String whatToDo() {
        return "If snapshots were removed on purpose, remove " + file
                + "; else look for a newer copy of the repository, and find out who can write it";
    }
}
