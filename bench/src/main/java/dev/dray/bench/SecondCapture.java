package dev.dray.bench;

import com.github.luben.zstd.ZstdCompressCtx;
import dev.dray.machine.guest.Fill;
import dev.dray.machine.guest.GuestReport;
import dev.dray.machine.guest.Parameters;
import dev.dray.machine.guest.Thoroughness;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;

/// What a second capture adds after every twentieth page was changed, beside those pages compressed alike: found by
/// comparing two dumps of the guest's memory, made by QEMU. Argument: QEMU.
public final class SecondCapture {
    private static final long MEMORY_BYTES = 512L << 20;
    private static final int PAGE_BYTES = 4096;
    private static final int CHUNK_BYTES = 1 << 20;
    private static final int LEVEL = -1;
    private static final Duration PATIENCE = Duration.ofMinutes(3);

    private SecondCapture() {}

    public static void main(String[] args) throws Exception {
        Parameters parameters = Parameters.ofMemory(MEMORY_BYTES)
                .with(Fill.HALF)
                .with(Thoroughness.ONE_BLOCK_A_PASS)
                .withScatteredFromPass(1);
        try (Workplace at = Workplace.make();
                Guest guest = Guest.start(Workplace.qemu(args, 0), MEMORY_BYTES, parameters, at)) {
            System.out.println("second capture after every twentieth page was changed, 512 MiB, half");
            System.out.println(Host.line() + "; " + guest.version());
            Path repository = at.file("repository");
            var dray = new DrayCommand(at);
            dray.init(repository);
            passes(guest, 2);
            guest.stop();
            Path before = dump(guest, at.file("before"));
            DrayCommand.Run first = dray.capture(guest.qemu().qmpSocket(), repository);
            guest.qemu().qmp().execute("cont");
            passes(guest, 2);
            guest.stop();
            Path after = dump(guest, at.file("after"));
            DrayCommand.Run second = dray.capture(guest.qemu().qmpSocket(), repository);
            Changed changed = Changed.between(before, after);
            double mib = 1 << 20;
            System.out.printf("pages changed              %10d  (%.2f %%)%n", changed.pages, changed.percent());
            System.out.printf("changed, compressed alike  %10.2f MiB%n", changed.compressedBytes / mib);
            System.out.printf("first capture, added       %10.2f MiB%n", first.bytes("added_bytes") / mib);
            System.out.printf(
                    "second capture, added      %10.2f MiB  ratio %.3f%n",
                    second.bytes("added_bytes") / mib, second.bytes("added_bytes") / (double) changed.compressedBytes);
        }
    }

    /// Waits for so many more passes: after two, each page that is to change has changed.
    private static void passes(Guest guest, int more) throws IOException, InterruptedException {
        long now = GuestReport.read(guest.qemu().serialLog()).passes();
        GuestReport report = GuestReport.awaitPasses(guest.qemu().serialLog(), now + more, PATIENCE);
        if (!report.isClean() || report.passes() < now + more) {
            throw new IOException("the guest: " + report);
        }
    }

    private static Path dump(Guest guest, Path file) throws IOException {
        guest.qemu()
                .qmp()
                .execute("pmemsave", "{\"val\": 0, \"size\": " + MEMORY_BYTES + ", \"filename\": \"" + file + "\"}");
        return file;
    }

    /// Pages that differ.
    ///
    /// @param compressedBytes of the later ones, each by itself, as it is if that does not make it smaller
    private record Changed(long pages, long compressedBytes) {
        static Changed between(Path before, Path after) throws IOException {
            long pages = 0;
            long bytes = 0;
            ByteBuffer old = ByteBuffer.allocateDirect(CHUNK_BYTES);
            ByteBuffer now = ByteBuffer.allocateDirect(CHUNK_BYTES);
            ByteBuffer into = ByteBuffer.allocateDirect(2 * PAGE_BYTES);
            try (FileChannel one = FileChannel.open(before);
                    FileChannel two = FileChannel.open(after);
                    ZstdCompressCtx zstd = new ZstdCompressCtx().setLevel(LEVEL)) {
                while (fill(one, old) && fill(two, now)) {
                    for (int at = 0; at < CHUNK_BYTES; at += PAGE_BYTES) {
                        if (!old.slice(at, PAGE_BYTES).equals(now.slice(at, PAGE_BYTES))) {
                            pages++;
                            int small = zstd.compressDirectByteBuffer(into, 0, into.capacity(), now, at, PAGE_BYTES);
                            bytes += Math.min(small, PAGE_BYTES);
                        }
                    }
                }
            }
            Files.delete(before);
            Files.delete(after);
            return new Changed(pages, bytes);
        }

        private static boolean fill(FileChannel file, ByteBuffer buffer) throws IOException {
            buffer.clear();
            while (buffer.hasRemaining()) {
                if (file.read(buffer) < 0) {
                    return false;
                }
            }
            buffer.clear();
            return true;
        }

        double percent() {
            return 100.0 * pages * PAGE_BYTES / MEMORY_BYTES;
        }
    }
}
