package dev.dray;

import dev.dray.error.DrayException;
import dev.dray.error.MachineException;
import dev.dray.error.RefusedException;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.jspecify.annotations.Nullable;

/// One Dray at a time works on a VM: a lock that ends with the process that holds it.
final class VmLock implements AutoCloseable {
    private final FileChannel channel;

    private VmLock(FileChannel channel) {
        this.channel = channel;
    }

    static VmLock take(StateDirectory state, VmAddress vm) throws DrayException {
        Path file = state.directory("locks").resolve(VmJournal.fileName(vm));
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
            channel.close();
        } catch (IOException e) {
            // The lock ends with the process at the latest.
        }
    }
}
