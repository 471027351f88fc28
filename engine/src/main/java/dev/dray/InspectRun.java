package dev.dray;

import dev.dray.error.CorruptException;
import dev.dray.error.DrayException;
import dev.dray.error.InterruptedOperation;
import dev.dray.error.KeyException;
import dev.dray.error.MachineException;
import dev.dray.error.PeerException;
import dev.dray.error.RefusedException;
import dev.dray.error.UsageException;
import dev.dray.seal.KeyFile;
import dev.dray.snapshot.ObjectPrinter;
import dev.dray.snapshot.Repository;
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
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Optional;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// Carries out an [Inspect]: finds out what a file is, and lets the room that knows tell of it.
final class InspectRun {
    private static final int MAGIC_BYTES = 8;

    /// Enough for the trailer of a pack.
    private static final int TAIL_BYTES = 64;

    private static final int LEVELS_MAX = 2;

    /// More than the line of a key file.
    private static final int KEY_BYTES_MAX = 4096;

    private static final String QEMU_MAGIC = "QEVM";

    private InspectRun() {}

    static Inspected run(Inspect request, Progress progress) throws DrayException {
        try (var in = new PushbackInputStream(open(request), MAGIC_BYTES)) {
            byte[] magic = in.readNBytes(MAGIC_BYTES);
            in.unread(magic);
            if (new String(magic, StandardCharsets.ISO_8859_1).startsWith(QEMU_MAGIC)) {
                return stream(request.file(), in, progress);
            }
            if (KeyFile.recognizes(magic)) {
                return key(request.file(), in.readNBytes(KEY_BYTES_MAX));
            }
            byte[] bytes = in.readNBytes(ObjectPrinter.OBJECT_BYTES_MAX + 1);
            if (bytes.length <= ObjectPrinter.OBJECT_BYTES_MAX && isObject(request, bytes)) {
                return object(request, bytes, progress);
            }
            throw new UsageException(
                    (request.file().equals("-") ? "Standard input" : request.file())
                            + " is nothing that Dray knows: "
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

    /// Whether a key file is whole; what it holds is a secret.
    private static Inspected key(String file, byte[] bytes) {
        ObjectNode description = OutcomeJson.object()
                .put("file", file)
                .put("format", KeyFile.FORMAT)
                .put("bytes", bytes.length);
        try {
            var key = KeyFile.parse(new String(bytes, StandardCharsets.ISO_8859_1), file);
            Arrays.fill(key.key32(), (byte) 0);
            return new Inspected(description, Optional.empty(), Optional.empty());
        } catch (KeyException e) {
            return new Inspected(description, Optional.empty(), Optional.of(String.valueOf(e.getMessage())));
        } finally {
            Arrays.fill(bytes, (byte) 0);
        }
    }

    /// By its contents, or, for one whose magic is damaged, by where it lies.
    private static boolean isObject(Inspect request, byte[] bytes) {
        byte[] first = Arrays.copyOf(bytes, Math.min(bytes.length, MAGIC_BYTES));
        byte[] last = Arrays.copyOfRange(bytes, Math.max(0, bytes.length - TAIL_BYTES), bytes.length);
        return ObjectPrinter.recognizes(first, last)
                || (!request.file().equals("-") && home(Path.of(request.file())).isPresent());
    }

    private static Inspected object(Inspect request, byte[] bytes, Progress progress) throws DrayException {
        ObjectNode description = OutcomeJson.object().put("file", request.file());
        Path name = Path.of(request.file()).getFileName();
        try (var opened = new Opened(repository(request, progress))) {
            ObjectNode object = ObjectPrinter.json(bytes, name == null ? "" : name.toString(), opened.repository);
            JsonNode kind = object.remove("kind"); // in outcomes that word means whose fault a failure is
            description.set("format", kind);
            description.setAll(object);
        }
        Optional<String> damage =
                description.has("why") ? Optional.of(description.path("why").asString()) : Optional.empty();
        return new Inspected(description, Optional.empty(), damage);
    }

    /// The repository whose key opens the object; none if no key is given that could.
    private static Optional<Repository> repository(Inspect request, Progress progress) throws DrayException {
        Optional<String> place = request.place();
        if (place.isEmpty() && !request.file().equals("-")) {
            place = home(Path.of(request.file())).map(Path::toString);
        }
        if (place.isEmpty()) {
            return Optional.empty();
        }
        try {
            return Optional.of(RepositoryOpener.open(new RepositoryAccess(place.get(), request.key()), progress));
        } catch (KeyException | CorruptException | UsageException | RefusedException e) {
            if (request.place().isPresent() || (e instanceof KeyException && isKey(request.key()))) {
                throw e; // what was asked for explicitly must work
            }
            progress.detail("Sealed parts stay closed: " + e.getMessage());
            return Optional.empty();
        }
    }

    private static boolean isKey(KeySource key) {
        return !(key instanceof KeySource.None) && !(key instanceof KeySource.Ask);
    }

    /// The repository in whose directory a file lies: two levels up, or three for packs.
    private static Optional<Path> home(Path file) {
        Path parent = file.toAbsolutePath().normalize().getParent();
        for (int i = 0; i < LEVELS_MAX && parent != null; i++) {
            parent = parent.getParent();
            if (parent != null && Files.isRegularFile(parent.resolve("config").resolve("repository"))) {
                return Optional.of(parent);
            }
        }
        return Optional.empty();
    }

    private record Opened(Optional<Repository> repository) implements AutoCloseable {
        @Override
        public void close() {
            repository.ifPresent(Repository::close);
        }
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
