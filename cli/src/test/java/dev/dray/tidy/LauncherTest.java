package dev.dray.tidy;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// `./dray` in a checkout with nothing in it, with a java that prints how it was called and a build that only
/// says so.
class LauncherTest {
    private static final String WAIT = "i=0; while [ $i -lt 6000 ]; do sleep 0.05; i=$((i + 1)); done";

    @TempDir
    private Path directory;

    private Path root = Path.of("");
    private Path jdk = Path.of("");

    @BeforeEach
    void makeACheckoutThatIsBuilt() throws IOException {
        root = Files.createDirectories(directory.resolve("check out"));
        for (String module : List.of("engine", "machine", "cli")) {
            Files.createDirectories(root.resolve(module).resolve("src/main"));
            Files.createFile(root.resolve(module).resolve("pom.xml"));
        }
        Files.createFile(root.resolve("pom.xml"));
        Files.createDirectories(root.resolve("tools"));
        Files.copy(Checkout.root().resolve("dray"), root.resolve("dray"));
        Files.copy(Checkout.root().resolve("tools/java.sh"), root.resolve("tools/java.sh"));
        Files.createFile(root.resolve("tools/Reframe.java"));
        script(root.resolve("tools/build"), "echo built");
        jdk = Files.createDirectories(directory.resolve("jdk"));
        Files.writeString(jdk.resolve("release"), "IMPLEMENTOR=\"nobody\"\nJAVA_VERSION=\"25.0.9\"\n");
        Files.createDirectories(jdk.resolve("bin"));
        script(jdk.resolve("bin/java"), "ulimit -c; for a; do echo \"$a\"; done");
        Files.createDirectories(root.resolve(".work/dist"));
        Files.createFile(root.resolve(".work/dist/stamp"));
        ageSources(-3600);
    }

    @Test
    void leavesNoDumpOfAProcessThatHoldsKeys() throws Exception {
        assertThat(dray("list").lines())
                .startsWith("0") // ulimit -c
                .contains(
                        "-XX:-HeapDumpOnOutOfMemoryError",
                        "-XX:-CreateCoredumpOnCrash",
                        "-XX:+DisableAttachMechanism",
                        "-DZstdNativePath=" + root + "/.work/dist/native/libzstd-jni.so");
    }

    @Test
    void tellsShortCommandsFromDataMovers() throws Exception {
        assertThat(dray("list", "--repo", "r").lines()).contains("-XX:TieredStopAtLevel=1", "-Xmx256m");
        assertThat(dray("--json", "capture", "list").lines())
                .contains("-Xmx192m")
                .noneMatch("-Xmx256m"::equals);
    }

    /// Pages are compared in Java there, while the guest stands still.
    @Test
    void compilesWellWhatACaptureFromCloudHypervisorNeeds() throws Exception {
        for (String[] words :
                new String[][] {{"capture", "ch:/run/a.sock", "--repo", "r"}, {"receive", "--repo", "r"}}) {
            assertThat(dray(words).lines())
                    .contains("-Xmx192m", "-XX:-AOTReplayTraining") // what C1 alone has learned keeps C2 out
                    .noneMatch("-XX:TieredStopAtLevel=1"::equals);
        }
    }

    /// What comes over TCP in clear is only stored: compilers would take more of the cores than their code gives back.
    @Test
    void compilesLittleForAGuestThatComesAsAStream() throws Exception {
        assertThat(dray("receive", "--listen", "tcp:127.0.0.1:9000", "--plaintext", "--repo", "r")
                        .lines())
                .contains("-Xmx192m")
                .noneMatch("-XX:-AOTReplayTraining"::equals);
    }

    /// C2 would be at work just when the guest is to take its first step.
    @Test
    void compilesLittleForAGuestThatIsRestoredLazily() throws Exception {
        assertThat(dray("restore", "web1", "--into", "ch:/run/a.sock").lines()).contains("-XX:-AOTReplayTraining");
        for (String command : List.of("restore", "send")) {
            assertThat(dray(command, "web1", "--lazy").lines())
                    .contains("-Xmx192m")
                    .noneMatch("-XX:-AOTReplayTraining"::equals);
        }
    }

