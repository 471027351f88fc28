package dev.dray;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.dray.memory.GuestMemoryMap;
import dev.dray.memory.MemoryRegion;
import dev.dray.page.PageBatch;
import dev.dray.page.PageDestination;
import dev.dray.snapshot.Publication;
import dev.dray.snapshot.Snapshot;
import dev.dray.snapshot.WriterOptions;
import dev.dray.state.MachineState;
import dev.dray.vmm.RestoreReport;
import dev.dray.vmm.Whereabouts;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.node.JsonNodeFactory;

/// What can be asked of a repository without a VM.
class RepositoryOperationsTest {
    @TempDir
    private Path temp = Path.of("");

    private Path place() {
        return temp.resolve("repository");
    }

    private RepositoryAccess access(KeySource key) {
        return new RepositoryAccess(place().toString(), key);
    }

    private RepositoryAccess withKeyFile() {
        return access(new KeySource.KeyFileAt(temp.resolve("key")));
    }

    private static KeySource passphrase(String text) {
        return new KeySource.PassphraseFrom("a test", text::toCharArray);
    }

    private Initialized init() throws OperationException {
        return new Init(withKeyFile(), true, Init.Dedup.REPOSITORY).run(Progress.none());
    }

    private static Verified verify(RepositoryAccess access, String... expected) throws OperationException {
        return new Verify(access, List.of(), new Verify.Depth.Data(), List.of(expected)).run(Progress.none());
    }

    /// A snapshot of a guest with one page of content.
    private Snapshot capture(RepositoryAccess access, String name, String content) throws Exception {
        try (var repository = RepositoryOpener.open(access, Progress.none());
                var writer = repository.writer(WriterOptions.of(name))) {
            PageDestination to =
                    writer.pages(new GuestMemoryMap(List.of(new MemoryRegion("pc.ram", 1 << 20, 4096, List.of()))));
            PageBatch batch = to.take();
            batch.clear();
            batch.slab().asSlice(0, 4096).fill((byte) 7);
            batch.slab().setString(0, content);
            batch.add(0, 5, batch.slab().address());
            to.submit(batch);
            var facts = JsonNodeFactory.instance.objectNode().put("machine", "pc-i440fx-7.2");
            facts.putArray("command_line").add("qemu").add("-M").add("pc");
            var state = new TreeMap<String, byte[]>();
            state.put("devices", new byte[10]);
            return writer.publish(new Publication(
                    Instant.parse("2026-11-21T09:00:00Z"),
                    "stop",
                    "qemu 7.2.22",
                    new TreeMap<>(),
                    new MachineState("qemu", state),
                    facts));
        }
    }

