package dev.dray;

import dev.dray.error.DrayException;
import dev.dray.error.InterruptedOperation;
import dev.dray.error.MachineException;
import dev.dray.error.PeerException;
import dev.dray.error.UsageException;
import dev.dray.vmm.qemu.wire.ByteSource;
import dev.dray.vmm.qemu.wire.StreamLimits;
import dev.dray.vmm.qemu.wire.StreamPrinter;
import java.io.IOException;
import java.io.InputStream;
import java.io.PushbackInputStream;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.Optional;
import tools.jackson.databind.node.ObjectNode;

/// Carries out an [Inspect]: finds out what a file is, and lets the room that knows tell of it.
final class InspectRun {
    private static final int MAGIC_BYTES = 8;

    private static final String QEMU_MAGIC = "QEVM";

    private InspectRun() {}

    static Inspected run(Inspect request, Progress progress) throws DrayException {
        try (var in = new PushbackInputStream(open(request), MAGIC_BYTES)) {
            byte[] magic = in.readNBytes(MAGIC_BYTES);
            in.unread(magic);
            String text = new String(magic, StandardCharsets.ISO_8859_1);
            if (text.startsWith(QEMU_MAGIC)) {
                return stream(request.file(), in, progress);
            }
            throw new UsageException(
                    request.file() + " is nothing that Dray knows: "
                            + (magic.length == 0
                                    ? "it is empty"
                                    : "it begins with " + HexFormat.of().formatHex(magic)),
                    "Name a migration stream of QEMU, or an object of a repository");
        } catch (IOException e) {
            if (progress.cancelled()) {
                throw new InterruptedOperation("Stopped while " + request.file() + " was read", "", e);
            }
            throw new MachineException("Cannot read " + request.file() + ": " + e.getMessage(), "", e);
        }
    }

    private static InputStream open(Inspect request) throws UsageException, IOException {
        if (request.file().equals("-")) {
            return request.in();
        }
        Path file = Path.of(request.file());
        if (Files.isDirectory(file)) {
            throw new UsageException(file + " is a directory", "Name one of the files in it");
        }
        try {
            return Files.newInputStream(file);
        } catch (NoSuchFileException e) {
            throw new UsageException("There is no file " + file, "Name a file, or - for standard input", e);
        }
    }

    private static Inspected stream(String file, InputStream in, Progress progress) throws DrayException {
        ObjectNode json = new StreamPrinter(source(in), StreamLimits.DEFAULT).json();
        if (progress.cancelled()) {
            throw new InterruptedOperation("Stopped while " + file + " was read", "");
        }
        Optional<String> damage = json.has("why")
                ? Optional.of(file + " cannot be read beyond byte "
                        + json.path("stopped_at").asLong() + ": "
                        + json.path("why").asString())
                : Optional.empty();
        ObjectNode description = OutcomeJson.object().put("file", file);
        description.setAll(json);
        return new Inspected(description, Optional.of(StreamPrinter.text(json)), damage);
    }

    private static ByteSource source(InputStream in) {
        var buffer = new byte[1 << 16];
        return into -> {
            try {
                int n = in.read(buffer, 0, (int) Math.min(buffer.length, into.byteSize()));
                if (n > 0) {
                    MemorySegment.copy(buffer, 0, into, ValueLayout.JAVA_BYTE, 0, n);
                }
                return n;
            } catch (IOException e) {
                throw new PeerException("Reading failed: " + e.getMessage(), "", e);
            }
        };
    }
}
