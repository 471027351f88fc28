package dev.dray;

import dev.dray.error.MachineException;
import dev.dray.vmm.Journal;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Optional;
import java.util.UUID;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/// The journal of one VM: a small JSON file in the state directory, replaced as a whole.
final class VmJournal implements Journal {
    /// A journal holds some settings; whatever is larger is not one.
    private static final long BYTES_MAX = 1 << 20;

    private final Path file;

    private VmJournal(Path file) {
        this.file = file;
    }

    static VmJournal of(StateDirectory state, VmAddress vm) throws MachineException {
        return new VmJournal(state.directory("journal").resolve(fileName(vm)));
    }

    /// A file name for what is kept of a VM; the same for every way to write its socket's path.
    static String fileName(VmAddress vm) {
        Path socket = vm.socket().toAbsolutePath().normalize();
        try {
            socket = socket.toRealPath();
        } catch (IOException e) {
            // A socket that is not there: its path as it was given.
        }
        return UUID.nameUUIDFromBytes((vm.dialect().word() + ":" + socket).getBytes(StandardCharsets.UTF_8)) + ".json";
    }

    @Override
    public void write(ObjectNode entry) throws MachineException {
        Path fresh = file.resolveSibling(file.getFileName() + ".new");
        Work replacing = () -> {
            try (var channel = FileChannel.open(
                    fresh, StandardOpenOption.CREATE, StandardOpenOption.TRUNCATE_EXISTING, StandardOpenOption.WRITE)) {
                var bytes = ByteBuffer.wrap(entry.toString().getBytes(StandardCharsets.UTF_8));
                while (bytes.hasRemaining()) {
                    channel.write(bytes);
                }
                channel.force(true);
            }
            Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
            syncDirectory();
        };
        try {
            wholly(replacing);
        } catch (IOException e) {
            throw new MachineException(
                    "The journal " + file + " cannot be written: " + e.getMessage(),
                    "free space on its disk, or set XDG_STATE_HOME",
                    e);
        }
    }

    @Override
    public Optional<ObjectNode> pending() throws MachineException {
        try {
            if (!Files.exists(file)) {
                return Optional.empty();
            }
            if (Files.size(file) > BYTES_MAX) {
                throw new IOException("it has more than " + BYTES_MAX + " bytes");
            }
            return JsonMapper.shared().readTree(Files.readAllBytes(file)) instanceof ObjectNode entry
                    ? Optional.of(entry)
                    : Optional.empty();
        } catch (IOException | JacksonException e) {
            throw new MachineException(
                    "The journal " + file + " cannot be read: " + e.getMessage(),
                    "see with query-migrate-capabilities what is changed in the VM, then delete the file",
                    e);
        }
    }

    @Override
    public void clear() throws MachineException {
        try {
            wholly(() -> {
                Files.deleteIfExists(file);
                syncDirectory();
            });
        } catch (IOException e) {
            throw new MachineException("The journal " + file + " cannot be deleted: " + e.getMessage(), "", e);
        }
    }

    private interface Work {
        void run() throws IOException;
    }

    /// Does it although the user asks to stop: Java closes the file of a thread that is interrupted,
    /// and the journal is needed most while everything is put back. The interrupt is still there
    /// afterwards.
    private static void wholly(Work work) throws IOException {
        boolean interrupted = Thread.interrupted();
        try {
            while (true) {
                try {
                    work.run();
                    return;
                } catch (ClosedByInterruptException e) {
                    interrupted = Thread.interrupted();
                }
            }
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    private void syncDirectory() throws IOException {
        try (var directory = FileChannel.open(file.toAbsolutePath().getParent(), StandardOpenOption.READ)) {
            directory.force(true);
        }
    }
}
