package dev.dray.bench;

import dev.dray.machine.guest.Fill;
import dev.dray.testbed.RealQemu.Version;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/// How fast QEMU gives a stopped guest of 1 GiB away, over one connection and over several (multifd), to a reader that
/// throws everything away: the most that reading several connections could gain for a capture. Argument: QEMU.
public final class MultifdSource {
    private static final long MEMORY_BYTES = 1L << 30;
    private static final int[] CHANNELS = {0, 1, 2, 4};
    private static final int READ_BYTES = 1 << 20;

    private MultifdSource() {}

    public static void main(String[] args) throws Exception {
        Version version = Workplace.qemu(args, 0);
        Samples ms = new Samples("ms");
        Samples cpu = new Samples("ms");
        try (Workplace at = Workplace.make();
                Guest guest = Guest.start(version, MEMORY_BYTES, Guest.quiet(MEMORY_BYTES, Fill.HALF), at)) {
            guest.stop();
            System.out.println("QEMU as multifd source, 1 GiB, half");
            System.out.println(Host.line() + "; " + guest.version());
            for (int round = 0; round <= Workplace.rounds(); round++) {
                for (int channels : CHANNELS) {
                    long cpuBefore = guest.cpuMs();
                    double elapsed = migrate(guest, channels, at.file("migration"));
                    long cpuSpent = guest.cpuMs() - cpuBefore;
                    guest.standAgain();
                    if (round > 0) {
                        ms.add(title(channels), elapsed);
                        cpu.add(title(channels) + ": QEMU's processor time", (double) cpuSpent);
                    }
                }
            }
        }
        ms.print(title(0));
        cpu.print("");
    }

    private static String title(int channels) {
        return channels == 0 ? "one connection" : "multifd, " + channels + " channels";
    }

    private static double migrate(Guest guest, int channels, Path socket) throws Exception {
        Files.deleteIfExists(socket);
        guest.capability("multifd", channels > 0);
        if (channels > 0) {
            guest.qemu().qmp().execute("migrate-set-parameters", "{\"multifd-channels\": " + channels + "}");
        }
        try (var server = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            server.bind(UnixDomainSocketAddress.of(socket));
            Thread accepting = Thread.ofPlatform().start(() -> acceptAll(server, channels + 1));
            long from = System.nanoTime();
            guest.qemu().qmp().execute("migrate", "{\"uri\": \"unix:" + socket + "\"}");
            guest.awaitMigration("completed");
            double elapsed = (System.nanoTime() - from) / 1e6;
            accepting.join();
            return elapsed;
        } finally {
            guest.capability("multifd", false);
        }
    }

    private static void acceptAll(ServerSocketChannel server, int connections) {
        List<Thread> readers = new ArrayList<>();
        try {
            for (int i = 0; i < connections; i++) {
                SocketChannel connection = server.accept();
                readers.add(Thread.ofPlatform().start(() -> throwAway(connection)));
            }
            for (Thread reader : readers) {
                reader.join();
            }
        } catch (IOException | InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    private static void throwAway(SocketChannel connection) {
        ByteBuffer buffer = ByteBuffer.allocateDirect(READ_BYTES);
        try (connection) {
            while (connection.read(buffer) >= 0) {
                buffer.clear();
            }
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }
}
