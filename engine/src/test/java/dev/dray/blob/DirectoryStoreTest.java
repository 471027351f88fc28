package dev.dray.blob;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.dray.error.DrayException;
import dev.dray.error.MachineException;
import dev.dray.error.UsageException;
import dev.dray.linux.Errno;
import dev.dray.linux.Fd;
import dev.dray.linux.NativeMemory;
import dev.dray.linux.OpenFile;
import dev.dray.linux.SysException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.FileSystems;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardWatchEventKinds;
import java.nio.file.WatchKey;
import java.nio.file.WatchService;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class DirectoryStoreTest extends BlobStoreContract {
    @TempDir
    Path temporary = Path.of("/unset");

    private Path root() {
        return temporary.resolve("repository");
    }

    @Override
    protected BlobStore create() throws Exception {
        return DirectoryStore.create(root());
    }

    @Test
    void laysObjectsOutAsDocumentedAndForTheirOwnerOnly() throws Exception {
        store().put("packs/0a1b", bytes(10, 1));
        store().put("keys/0a1b", bytes(10, 1));
        for (Path file : List.of(root().resolve("packs/0a/0a1b"), root().resolve("keys/0a1b"))) {
            assertThat(file).isRegularFile();
            assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
                    .isEqualTo("rw-------");
            assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file.getParent())))
                    .isEqualTo("rwx------");
        }
        assertThat(regularFiles()).hasSize(2);
    }

    @Test
    void makesDirectoriesAboveAndRefusesOnesThatAreInUse() throws Exception {
        DirectoryStore.create(temporary.resolve("a/b/c")).close();
        DirectoryStore.create(temporary.resolve("a/b/c")).close();
        assertThatThrownBy(() -> DirectoryStore.create(temporary.resolve("a")))
                .isInstanceOf(UsageException.class)
                .hasMessage("The directory " + temporary.resolve("a") + " is not empty");
        Path file = Files.writeString(temporary.resolve("file"), "x");
        assertThatThrownBy(() -> DirectoryStore.create(file))
                .isInstanceOf(UsageException.class)
                .hasMessage(file + " exists and is not a directory");
        assertThatThrownBy(() -> DirectoryStore.open(file))
                .isInstanceOf(UsageException.class)
                .hasMessage(file + " is not a directory");
        assertThatThrownBy(() -> DirectoryStore.open(temporary.resolve("nowhere")))
                .isInstanceOf(UsageException.class)
                .hasMessage("There is no directory " + temporary.resolve("nowhere"));
    }

    @Test
    void ignoresWhatACrashLeftBehindAndWhatOthersPutThere() throws Exception {
        store().put("packs/0a1b", bytes(10, 1));
        store().put("keys/1", bytes(10, 1));
        Path fanOut = root().resolve("packs/0a");
        Files.writeString(fanOut.resolve(".tmp-0123456789abcdef"), "half a pack");
        Files.writeString(fanOut.resolve("0b-in-the-wrong-place"), "x");
        Files.writeString(fanOut.resolve("0aUPPER"), "x");
        Files.writeString(root().resolve("packs/0a1c"), "one level too high");
        Files.createDirectory(root().resolve("packs/other"));
        Files.writeString(root().resolve("packs/other/0a"), "x");
        Files.writeString(root().resolve("keys/.tmp-1"), "x");
        Files.createDirectory(root().resolve("keys/2"));
        Files.createSymbolicLink(root().resolve("keys/3"), root().resolve("keys/1"));
        assertThat(list("packs")).containsOnlyKeys("packs/0a1b");
        assertThat(list("keys")).containsOnlyKeys("keys/1");
        store().put("packs/0a1c", bytes(20, 1));
        assertThat(whole("packs/0a1c").byteSize()).isEqualTo(20);
    }

    @Test
    void followsNoSymbolicLinkInsideTheRepository() throws Exception {
        Path outside = Files.createDirectory(temporary.resolve("outside"));
        Files.writeString(outside.resolve("1"), "secret");
        Files.createDirectory(outside.resolve("0a"));
        Files.writeString(outside.resolve("0a/0a1b"), "secret");
        store().put("keys/0", bytes(10, 1));
        store().put("packs/0b00", bytes(10, 1));
        Files.createSymbolicLink(root().resolve("kind"), outside);
        Files.createSymbolicLink(root().resolve("keys/1"), outside.resolve("1"));
        Files.createSymbolicLink(root().resolve("packs/0a"), outside.resolve("0a"));
        MemorySegment into = bytes(10, 1);
        for (String name : List.of("kind/1", "keys/1", "packs/0a1b")) {
            refuses(() -> store().read(name, 0, into));
            refuses(() -> store().size(name));
        }
        refuses(() -> store().put("kind/2", into));
        refuses(() -> store().put("packs/0a2b", into));
        refuses(() -> store().delete("kind/1"));
        assertThatThrownBy(() -> store().list("kind", entry -> {})).isInstanceOf(MachineException.class);
        assertThat(list("packs")).containsOnlyKeys("packs/0b00");
        store().delete("keys/1"); // the link, not what it names
        assertThat(outside.resolve("1")).hasContent("secret");
        assertThat(outside.resolve("0a")).isDirectoryContaining("glob:**/0a1b");
        try (var left = Files.list(outside)) {
            assertThat(left).hasSize(2);
        }
    }

    private static void refuses(ThrowingCallable call) {
        assertThatThrownBy(call).isInstanceOf(MachineException.class).hasMessageContaining("a symbolic link or");
    }

    @Test
    void isNotHeldUpByANamedPipe() throws Exception {
        store().put("keys/0", bytes(10, 1));
        Process made = new ProcessBuilder("mkfifo", root().resolve("keys/1").toString()).start();
        assertThat(made.waitFor()).isZero();
        refuses(() -> store().read("keys/1", 0, bytes(10, 1)));
        refuses(() -> store().size("keys/1"));
        assertThat(list("keys")).containsOnlyKeys("keys/0");
    }

    @Test
    void keepsABoundedNumberOfFilesOpen() throws Exception {
        DirectoryStore store = (DirectoryStore) store();
        for (int i = 0; i < OpenObjects.OPEN_COUNT_MAX + 50; i++) {
            String name = String.format("packs/%04x", i);
            store.put(name, bytes(10, i));
            assertThat(store.read(name, 0, bytes(10, 0))).isEqualTo(10);
        }
        assertThat(store.openCount()).isEqualTo(OpenObjects.OPEN_COUNT_MAX);
        assertThat(openFilesBelowRoot()).isLessThanOrEqualTo(OpenObjects.OPEN_COUNT_MAX + 1); // and the root
        store.close();
        store.close();
        assertThat(openFilesBelowRoot()).isZero();
        assertThatThrownBy(() -> store.read("packs/0000", 0, bytes(10, 0))).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> store.list("packs", entry -> {})).isInstanceOf(IllegalStateException.class);
    }

    private long openFilesBelowRoot() throws Exception {
        long count = 0;
        try (var fds = Files.newDirectoryStream(Path.of("/proc/self/fd"))) {
            for (Path fd : fds) {
                if (target(fd).startsWith(root())) {
                    count++;
                }
            }
        }
        return count;
    }

    /// Other threads close theirs meanwhile.
    private static Path target(Path fd) {
        try {
            return Files.readSymbolicLink(fd);
        } catch (IOException e) {
            return fd;
        }
    }

    @Test
    void saysThatTheDiskIsFullAndLeavesNothing() throws Exception {
        try (Mounted small = Mounted.mount(temporary.resolve("small"), "tmpfs", "size=6m");
                BlobStore store = DirectoryStore.create(temporary.resolve("small/repository"))) {
            MemorySegment pack = NativeMemory.map(4 << 20);
            MemorySegment object = bytes(3 << 20, 5); // not aligned: through the page cache
            try {
                store.put("packs/00", pack);
                for (MemorySegment more : List.of(pack, object)) {
                    assertThatThrownBy(() -> store.put("packs/01", more))
                            .isInstanceOf(MachineException.class)
                            .hasMessage("Could not write packs/01 (" + more.byteSize() + " bytes) in "
                                    + temporary.resolve("small/repository") + ": no space is left on the device")
                            .satisfies(e ->
                                    assertThat(((DrayException) e).whatToDo()).contains("Free space"));
                }
                assertThat(store.size("packs/01")).isEmpty();
                store.delete("packs/00");
                store.put("packs/01", pack);
                assertThat(store.size("packs/01")).contains(pack.byteSize());
            } finally {
                NativeMemory.unmap(pack);
            }
            assertThat(small).isNotNull();
        }
    }

    @Test
    void saysThatTheFileSystemIsReadOnly() throws Exception {
        try (Mounted mounted = Mounted.mount(temporary.resolve("mounted"), "tmpfs", "size=6m")) {
            Path place = temporary.resolve("mounted/repository");
            try (BlobStore store = DirectoryStore.create(place)) {
                store.put("keys/0", bytes(10, 1));
                mounted.remount("ro");
                for (String name : List.of("keys/1", "packs/00")) {
                    assertThatThrownBy(() -> store.put(name, bytes(10, 1)))
                            .isInstanceOf(MachineException.class)
                            .hasMessageContaining("in " + place + ": the file system is read-only");
                }
                assertThatThrownBy(() -> store.delete("keys/0"))
                        .isInstanceOf(MachineException.class)
                        .hasMessage("Could not delete keys/0 in " + place + ": the file system is read-only");
            }
            try (BlobStore again = DirectoryStore.open(place)) {
                assertThat(again.size("keys/0")).contains(10L);
            }
        }
    }

    @Test
    void writesThroughThePageCacheWhereThereIsNoOtherWay() throws Exception {
        try (Mounted mounted = Mounted.mount(temporary.resolve("mounted"), "ramfs", "mode=700");
                BlobStore store = DirectoryStore.create(temporary.resolve("mounted/repository"))) {
            Path file = Files.createFile(temporary.resolve("mounted/file"));
            try (Fd fd = OpenFile.open(file, OpenFile.O_WRONLY, 0)) {
                assertThatThrownBy(() -> OpenFile.setDirect(fd, true))
                        .isInstanceOfSatisfying(
                                SysException.class, e -> assertThat(e.errno()).isEqualTo(Errno.EINVAL));
            }
            MemorySegment pack = NativeMemory.map(2 << 20);
            pack.fill((byte) 7);
            store.put("packs/00", pack);
            assertThat(Files.size(temporary.resolve("mounted/repository/packs/00/00")))
                    .isEqualTo(2 << 20);
            NativeMemory.unmap(pack);
            assertThat(mounted).isNotNull();
        }
    }

    /// Whoever is killed in between leaves nothing that somebody would have to clean up.
    @Test
    void anObjectsFileHasNoNameBeforeItIsWhole() throws Exception {
        store().put("keys/0", bytes(10, 1));
        Assumptions.assumeTrue(hasUnnamedFiles(root()), "this file system knows no files without a name");
        try (WatchService watch = FileSystems.getDefault().newWatchService()) {
            root().resolve("keys").register(watch, StandardWatchEventKinds.ENTRY_CREATE);
            store().put("keys/1", bytes(10, 1));
            List<String> names = new ArrayList<>();
            while (!names.contains("1")) {
                WatchKey key = watch.poll(60, TimeUnit.SECONDS);
                assertThat(key).as("files made: %s", names).isNotNull();
                key.pollEvents().forEach(event -> names.add(String.valueOf(event.context())));
                key.reset();
            }
            assertThat(names).containsExactly("1");
        }
    }

    private static boolean hasUnnamedFiles(Path directory) {
        int flags = OpenFile.O_WRONLY | OpenFile.O_TMPFILE;
        try (Fd opened = OpenFile.open(directory, flags, 0600)) {
            return opened.number() >= 0;
        } catch (SysException e) {
            return false;
        }
    }

    /// The way for file systems that have no files without a name.
    @Test
    void namesAFileForAWhileWhereItMust() throws Exception {
        try (Fd directory = OpenFile.open(temporary, OpenFile.O_RDONLY, 0)) {
            ObjectFile.createNamed(directory, "object", bytes(10, 1));
            byte[] content = Files.readAllBytes(temporary.resolve("object"));
            assertThat(content).hasSize(10);
            assertThatThrownBy(() -> ObjectFile.createNamed(directory, "object", bytes(20, 2)))
                    .isInstanceOfSatisfying(
                            SysException.class, e -> assertThat(e.errno()).isEqualTo(Errno.EEXIST));
            assertThat(temporary.resolve("object")).hasBinaryContent(content);
            try (var files = Files.list(temporary).filter(Files::isRegularFile)) {
                assertThat(files).containsExactly(temporary.resolve("object"));
            }
        }
    }

    /// The way for file systems that cannot rename without replacing.
    @Test
    void linksWhereItCannotRename() throws Exception {
        try (Fd directory = OpenFile.open(temporary, OpenFile.O_RDONLY, 0)) {
            Files.writeString(temporary.resolve(".tmp-1"), "new");
            ObjectFile.renameByLink(directory, ".tmp-1", "object");
            assertThat(temporary.resolve("object")).hasContent("new");
            assertThat(temporary.resolve(".tmp-1")).doesNotExist();
            Files.writeString(temporary.resolve(".tmp-2"), "newer");
            assertThatThrownBy(() -> ObjectFile.renameByLink(directory, ".tmp-2", "object"))
                    .isInstanceOfSatisfying(
                            SysException.class, e -> assertThat(e.errno()).isEqualTo(Errno.EEXIST));
            assertThat(temporary.resolve("object")).hasContent("new");
        }
    }

    @Test
    void saysThatItMayNotWrite() throws Exception {
        Assumptions.assumeFalse(
                ProcessHandle.current().info().user().orElse("").equals("root"), "Root may write everywhere");
        store().put("keys/0", bytes(10, 1));
        Files.setPosixFilePermissions(root().resolve("keys"), PosixFilePermissions.fromString("r-x------"));
        assertThatThrownBy(() -> store().put("keys/1", bytes(10, 1)))
                .isInstanceOf(MachineException.class)
                .hasMessageContaining("permission denied");
    }

    @ParameterizedTest
    @CsvSource({
        "28, no space is left on the device",
        "122, the disk quota is used up",
        "30, the file system is read-only",
        "13, permission denied",
        "1, permission denied",
        "24, too many open files",
        "40, a symbolic link or another file stands where a directory or an object belongs",
        "5, the disk failed",
        "27, 'pwrite(x): EFBIG'",
        "71, 'pwrite(x): errno 71'",
    })
    void saysInOneSentenceWhatFailed(int errno, String sentence) {
        SysException cause = new SysException("pwrite", errno, "x");
        assertThat(StoreFailure.of("write", "keys/1", "/place", cause))
                .hasMessage("Could not write keys/1 in /place: " + sentence)
                .hasCause(cause);
    }

    /// What a process said it stored is there and whole after `kill -9`, and what is there is whole.
    @Test
    void isWholeAfterItsProcessWasKilled() throws Exception {
        for (int round = 0; round < 3; round++) {
            Path place = temporary.resolve("killed-" + round);
            Process process = new ProcessBuilder(
                            Path.of(System.getProperty("java.home"), "bin", "java")
                                    .toString(),
                            "--enable-native-access=ALL-UNNAMED",
                            "-XX:TieredStopAtLevel=1",
                            "-cp",
                            System.getProperty("java.class.path"),
                            Filler.class.getName(),
                            place.toString())
                    .redirectError(ProcessBuilder.Redirect.INHERIT)
                    .start();
            List<String> stored = new ArrayList<>();
            try (var lines = process.inputReader()) {
                for (int i = 0; i < 10 + 7 * round; i++) {
                    stored.add(lines.readLine());
                }
                process.toHandle().destroyForcibly(); // that of Process would close the stream
                lines.lines().forEach(stored::add);
                process.waitFor();
            }
            try (BlobStore store = DirectoryStore.open(place);
                    Arena arena = Arena.ofConfined()) {
                List<String> found = new ArrayList<>();
                store.list("packs", entry -> {
                    assertThat(entry.bytes()).isEqualTo(Filler.OBJECT_BYTES);
                    found.add(entry.name());
                });
                assertThat(stored).doesNotContainNull();
                assertThat(regularFiles(place))
                        .as("what is there, and nothing else")
                        .hasSameSizeAs(found);
                assertThat(found).containsAll(stored);
                MemorySegment into = arena.allocate(Filler.OBJECT_BYTES);
                for (String name : found) {
                    store.read(name, 0, into);
                    assertThat(into.toArray(JAVA_BYTE)).containsOnly(Filler.fill(name));
                }
            }
        }
    }

    /// A process that stores objects and says so, until it is killed.
    static final class Filler {
        static final int OBJECT_BYTES = 2 << 20;

        private Filler() {}

        static byte fill(String name) {
            return (byte) (name.hashCode() | 1);
        }

        public static void main(String[] args) throws Exception {
            MemorySegment memory = NativeMemory.map(OBJECT_BYTES);
            try (BlobStore store = DirectoryStore.create(Path.of(args[0]))) {
                for (int i = 0; i < 1000; i++) {
                    String name = String.format("packs/%04x", i);
                    memory.fill(fill(name));
                    store.put(name, memory);
                    System.out.println(name);
                }
            }
        }
    }

    private List<Path> regularFiles() throws Exception {
        return regularFiles(root());
    }

    private static List<Path> regularFiles(Path directory) throws Exception {
        List<Path> files = new ArrayList<>();
        Files.walkFileTree(directory, new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
                files.add(file);
                return FileVisitResult.CONTINUE;
            }
        });
        return files;
    }
}
