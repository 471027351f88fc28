package dev.dray;

import dev.dray.error.DrayException;
import dev.dray.error.MachineException;
import dev.dray.error.RefusedException;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Optional;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/// One Dray at a time works on a VM: a lock that ends with the process that holds it.
final class VmLock implements AutoCloseable {
    private final @Nullable FileChannel channel;

    private VmLock(@Nullable FileChannel channel) {
        this.channel = channel;
    }

    /// Locks the VM as the user named it, before anything is asked of it.
    static VmLock take(StateDirectory state, VmAddress vm) throws DrayException {
        return take(state, vm, VmJournal.fileName(vm));
    }

    /// Locks the machine itself, which may have several control sockets.
    ///
    /// @param identity [dev.dray.vmm.VirtualMachine#identity()]; without one this locks nothing more
    static VmLock take(StateDirectory state, VmAddress vm, Optional<String> identity) throws DrayException {
        return identity.isEmpty()
                ? new VmLock(null)
                : take(state, vm, UUID.nameUUIDFromBytes(identity.get().getBytes(StandardCharsets.UTF_8)) + ".machine");
    }

    private static VmLock take(StateDirectory state, VmAddress vm, String fileName) throws DrayException {
        Path file = state.directory("locks").resolve(fileName);
        try {
            var channel = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
            if (lock(channel) == null) {
                channel.close();
                throw new RefusedException("Another Dray is at work on " + vm, "wait until it has ended");
            }
            return new VmLock(channel);
        } catch (IOException e) {
            throw new MachineException(
                    "The lock file " + file + " cannot be used: " + e.getMessage(),
                    "make the state directory writable, or set XDG_STATE_HOME",
                    e);
        }
    }

    private static @Nullable FileLock lock(FileChannel channel) throws IOException {
        try {
            return channel.tryLock();
        } catch (OverlappingFileLockException e) {
            return null; // held by this very process
        }
    }

    @Override
    public void close() {
        try {
            if (channel != null) {
                channel.close();
            }
        } catch (IOException e) {
            // The lock ends with the process at the latest.
        }
    }
}
