package dev.dray.vmm.qemu;

import dev.dray.error.MachineException;
import dev.dray.linux.Fifo;
import dev.dray.linux.SysException;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// The way of a background snapshot's stream from a QEMU that must not lose its reader.
///
/// Before 8.2, a background snapshot that breaks off never lifts the write protection of guest memory: the guest hangs
/// at its next write while QEMU calls it running, and nothing but the end of QEMU helps. So such a QEMU does not write
/// to Dray itself but to a shell that it starts: there a `cat` hands the stream to a pipe of Dray's, and when nobody
/// reads that any more, because Dray gave up or was killed, another takes the rest and throws it away. The snapshot
/// then always completes. [CaptureChoice] says where this way is open.
final class DrainingPipe implements AutoCloseable {
    private static final Pattern VERSION = Pattern.compile("(\\d{1,4})\\.(\\d{1,4})\\.\\d{1,4}");

    private static final int OWNER_ONLY = 0600;

    private final Path path;

    /// Dray's own writing end: to open a pipe for reading waits for a writer, and until QEMU's has come that is Dray.
    private final FileChannel keeper;

    private final FileChannel reading;

    private DrainingPipe(Path path, FileChannel keeper, FileChannel reading) {
        this.path = path;
        this.keeper = keeper;
        this.reading = reading;
    }

    /// @param qemuVersion `7.2.22`
    static boolean isNeededBy(String qemuVersion) {
        Matcher version = VERSION.matcher(qemuVersion);
        if (!version.matches()) {
            return false;
        }
        int major = Integer.parseInt(version.group(1));
        return major < 8 || (major == 8 && Integer.parseInt(version.group(2)) < 2);
    }

    /// Makes the pipe and opens it.
    static DrainingPipe at(Path path) throws MachineException {
        try {
            Fifo.make(path, OWNER_ONLY);
            var keeper = FileChannel.open(path, StandardOpenOption.READ, StandardOpenOption.WRITE);
            return new DrainingPipe(path, keeper, FileChannel.open(path, StandardOpenOption.READ));
        } catch (IOException | SysException e) {
            throw new MachineException("No pipe can be made at " + path + ": " + e.getMessage(), "", e);
        }
    }

    /// The address as QEMU writes it. The inner shell opens the pipe both ways first, so that it never waits for a Dray
    /// that is already gone. Whatever goes wrong there, the last `cat` takes what QEMU writes.
    String uri() {
        String quoted = "'" + path.toString().replace("'", "'\\''") + "'";
        return "exec:(exec 4<>" + quoted + " 3>" + quoted + " 4<&-; exec cat >&3) 2>/dev/null; exec cat >/dev/null";
    }

    FileChannel reading() {
        return reading;
    }

    /// QEMU's side has the pipe open, or never will: its end is the stream's from now on.
    void leaveToQemu() throws IOException {
        keeper.close();
    }

    @Override
    public void close() throws IOException {
        keeper.close();
        reading.close();
    }
}