    /// TLS is Java's, which compiled by C1 stays slow for ever.
    @Test
    void compilesWellWhereThereIsTls() throws Exception {
        for (String directory : List.of("--tls-dir d", "--tls-dir=d")) {
            String[] words = ("send web1 --lazy --connect tcp:h:1 " + directory).split(" ", -1);
            assertThat(dray(words).lines())
                    .contains("-XX:-AOTReplayTraining")
                    .noneMatch("-XX:TieredStopAtLevel=1"::equals)
                    .anyMatch(line -> line.startsWith("-Ddray.launcher="));
        }
    }

    @Test
    void aLazyRestoreEndsAsJavaDoes() throws Exception {
        assertThat(dray("restore", "web1", "--lazy", "--x=$y", "two words").lines())
                .anyMatch(line -> line.matches("-Ddray.launcher=[0-9]+"))
                .endsWith("dev.dray.cli.Main", "restore", "web1", "--lazy", "--x=$y", "two words");
        assertThat(dray("restore", "web1").lines()).noneMatch(line -> line.startsWith("-Ddray.launcher"));
        assertThat(dray("list", "--lazy").lines()).noneMatch(line -> line.startsWith("-Ddray.launcher"));
        script(jdk.resolve("bin/java"), "read line; echo \"$line\"; exit 7");
        assertThat(dray("send", "web1", "--lazy").lines()).containsExactly("", "exit 7");
    }

    @ParameterizedTest
    @CsvSource({"INT, 130", "TERM, 143"})
    void aLazyRestoreThatIsStoppedEndsWithJava(String signal, int code) throws Exception {
        Path ready = directory.resolve("ready");
        Path end = directory.resolve("end");
        script(jdk.resolve("bin/java"), "trap 'echo > " + end + "; exit 143' TERM; echo > " + ready + "; " + WAIT);
        Process process = lazy();
        try {
            awaitFile(ready);
            kill(process, signal);
            assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
            assertThat(end).exists();
            assertThat(process.exitValue()).isEqualTo(code);
        } finally {
            process.destroyForcibly();
        }
    }

    @ParameterizedTest
    @CsvSource({"INT, 130", "TERM, 143"})
    void aLazyRestoreWhoseGuestRunsIsLeftToJava(String signal, int code) throws Exception {
        Path ready = directory.resolve("ready");
        Path go = directory.resolve("go");
        Path served = directory.resolve("served");
        script(
                jdk.resolve("bin/java"),
                "for a; do case $a in -Ddray.launcher=*) launcher=${a#*=} ;; esac; done; trap 'kill -USR1 $launcher'"
                        + " TERM; echo > " + ready + "; i=0; while [ ! -e " + go
                        + " ] && [ $i -lt 6000 ]; do sleep 0.05;"
                        + " i=$((i + 1)); done; echo > " + served);
        Process process = lazy();
        try {
            awaitFile(ready);
            kill(process, signal);
            assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
            assertThat(process.exitValue()).isEqualTo(code);
            assertThat(served).doesNotExist();
        } finally {
            process.destroyForcibly();
            Files.createFile(go);
        }
        awaitFile(served);
    }

    /// Whoever runs the tests may ignore SIGINT, as shells do for their background jobs; the launcher must not.
    private Process lazy() throws IOException {
        var builder = new ProcessBuilder(
                "env", "--default-signal=INT", root.resolve("dray").toString(), "restore", "web1", "--lazy");
        builder.environment().put("DRAY_JAVA_HOME", jdk.toString());
        return builder.redirectErrorStream(true)
                .redirectOutput(directory.resolve("output").toFile())
                .start();
    }

    private static void kill(Process process, String signal) throws Exception {
        new ProcessBuilder("kill", "-" + signal, Long.toString(process.pid()))
                .start()
                .waitFor();
    }

