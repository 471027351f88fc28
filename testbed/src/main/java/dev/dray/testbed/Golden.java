package dev.dray.testbed;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.GZIPInputStream;

/// Streams recorded from real VMMs, kept as resources. They are only added to, never recorded anew over old
/// ones.
public final class Golden {
    private static final String QEMU = "/golden/qemu/";

    private Golden() {}

    /// A recorded migration.
    ///
    /// @param version of the QEMU that sent it: `7.2`, `10.0`, `11.1`
    /// @param mode `stop`, `live`, `background`, `multifd` or `virtio-mem`
    /// @param channels further connections besides the main one
    public record QemuStream(String version, String mode, int channels) {
        /// The main connection's bytes.
        public byte[] main() {
            return resource(QEMU + this + ".bin.gz");
        }

        /// The bytes of further connection `index`.
        public byte[] channel(int index) {
            return resource(QEMU + this + "-channel" + index + ".bin.gz");
        }

        /// A line of the recording's description: `qemu`, `command`, `memory-sha256`.
        public String fact(String name) {
            return text(QEMU + this + ".txt")
                    .lines()
                    .filter(line -> line.startsWith(name + ": "))
                    .map(line -> line.substring(name.length() + 2))
                    .findFirst()
                    .orElseThrow();
        }

        @Override
        public String toString() {
            return version + "-" + mode;
        }
    }

    /// Every recorded QEMU stream.
    public static List<QemuStream> qemuStreams() {
        var streams = new ArrayList<QemuStream>();
        for (String version : List.of("7.2", "10.0", "11.1")) {
            streams.add(new QemuStream(version, "stop", 0));
            streams.add(new QemuStream(version, "live", 0));
            streams.add(new QemuStream(version, "background", 0));
            streams.add(new QemuStream(version, "multifd", 2));
            if (!version.equals("7.2")) {
                streams.add(new QemuStream(version, "virtio-mem", 0));
            }
        }
        return List.copyOf(streams);
    }

    private static byte[] resource(String name) {
        try (var in = new GZIPInputStream(open(name))) {
            return in.readAllBytes();
        } catch (IOException e) {
            throw new UncheckedIOException(name, e);
        }
    }

    private static String text(String name) {
        try (var in = open(name)) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(name, e);
        }
    }

    private static InputStream open(String name) {
        InputStream in = Golden.class.getResourceAsStream(name);
        if (in == null) {
            throw new IllegalStateException("no resource " + name);
        }
        return in;
    }
}