    @Test
    void makesARepositoryAndItsKeyFile() throws Exception {
        Initialized made = init();
        assertThat(made.encrypted()).isTrue();
        assertThat(made.keyFileMade()).contains(temp.resolve("key").toString());
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(temp.resolve("key"))))
                .isEqualTo("rw-------");
        assertThat(new ListSnapshots(withKeyFile()).run(Progress.none()).snapshots())
                .isEmpty();
    }

    private static RestoreWish wish(String snapshot, RepositoryAccess from, Path copy) {
        return new RestoreWish(
                snapshot,
                from,
                Optional.of(copy.toString()),
                false,
                new TreeMap<>(),
                new Restore.DisksCheck.Nothing(),
                new RestoreMemory.Eager(),
                new TreeMap<>(),
                false);
    }

    private static RestoreReport report() {
        return new RestoreReport("", Whereabouts.RUNNING, 0, 0, 0, List.of(), Optional.empty());
    }

    private Path copied() throws IOException {
        Path copy = temp.resolve("copy");
        try (var files = Files.walk(place())) {
            for (Path file : files.toList()) {
                Files.copy(file, copy.resolve(place().relativize(file).toString()));
            }
        }
        return copy;
    }

    /// The older snapshot of the same name must not be restored instead.
    @Test
    void aSnapshotWhoseManifestIsDamagedIsFoundInTheCopy() throws Exception {
        init();
        capture(withKeyFile(), "web", "first");
        Snapshot newest = capture(withKeyFile(), "web", "second");
        Path copy = copied();
        try (var files = Files.walk(place())) {
            for (Path manifest : files.filter(file -> file.toString().contains("snapshots/" + newest.id()))
                    .toList()) {
                Files.write(manifest, new byte[] {1, 2, 3});
            }
        }
        for (String spec : List.of("web", newest.id(), "web@2")) {
            var watch = new ProgressWatch(Progress.none());
            try (var source = RestoreSource.open(wish(spec, withKeyFile(), copy), Progress.none(), watch)) {
                assertThat(source.image().state().parts()).containsKey("devices");
                assertThat(source.restored(report(), 0, 0).snapshot()).isEqualTo(newest.id());
                assertThat(watch.warnings()).hasSize(1).first().asString().contains("looked up in the copy in " + copy);
            }
        }
    }

    @Test
    void aRepositoryThatCannotBeOpenedIsReplacedByItsCopy() throws Exception {
        init();
        Snapshot only = capture(withKeyFile(), "web", "first");
        Path copy = copied();
        try (var files = Files.walk(place().resolve("config"))) {
            for (Path config : files.filter(Files::isRegularFile).toList()) {
                Files.write(config, new byte[] {1, 2, 3});
            }
        }
        var watch = new ProgressWatch(Progress.none());
        try (var source = RestoreSource.open(wish("web", withKeyFile(), copy), Progress.none(), watch)) {
            assertThat(source.restored(report(), 0, 0).snapshot()).isEqualTo(only.id());
        }
    }

    @Test
    void usesAKeyFileThatIsThere() throws Exception {
        init();
        RepositoryAccess other = new RepositoryAccess(
                temp.resolve("other").toString(), withKeyFile().key());
        assertThat(new Init(other, true, Init.Dedup.GUEST).run(Progress.none()).keyFileMade())
                .isEmpty();
        assertThat(new ListSnapshots(other).run(Progress.none()).snapshots()).isEmpty();
    }

    @Test
    void refusesAKeyFileInsideTheRepository() throws Exception {
        Path link = Files.createSymbolicLink(temp.resolve("link"), temp);
        for (Path file : List.of(place().resolve("key"), link.resolve("repository/sub/key"))) {
            var init = new Init(access(new KeySource.KeyFileAt(file)), true, Init.Dedup.REPOSITORY);
            assertThatThrownBy(() -> init.run(Progress.none()))
                    .hasMessage("The key file " + file + " lies inside the repository that it locks");
        }
        assertThat(place()).doesNotExist();
    }

    @Test
    void refusesASecondRepositoryInOnePlaceAndMakesNoKeyForIt() throws Exception {
        init();
        var again = new Init(access(new KeySource.KeyFileAt(temp.resolve("key2"))), true, Init.Dedup.REPOSITORY);
        assertThatThrownBy(() -> again.run(Progress.none())).hasMessage(place() + " is a repository already");
        assertThat(temp.resolve("key2")).doesNotExist();
    }

    @Test
    void refusesADirectoryWithOtherThings() throws Exception {
        Files.createDirectories(place().resolve("photos"));
        assertThatThrownBy(this::init).hasMessage("The directory " + place() + " is not empty");
        assertThat(temp.resolve("key")).doesNotExist();
    }

    @Test
    void opensWithAPassphraseACommandOrWhenAsked() throws Exception {
        new Init(access(passphrase("correct horse")), true, Init.Dedup.REPOSITORY).run(Progress.none());
        assertThat(new ListSnapshots(access(passphrase("correct horse")))
                        .run(Progress.none())
                        .snapshots())
                .isEmpty();
        var ask = new KeySource.Ask("correct horse"::toCharArray);
        assertThat(new ListSnapshots(access(ask)).run(Progress.none()).snapshots())
                .isEmpty();
        assertThatThrownBy(() -> new ListSnapshots(access(passphrase("wrong"))).run(Progress.none()))
                .isInstanceOf(OperationException.class)
                .hasMessage("The passphrase does not open " + place())
                .extracting(e -> ((OperationException) e).outcome().kind())
                .isEqualTo(FailureKind.KEY);
    }

    @Test
    void takesTheKeyFromACommand() throws Exception {
        init();
        var command = new KeySource.KeyCommand("cat '" + temp.resolve("key") + "'");
        assertThat(new ListSnapshots(access(command)).run(Progress.none()).snapshots())
                .isEmpty();
        var wrong = new KeySource.KeyCommand("echo hello");
        assertThatThrownBy(() -> new ListSnapshots(access(wrong)).run(Progress.none()))
                .hasMessage("No key in the output of the key command: it does not start with DRAY-KEY-1");
    }

    @Test
    void saysWhichWaysThereAreToAKey() throws Exception {
        init();
        assertThatThrownBy(() -> new ListSnapshots(access(KeySource.none())).run(Progress.none()))
                .hasMessage("The repository " + place() + " is encrypted, and no key was given")
                .extracting(e -> ((OperationException) e).failure().whatToDo())
                .isEqualTo("Give --key-file F (or DRAY_KEY_FILE), --key-command CMD, or --passphrase-file F"
                        + " (or DRAY_PASSPHRASE)");
    }

    @Test
    void asksNobodyForTheKeyOfARepositoryWithoutEncryption() throws Exception {
        new Init(access(KeySource.none()), false, Init.Dedup.REPOSITORY).run(Progress.none());
        var ask = new KeySource.Ask(() -> {
            throw new AssertionError("asked");
        });
        assertThat(new ListSnapshots(access(ask)).run(Progress.none()).snapshots())
                .isEmpty();
        assertThatThrownBy(() -> new ListSnapshots(access(passphrase("p"))).run(Progress.none()))
                .hasMessage(place() + " is not encrypted, and a key was given: somebody may have replaced its"
                        + " configuration");
    }

    @Test
    void listsAndShows() throws Exception {
        init();
        Snapshot first = capture(withKeyFile(), "web1", "a");
        capture(withKeyFile(), "web1", "b");
        Listed listed = new ListSnapshots(withKeyFile()).run(Progress.none());
        assertThat(listed.snapshots())
                .extracting(e -> e.name() + "@" + e.number())
                .containsExactly("web1@1", "web1@2");
        Shown shown = new Show("web1@1", withKeyFile()).run(Progress.none());
        assertThat(shown.description().path("snapshot").stringValue()).isEqualTo(first.id());
        assertThat(shown.json().propertyNames())
                .containsExactly(
                        "outcome",
                        "snapshot",
                        "name",
                        "number",
                        "taken",
                        "vmm",
                        "mode",
                        "memory_bytes",
                        "zero_bytes",
                        "absent_bytes",
                        "read_bytes",
                        "stored_bytes",
                        "added_bytes",
                        "manifest_bytes",
                        "labels",
                        "regions",
                        "state",
                        "facts",
                        "command",
                        "next");
        assertThat(shown.command()).containsExactly("qemu", "-M", "pc-i440fx-7.2", "-incoming", "defer");
        assertThatThrownBy(() -> new Show("db", withKeyFile()).run(Progress.none()))
                .hasMessage("There is no snapshot of db in " + place())
                .extracting(e -> ((OperationException) e).outcome().exitCode())
                .isEqualTo(ExitCode.USAGE);
    }

    @Test
    void verifiesAndFindsARepositoryThatWasSetBack() throws Exception {
        init();
        capture(withKeyFile(), "web1", "a");
        assertThat(verify(withKeyFile()).problems()).isEmpty();
        Path copy = temp.resolve("copy");
        copy(place(), copy);
        Snapshot second = capture(withKeyFile(), "web1", "b");
        assertThat(verify(withKeyFile(), second.id()).problems()).isEmpty();

        remove(place());
        copy(copy, place());
        Verified verified = verify(withKeyFile());
        assertThat(verified.exitCode()).isEqualTo(ExitCode.CORRUPT);
        assertThat(verified.problems()).singleElement().satisfies(problem -> {
            assertThat(problem.name()).isEqualTo("web1@2");
            assertThat(problem.message())
                    .startsWith("web1@2 was the newest snapshot of its guest when this host saw it on 20")
                    .endsWith(", and is gone: the repository was possibly set back");
        });
        assertThat(verified.whatToDo()).startsWith("If snapshots were removed on purpose, remove /");
        assertThat(verify(withKeyFile()).problems()).as("it is said every time").hasSize(1);

        var warnings = new ArrayList<String>();
        for (int i = 0; i < 2; i++) {
            Snapshot later = capture(withKeyFile(), "web1", "c" + i);
            try (var open = RepositoryOpener.open(withKeyFile(), Progress.none())) {
                RememberedHeads.remember(open, later, warningsInto(warnings));
            }
        }
        assertThat(warnings).hasSize(2).allSatisfy(text -> assertThat(text).contains("web1@2", "possibly set back"));
        assertThat(verify(withKeyFile()).problems())
                .as("later captures do not hide it")
                .hasSize(1);
    }

    private static Progress warningsInto(List<String> warnings) {
        return new Progress() {
            @Override
            public void phase(String name) {}

            @Override
            public void bytes(long done, long total) {}

            @Override
            public void warning(String text) {
                warnings.add(text);
            }

            @Override
            public boolean cancelled() {
                return false;
            }
        };
    }

    @Test
    void missesASnapshotThatIsExpected() throws Exception {
        init();
        Snapshot one = capture(withKeyFile(), "web1", "a");
        assertThat(verify(withKeyFile(), one.id().substring(0, 8)).problems()).isEmpty();
        assertThat(verify(withKeyFile(), "00112233").message())
                .isEqualTo("The snapshot 00112233 was expected and is not here; snapshot 00112233");
        assertThatThrownBy(() -> verify(withKeyFile(), "web1")).hasMessage("--expect 'web1' is not a snapshot's id");
    }

    @Test
    void namesDamageByObjectSnapshotAndAddress() throws Exception {
        init();
        Snapshot snapshot = capture(withKeyFile(), "web1", "a");
        Path pack = largest(place().resolve("packs"));
        byte[] bytes = Files.readAllBytes(pack);
        bytes[3] ^= 1;
        Files.setPosixFilePermissions(pack, PosixFilePermissions.fromString("rw-------"));
        Files.write(pack, bytes);
        Verified verified = verify(withKeyFile());
        assertThat(verified.outcome()).isEqualTo("failed");
        assertThat(verified.problems()).isNotEmpty().allSatisfy(problem -> {
            assertThat(problem.object()).isEqualTo("packs/" + pack.getFileName());
            assertThat(problem.snapshot()).isEqualTo(snapshot.id());
            assertThat(problem.name()).isEqualTo("web1@1");
        });
        Inspected inspected = inspect(pack.toString(), InputStream.nullInputStream());
        assertThat(inspected.exitCode()).isEqualTo(ExitCode.CORRUPT);
        assertThat(inspected.damage().orElseThrow()).contains("are not authentic");
        assertThat(inspected.json().path("kind").stringValue()).isEqualTo("corrupt");
        assertThat(inspected.json().path("format").stringValue()).isEqualTo("DRAYPACK");
    }

    @Test
    void listsWhatCanBeReadBesidesADamagedManifest() throws Exception {
        init();
        capture(withKeyFile(), "web1", "a");
        Path manifest = largest(place().resolve("snapshots"));
        byte[] bytes = Files.readAllBytes(manifest);
        bytes[bytes.length - 1] ^= 1;
        Files.setPosixFilePermissions(manifest, PosixFilePermissions.fromString("rw-------"));
        Files.write(manifest, bytes);
        capture(withKeyFile(), "db", "b");
        Listed listed = new ListSnapshots(withKeyFile()).run(Progress.none());
        assertThat(listed.snapshots()).extracting(Listed.Entry::name).containsExactly("db");
        assertThat(listed.damaged()).singleElement().asString().contains("snapshots/" + manifest.getFileName());
    }

    private Inspected inspect(String file, InputStream in) throws OperationException {
        return new Inspect(file, in, Optional.empty(), withKeyFile().key()).run(Progress.none());
    }

    @Test
    void inspectsObjectsWithAndWithoutTheKey() throws Exception {
        init();
        capture(withKeyFile(), "web1", "a");
        for (String kind : List.of("config", "keys", "packs", "snapshots")) {
            Path object = largest(place().resolve(kind));
            Inspected opened = inspect(object.toString(), InputStream.nullInputStream());
            assertThat(opened.damage()).isEmpty();
            assertThat(opened.json().path("sealed").asString("")).doesNotContain("for want of a key");
            var closed =
                    new Inspect(object.toString(), InputStream.nullInputStream(), Optional.empty(), KeySource.none());
            assertThat(closed.run(Progress.none()).exitCode()).isEqualTo(ExitCode.DONE);
        }
    }

    @Test
    void saysOfAStreamUpToWhereItCanBeRead() throws Exception {
        byte[] stream = "QEVM\0\0\0\3\u0007\0\0\0\3pc".getBytes(StandardCharsets.ISO_8859_1);
        Inspected inspected = inspect("-", new ByteArrayInputStream(stream));
        assertThat(inspected.exitCode()).isEqualTo(ExitCode.CORRUPT);
        assertThat(inspected.json().path("outcome").stringValue()).isEqualTo("failed");
        assertThat(inspected.json().path("items").get(0).path("item").stringValue())
                .isEqualTo("header");
        assertThat(inspected.damage().orElseThrow()).startsWith("- cannot be read beyond byte ");
    }

    @Test
    void saysOfAKeyFileWhetherItIsWholeAndNothingOfTheKey() throws Exception {
        init();
        Path file = temp.resolve("key");
        Inspected whole = inspect(file.toString(), InputStream.nullInputStream());
        assertThat(whole.json().toString())
                .isEqualTo(
                        "{\"outcome\":\"inspected\",\"file\":\"" + file + "\",\"format\":\"DRAY-KEY-1\",\"bytes\":85}");
        Files.writeString(file, Files.readString(file).replaceFirst("[0-9a-f]\n", "g\n"));
        Inspected mistyped = inspect(file.toString(), InputStream.nullInputStream());
        assertThat(mistyped.exitCode()).isEqualTo(ExitCode.CORRUPT);
        assertThat(mistyped.damage())
                .contains("No key in " + file + ": it has characters that are not hexadecimal digits");
    }

    @Test
    void refusesToInspectWhatNobodyKnows() {
        assertThatThrownBy(() -> inspect("-", new ByteArrayInputStream(new byte[] {127, 'E', 'L', 'F'})))
                .hasMessage("Standard input is nothing that Dray knows: it begins with 7f454c46");
        assertThatThrownBy(() -> inspect("-", InputStream.nullInputStream()))
                .hasMessage("Standard input is nothing that Dray knows: it is empty");
        assertThatThrownBy(() -> inspect(temp + "/none", InputStream.nullInputStream()))
                .hasMessage("There is no file " + temp + "/none");
    }

    private static Path largest(Path directory) throws IOException {
        try (var files = Files.walk(directory)) {
            return files.filter(Files::isRegularFile)
                    .max(Comparator.comparingLong(file -> file.toFile().length()))
                    .orElseThrow();
        }
    }

    private static void copy(Path from, Path to) throws IOException {
        try (var files = Files.walk(from)) {
            for (Path file : files.toList()) {
                Files.copy(file, to.resolve(from.relativize(file).toString()));
            }
        }
    }

    private static void remove(Path directory) throws IOException {
        try (var files = Files.walk(directory)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        }
    }
}
