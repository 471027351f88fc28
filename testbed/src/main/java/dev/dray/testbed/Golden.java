package dev.dray.testbed;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.GZIPInputStream;

/// Streams recorded from real VMMs, kept as resources. They are only added to, never recorded anew over old ones.
public final class Golden {
    private static final String QEMU = "/golden/qemu/";

    private Golden() {}

    /// A recorded migration.
    ///
    /// @param version of the QEMU that sent it: `7.2`, `10.0`, `11.1`
    /// @param mode `stop`, `live`, `background` or `multifd`
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
        }
        return List.copyOf(streams);
    }

    private static byte[] resource(String name) {
        try (var in = Golden.class.getResourceAsStream(name)) {
            if (in == null) {
                throw new IllegalStateException("no resource " + name);
            }
            return new GZIPInputStream(in).readAllBytes();
        } catch (IOException e) {
            throw new UncheckedIOException(name, e);
        }
    }
}
