package dev.dray.vmm.qemu;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// The shell that a QEMU before 8.2 writes to, with this test in QEMU's place: whoever writes there never meets a
/// broken
/// pipe.
@Timeout(60)
class DrainingPipeTest {
    /// More than all pipes on the way hold together.
    private static final int BYTES = 4 << 20;

    @TempDir
    Path directory = Path.of("/unset");

    /// Started as QEMU does it.
    private static Process shell(String uri) throws IOException {
        assertThat(uri).startsWith("exec:");
        return new ProcessBuilder("/bin/sh", "-c", uri.substring("exec:".length()))
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
    }

    private static void writeAll(Process shell) throws Exception {
        try (OutputStream out = shell.getOutputStream()) {
            out.write(new byte[BYTES]);
        }
        assertThat(shell.waitFor(30, TimeUnit.SECONDS)).isTrue();
        assertThat(shell.exitValue()).isZero();
    }

    @Test
    void handsOnEveryByteAndItsEnd() throws Exception {
        Path path = directory.resolve("it's a pipe");
        try (DrainingPipe pipe = DrainingPipe.at(path)) {
            Process shell = shell(pipe.uri());
            Thread writer = Thread.ofVirtual().start(() -> {
                try {
                    writeAll(shell);
                } catch (Exception e) {
                    throw new AssertionError(e);
                }
            });
            var chunk = ByteBuffer.allocate(1 << 20);
            long got = 0;
            for (int n = pipe.reading().read(chunk); n >= 0; n = pipe.reading().read(chunk.clear())) {
                got += n;
                pipe.leaveToQemu();
            }
            assertThat(got).isEqualTo(BYTES);
            writer.join();
            assertThat(shell.waitFor()).isZero();
        }
    }

    @Test
    void takesTheRestWhenNobodyReadsAnyMore() throws Exception {
        DrainingPipe pipe = DrainingPipe.at(directory.resolve("pipe"));
        Process shell = shell(pipe.uri());
        shell.getOutputStream().write(new byte[4096]);
        shell.getOutputStream().flush();
        assertThat(pipe.reading().read(ByteBuffer.allocate(1))).isEqualTo(1);
        pipe.close();
        writeAll(shell);
    }

    @Test
    void takesEverythingWhenThePipeIsGone() throws Exception {
        Path path = directory.resolve("pipe");
        String uri;
        try (DrainingPipe pipe = DrainingPipe.at(path)) {
            uri = pipe.uri();
        }
        Files.delete(path);
        Files.delete(directory);
        writeAll(shell(uri));
        Files.createDirectory(directory);
    }

    @Test
    void isOnlyForQemusThatHangTheirGuest() {
        assertThat(DrainingPipe.isNeededBy("7.2.22")).isTrue();
        assertThat(DrainingPipe.isNeededBy("8.1.5")).isTrue();
        assertThat(DrainingPipe.isNeededBy("8.2.0")).isFalse();
        assertThat(DrainingPipe.isNeededBy("10.0.2")).isFalse();
    }
}
