package dev.dray.linux;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Each call once for real, and each of its failures that someone upstream tells apart.
class LinuxTest {
    @TempDir
    Path directory = Path.of("/unset");

    @Test
    void mapsAlignedZeroedMemory() {
        MemorySegment memory = NativeMemory.map(3 * 4096 + 1);
        try {
            assertThat(memory.address() % 4096).isZero();
            assertThat(memory.byteSize()).isEqualTo(3 * 4096 + 1);
            assertThat(NativeMemory.isZero(memory.address(), memory.byteSize())).isTrue();
            for (long offset : new long[] {0, 4095, 4096, 3 * 4096}) {
                memory.set(JAVA_BYTE, offset, (byte) 1);
                assertThat(NativeMemory.isZero(memory.address(), memory.byteSize()))
                        .isFalse();
                memory.set(JAVA_BYTE, offset, (byte) 0);
            }
            assertThat(NativeMemory.isZero(memory.address(), 0)).isTrue();
        } finally {
            NativeMemory.unmap(memory);
        }
        assertThatThrownBy(() -> NativeMemory.map(1L << 60))
                .isInstanceOf(OutOfMemoryError.class)
                .hasMessageContaining("ENOMEM");
    }

    @Test
    void makesAPipeWithANameForItsOwnerOnly() throws Exception {
        Path pipe = directory.resolve("pipe");
        Fifo.make(pipe, 0600);
        assertThat(Files.readAttributes(pipe, "unix:mode").get("mode")).isEqualTo(0010600); // S_IFIFO
        assertThatThrownBy(() -> Fifo.make(pipe, 0600))
                .isInstanceOfSatisfying(
                        SysException.class, e -> assertThat(e.errno()).isEqualTo(Errno.EEXIST));
    }

