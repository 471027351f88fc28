package dev.dray.vmm.qemu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dray.testbed.RealQemu.Version;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// The process behind a control socket, here the test itself or a QEMU.
class QemuProcessTest {
    @Test
    void isFoundByAnAbsolutePath(@TempDir Path directory) throws Exception {
        Path socket = directory.resolve("qmp");
        try (var server = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            server.bind(UnixDomainSocketAddress.of(socket));
            var process = QemuProcess.listeningOn(socket);
            assertThat(process.pid()).contains(ProcessHandle.current().pid());
            assertThat(process.commandLine().getFirst()).endsWith("java");
            assertThat(process.confinement()).isEqualTo(Confinement.UNKNOWN); // it is no QEMU
        }
    }

    @Test
    void isFoundByTheRelativePathThatItWasGiven() throws Exception {
        Path directory = Files.createTempDirectory(Path.of("target"), "process");
        Path socket = directory.resolve("qmp");
        try (var server = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            server.bind(UnixDomainSocketAddress.of(socket));
            assertThat(QemuProcess.listeningOn(socket.toAbsolutePath()).pid())
                    .contains(ProcessHandle.current().pid());
            assertThat(QemuProcess.listeningOn(socket).pid())
                    .contains(ProcessHandle.current().pid());
        } finally {
            Files.delete(socket);
            Files.delete(directory);
        }
    }

    @Test
    void isNotAnotherOneWhoseSocketHasTheSameName(@TempDir Path directory) throws Exception {
        Path socket = Files.createDirectory(directory.resolve("one")).resolve("qmp");
        Path other =
                Files.createFile(Files.createDirectory(directory.resolve("two")).resolve("qmp"));
        try (var server = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            server.bind(UnixDomainSocketAddress.of(socket));
            assertThat(QemuProcess.listeningOn(other).pid()).isEmpty();
        }
    }

    @Test
    @Tag("vmm")
    void isFoundWhenItHasLeftTheDirectoryOfItsSocketAsADaemon(@TempDir Path directory) throws Exception {
        String qemu = Version.present().getFirst().binary().orElseThrow().toString();
        var command = List.of(
                qemu,
                "-M",
                "none",
                "-display",
                "none",
                "-daemonize",
                "-pidfile",
                "pid",
                "-qmp",
                "unix:qmp,server=on,wait=off");
        var builder = new ProcessBuilder(command).directory(directory.toFile());
        builder.environment().put("PWD", directory.toRealPath().toString()); // as a shell does
        assertThat(builder.start().waitFor()).isZero();
        long pid = Long.parseLong(Files.readString(directory.resolve("pid")).strip());
        try {
            var process = QemuProcess.listeningOn(directory.resolve("qmp"));
            assertThat(process.pid()).contains(pid);
            assertThat(process.commandLine()).contains("-daemonize");
        } finally {
            ProcessHandle.of(pid).ifPresent(ProcessHandle::destroyForcibly);
        }
    }
}