    private static void awaitFile(Path file) throws InterruptedException {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
        while (!Files.exists(file)) {
            assertThat(System.nanoTime() - end).as("waiting for %s", file).isNegative();
            Thread.sleep(10);
        }
    }

    @Test
    void handsArgumentsOnAsTheyAre() throws Exception {
        assertThat(dray("show", "", "two words", "*", "--x=$y").lines())
                .endsWith("dev.dray.cli.Main", "show", "", "two words", "*", "--x=$y");
    }

    @Test
    void findsItsCheckoutThroughLinks() throws Exception {
        Files.createSymbolicLink(directory.resolve("one"), Path.of("check out/dray"));
        Files.createDirectories(directory.resolve("bin"));
        Files.createSymbolicLink(directory.resolve("bin/dray"), Path.of("../one"));
        assertThat(run(directory, Map.of(), directory.resolve("bin/dray").toString())
                        .lines())
                .contains("-Ddray.home=" + root.toRealPath());
        assertThat(run(directory.resolve("bin"), Map.of(), "./dray").lines())
                .contains("-Ddray.home=" + root.toRealPath());
    }

    /// cron, systemd and a host that lacks the user's locale leave it at C, in which Java can open no name beyond
    /// ASCII.
    @ParameterizedTest
    @CsvSource({
        "'', '', C.UTF-8",
        "C, '', C.UTF-8",
        "POSIX, de_DE.UTF-8, C.UTF-8",
        "'', de_DE.utf8, C.UTF-8",
        "'', de_DE.ISO-8859-1, ''",
        "ru_RU.KOI8-R, C, ru_RU.KOI8-R",
    })
    void readsNamesAsUtf8UnlessTheUsersAreOfAnotherEncoding(String all, String lang, String expected) throws Exception {
        script(jdk.resolve("bin/java"), "echo \"<${LC_ALL:-}>\"");
        String launcher = root.resolve("dray").toString();
        assertThat(run(directory, Map.of("LC_ALL", all, "LC_CTYPE", "", "LANG", lang), launcher, "list"))
                .isEqualTo("<" + expected + ">\n");
    }

    @Test
    void buildsOnlyWhenASourceIsNewer() throws Exception {
        assertThat(dray("list").lines()).doesNotContain("built");
        ageSources(3600);
        assertThat(dray("list").lines()).contains("built");
    }

    @Test
    void saysWhatToDoAboutAWrongJdk() throws Exception {
        Files.writeString(jdk.resolve("release"), "JAVA_VERSION=\"17.0.9\"\n");
        assertThat(dray("list").lines())
                .containsExactly(
                        "dray: DRAY_JAVA_HOME is " + jdk + ", which is not a JDK 25; point it at one, or unset it",
                        "exit 1");
    }

    private void ageSources(int seconds) throws IOException {
        try (Stream<Path> files = Files.walk(root)) {
            for (Path file : files.filter(f -> !f.toString().contains(".work")).toList()) {
                Files.setLastModifiedTime(file, FileTime.from(Instant.now().plusSeconds(seconds)));
            }
        }
    }

    private String dray(String... arguments) throws Exception {
        String[] command = Stream.concat(Stream.of(root.resolve("dray").toString()), Stream.of(arguments))
                .toArray(String[]::new);
        return run(directory, Map.of(), command);
    }

    /// Everything that was printed, and how it ended if that was not well.
    private String run(Path from, Map<String, String> environment, String... command) throws Exception {
        var builder = new ProcessBuilder(command).directory(from.toFile()).redirectErrorStream(true);
        builder.environment().put("DRAY_JAVA_HOME", jdk.toString());
        builder.environment().putAll(environment);
        Process process = builder.start();
        process.getOutputStream().close();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        int code = process.waitFor();
        return code == 0 ? output : output + "exit " + code + "\n";
    }

    private static void script(Path file, String text) throws IOException {
        Files.writeString(file, "#!/bin/sh\n" + text + "\n");
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
    }
}