    @Test
    void copiesComparesAndZeroes() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment from = arena.allocateFrom("0123456789");
            MemorySegment to = arena.allocate(11);
            NativeMemory.copy(to.address(), from.address(), 11);
            assertThat(to.getString(0)).isEqualTo("0123456789");
            assertThat(NativeMemory.isEqual(to.address(), from.address(), 11)).isTrue();
            NativeMemory.zero(to.address() + 5, 6);
            assertThat(to.getString(0)).isEqualTo("01234");
            assertThat(NativeMemory.isEqual(to.address(), from.address(), 11)).isFalse();
            assertThat(NativeMemory.isEqual(to.address(), from.address(), 5)).isTrue();
        }
    }

    @Test
    void opensReadsWritesAndCutsFiles() throws Exception {
        Path file = directory.resolve("naïve file");
        try (Fd fd = OpenFile.open(file, OpenFile.O_RDWR | OpenFile.O_CREAT | OpenFile.O_EXCL, 0600);
                Arena arena = Arena.ofConfined()) {
            MemorySegment text = arena.allocateFrom(JAVA_BYTE, "hello".getBytes(StandardCharsets.UTF_8));
            FileIo.pwriteAll(fd, text.address(), 5, 3);
            FileIo.fdatasync(fd);
            FileIo.fsync(fd);
            MemorySegment into = arena.allocate(20);
            assertThat(FileIo.pread(fd, into.address(), 20, 4)).isEqualTo(4);
            assertThat(into.getString(0)).isEqualTo("ello");
            assertThat(FileIo.pread(fd, into.address(), 20, 8)).isZero();
            FileIo.ftruncate(fd, 5);
            assertThat(Statx.of(fd)).isEqualTo(new Statx(0100600, 5));
            assertThat(Statx.of(fd).isRegularFile()).isTrue();
        }
        assertThat(Files.size(file)).isEqualTo(5);
        fails(
                Errno.EEXIST,
                "open(" + file + "): EEXIST",
                () -> OpenFile.open(file, OpenFile.O_RDWR | OpenFile.O_CREAT | OpenFile.O_EXCL, 0600)
                        .close());
        fails(
                Errno.ENOENT,
                "open(/no/where): ENOENT",
                () -> OpenFile.open(Path.of("/no/where"), 0, 0).close());
    }

    @Test
    void saysWhichCallFailedOnWhat() throws Exception {
        Fd fd = OpenFile.open(directory, OpenFile.O_RDONLY | OpenFile.O_DIRECTORY, 0);
        int number = fd.number();
        fails(Errno.EISDIR, "pread(fd " + number + ", 1 bytes at 2): EISDIR", () -> FileIo.pread(fd, 0, 1, 2));
        fails(Errno.EBADF, "pwrite(fd " + number + ", 1 bytes at 2): EBADF", () -> FileIo.pwriteAll(fd, 0, 1, 2));
        fails(Errno.EINVAL, "ftruncate(fd " + number + ", 9 bytes): EINVAL", () -> FileIo.ftruncate(fd, 9));
        fd.close();
        fd.close();
        assertThatThrownBy(fd::number).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> FileIo.fsync(fd)).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> Fd.of(-1)).isInstanceOf(IllegalArgumentException.class);
        assertThat(Errno.name(9999)).isEqualTo("errno 9999");
    }

    @Test
    void changesDirectoriesByTheirDescriptor() throws Exception {
        try (Fd in = OpenFile.open(directory, OpenFile.O_RDONLY | OpenFile.O_DIRECTORY, 0)) {
            Directory.make(in, "sub", 0700);
            fails(Errno.EEXIST, "mkdir(sub): EEXIST", () -> Directory.make(in, "sub", 0700));
            assertThat(Statx.of(in, "sub").isDirectory()).isTrue();
            Files.writeString(directory.resolve("one"), "1");
            Files.writeString(directory.resolve("two"), "2");
            fails(Errno.EEXIST, "renameat2(one, two): EEXIST", () -> Directory.renameNoReplace(in, "one", "two"));
            Directory.renameNoReplace(in, "one", "three");
            Directory.link(in, "three", "four");
            fails(Errno.EEXIST, "link(three, two): EEXIST", () -> Directory.link(in, "three", "two"));
            Directory.unlink(in, "three");
            assertThat(directory.resolve("four")).hasContent("1");
            fails(Errno.ENOENT, "unlink(three): ENOENT", () -> Directory.unlink(in, "three"));
            Files.createSymbolicLink(directory.resolve("link"), Path.of("two"));
            assertThat(Statx.of(in, "link").isSymbolicLink()).isTrue();
            fails(
                    Errno.ELOOP,
                    "open(link): ELOOP",
                    () -> OpenFile.openAt(in, "link", OpenFile.O_NOFOLLOW, 0).close());
        }
    }

    @Test
    void sharesAMemfdThroughMappings() throws Exception {
        try (Fd fd = Memfd.create("dray-test", 2 << 20);
                Arena arena = Arena.ofConfined()) {
            assertThat(Statx.of(fd).bytes()).isEqualTo(2 << 20);
            long one = Mmap.mapShared(fd, 2 << 20);
            long other = Mmap.mapShared(fd, 2 << 20);
            MemorySegment value = arena.allocate(JAVA_LONG);
            value.set(JAVA_LONG, 0, 0x1234);
            NativeMemory.copy(one + (1 << 20), value.address(), 8);
            assertThat(NativeMemory.isEqual(other + (1 << 20), value.address(), 8))
                    .isTrue();
            Mmap.unmap(one, 2 << 20);
            Mmap.unmap(other, 2 << 20);
        }
        fails(Errno.EINVAL, "ftruncate", () -> Memfd.create("dray-test", -1).close());
        assertThatThrownBy(() -> Mmap.unmap(1, 1)).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void locksAgainstOthersUntilClosed() throws Exception {
        Path file = Files.createFile(directory.resolve("lock"));
        try (Fd one = OpenFile.open(file, OpenFile.O_RDWR, 0)) {
            Fd other = OpenFile.open(file, OpenFile.O_RDWR, 0);
            assertThat(FileIo.flockExclusiveNonBlocking(other)).isTrue();
            assertThat(FileIo.flockExclusiveNonBlocking(one)).isFalse();
            other.close();
            assertThat(FileIo.flockExclusiveNonBlocking(one)).isTrue();
        }
    }

    @Test
    void killsAGroupAndNotTheRest() throws Exception {
        // setsid makes the shell the leader of a group that the sleep is in too.
        Process process = new ProcessBuilder("setsid", "sh", "-c", "sleep 100 & echo $$; wait")
                .redirectErrorStream(true)
                .start();
        int group = Integer.parseInt(process.inputReader().readLine());
        Signals.killGroup(group, Signals.SIGKILL);
        // The pipe ends when the sleep, which has it too, is gone.
        assertThat(process.inputReader().readLine()).isNull();
        assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
        Signals.killGroup(group, Signals.SIGTERM); // nobody left: no error
        assertThatThrownBy(() -> Signals.killGroup(1, Signals.SIGTERM)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void fillsWithRandomBytes() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment one = arena.allocate(1000);
            MemorySegment other = arena.allocate(1000);
            GetRandom.fill(one);
            GetRandom.fill(other);
            assertThat(one.mismatch(other)).isBetween(0L, 7L);
            assertThat(NativeMemory.isZero(one.address() + 992, 8)).isFalse();
        }
    }

    /// In a process of its own, which asks the kernel what holds for it.
    @Test
    void leavesNoCore() throws Exception {
        Process process = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "--enable-native-access=ALL-UNNAMED",
                        "-XX:TieredStopAtLevel=1",
                        "-cp",
                        System.getProperty("java.class.path"),
                        Undumpable.class.getName())
                .redirectErrorStream(true)
                .start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(output).containsPattern("Max core file size +0 +0").doesNotContain("Exception");
        assertThat(process.waitFor()).isZero();
    }

    static final class Undumpable {
        private Undumpable() {}

        public static void main(String[] args) throws Exception {
            ProcessLimits.noCoreDumps();
            System.out.println(Files.readString(Path.of("/proc/thread-self/limits")));
        }
    }

    @Test
    void probesUserfaultfdWithoutLeavingItOpen() throws Exception {
        long before = openFiles();
        boolean permitted = Userfaultfd.permitted();
        assertThat(Userfaultfd.permitted()).isEqualTo(permitted);
        assertThat(openFiles()).isEqualTo(before);
        boolean root = ProcessHandle.current().info().user().orElse("").equals("root");
        boolean device = Files.isReadable(Path.of("/dev/userfaultfd")) && Files.isWritable(Path.of("/dev/userfaultfd"));
        if (root && device) {
            assertThat(permitted).isTrue();
        }
    }

    private static long openFiles() throws Exception {
        try (var fds = Files.list(Path.of("/proc/self/fd"))) {
            return fds.filter(Files::isSymbolicLink)
                    .map(LinuxTest::target)
                    .filter(target -> target.contains("userfaultfd"))
                    .count();
        }
    }

    private static String target(Path link) {
        try {
            return Files.readSymbolicLink(link).toString();
        } catch (IOException e) {
            return "";
        }
    }

    private interface Call {
        void run() throws Exception;
    }

    private static void fails(int errno, String message, Call call) {
        assertThatThrownBy(call::run)
                .hasMessageStartingWith(message)
                .isInstanceOfSatisfying(
                        SysException.class, e -> assertThat(e.errno()).isEqualTo(errno));
    }
}
