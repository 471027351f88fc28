package dev.dray.snapshot;

import dev.dray.error.DrayException;
import dev.dray.page.WorkingSet;
import dev.dray.seal.Aead;
import dev.dray.seal.KeySlots;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/// Tells what is in an object of a repository: what anyone can see, and with the repository's key what is
/// sealed. Of a damaged object it tells as much as can be read, and in the field `why` what stopped it.
public final class ObjectPrinter {
    /// Longest object of any kind.
    public static final int OBJECT_BYTES_MAX = Format.PACK_BYTES_MAX;

    /// Of frames, and of pages.
    private static final int FRAMES_LISTED_MAX = 10_000;

    private final byte[] bytes;
    private final String name;
    private final Optional<Repository> repository;
    private final ObjectNode json = JsonNodeFactory.instance.objectNode();

    private ObjectPrinter(byte[] bytes, String name, Optional<Repository> repository) {
        this.bytes = bytes;
        this.name = name;
        this.repository = repository;
    }

    /// Whether a file that begins and ends with these bytes can be an object.
    ///
    /// @param first its first 8 bytes or more
    /// @param last its last 48 bytes, fewer if it is shorter
    public static boolean recognizes(byte[] first, byte[] last) {
        return kind(first, 0).isPresent() || (last.length >= PackTrailer.BYTES && isPack(last));
    }

    private static boolean isPack(byte[] bytes) {
        return kind(bytes, bytes.length - PackTrailer.BYTES)
                .filter(kind -> kind == ObjectKind.PACK)
                .isPresent();
    }

    private static Optional<ObjectKind> kind(byte[] bytes, int at) {
        if (at < 0 || bytes.length < at + ObjectKind.MAGIC_BYTES) {
            return Optional.empty();
        }
        String magic = new String(bytes, at, ObjectKind.MAGIC_BYTES, StandardCharsets.ISO_8859_1);
        for (ObjectKind kind : ObjectKind.values()) {
            if (kind.text().equals(magic)) {
                return Optional.of(kind);
            }
        }
        return Optional.empty();
    }

    /// Describes an object.
    ///
    /// @param fileName the last part of its file's name, which is the last part of the object's name
    /// @param repository the repository that it belongs to, if its sealed parts are to be opened
    public static ObjectNode json(byte[] bytes, String fileName, Optional<Repository> repository) {
        Optional<ObjectKind> first = kind(bytes, 0).filter(kind -> kind != ObjectKind.PACK);
        ObjectKind kind = first.orElse(ObjectKind.PACK);
        String object = switch (kind) {
            case CONFIG -> ObjectName.CONFIG;
            case KEY_SLOT -> ObjectName.KEYS + "/" + fileName;
            case MANIFEST -> ObjectName.SNAPSHOTS + "/" + fileName;
            case SESSION -> ObjectName.SESSIONS + "/" + fileName;
            case WORKING_SET -> ObjectName.WORKING_SETS + "/" + fileName;
            case PACK -> ObjectName.PACKS + "/" + fileName;
        };
        ObjectPrinter printer = new ObjectPrinter(bytes, object, repository);
        printer.json.put("object", object).put("kind", kind.text()).put("bytes", bytes.length);
        try {
            if (kind == ObjectKind.PACK) {
                printer.pack();
            } else {
                printer.envelope(kind);
            }
        } catch (DrayException e) {
            printer.json.put("why", Findings.text(e));
        } catch (JacksonException e) {
            printer.json.put("why", "Object " + object + " is damaged: its JSON cannot be understood");
        }
        return printer.json;
    }

    private void envelope(ObjectKind kind) throws DrayException {
        Envelope envelope = Envelope.read(kind, name, bytes);
        json.put("version", Format.VERSION)
                .put("repository", ObjectName.hex(envelope.repository()))
                .put("clear_bytes", envelope.clear().length)
                .put("sealed_bytes", envelope.sealedBytes());
        if (kind == ObjectKind.KEY_SLOT) {
            int type = KeySlots.type(envelope.clear());
            json.put("slot_type", type == KeySlots.TYPE_KEY ? "key" : type == 2 ? "passphrase" : "type " + type);
        }
        if (kind == ObjectKind.CONFIG) {
            json.put("encrypted", envelope.clear().length == 0);
        }
        if (envelope.sealedBytes() == 0) {
            return;
        }
        if (repository.isEmpty()) {
            json.put("sealed", "not opened, for want of a key");
            return;
        }
        byte[] body =
                envelope.open(name, repository.get().idBytes(), repository.get().keys());
        if (kind == ObjectKind.MANIFEST) {
            Manifest manifest = ManifestParser.parse(body, name);
            int root = MemorySegment.ofArray(body).get(Format.U32, 0);
            String text = new String(body, Integer.BYTES, root, StandardCharsets.UTF_8);
            json.set("root", JsonMapper.shared().readTree(text));
            json.set("facts", manifest.facts());
        } else if (kind == ObjectKind.WORKING_SET) {
            workingSet(body);
        } else {
            json.set("sealed", JsonMapper.shared().readTree(body));
        }
    }

    private void workingSet(byte[] body) throws DrayException {
        Repository of = repository.orElseThrow();
        String id = ObjectName.numbered(name).map(ObjectName.Numbered::hex).orElse("");
        Snapshot snapshot = of.snapshots().stream()
                .filter(each -> each.id().equals(id))
                .findFirst()
                .orElse(null);
        if (snapshot == null) {
            json.put("sealed_pages", (body.length - WorkingSetCodec.HEADER_BYTES) / WorkingSetCodec.ENTRY_BYTES);
            return; // a leftover: what its numbers mean went with its snapshot
        }
        WorkingSet set = WorkingSetCodec.decode(body, snapshot.manifest().memory(), name);
        json.put("snapshot", snapshot.title()).put("pages", set.count());
        ArrayNode list = json.putArray("page_list");
        for (int i = 0; i < Math.min(set.count(), FRAMES_LISTED_MAX); i++) {
            list.addObject()
                    .put(
                            "region",
                            snapshot.manifest()
                                    .memory()
                                    .regions()
                                    .get(set.region(i))
                                    .name())
                    .put("page", set.page(i))
                    .put("after_us", set.afterMicros(i));
        }
    }

    private void pack() throws DrayException {
        if (bytes.length <= PackTrailer.BYTES || !isPack(bytes)) {
            throw Envelope.damaged(name, "it does not end with the trailer of a pack");
        }
        if (repository.isEmpty() || ObjectName.plain(name).isEmpty()) {
            json.put(
                    "sealed",
                    repository.isEmpty() ? "not opened, for want of a key" : "not opened: no pack has this name");
            return;
        }
        String hex = name.substring(ObjectName.PACKS.length() + 1);
        try (Arena arena = Arena.ofConfined();
                Aead aead = repository.get().keys().packAead(hex)) {
            MemorySegment memory = arena.allocate(bytes.length);
            MemorySegment.copy(bytes, 0, memory, Format.U8, 0, bytes.length);
            MemorySegment tail = memory.asSlice(bytes.length - (long) PackTrailer.BYTES);
            PackTrailer trailer = PackTrailer.read(tail, name, bytes.length, aead);
            json.put("version", Format.VERSION)
                    .put("directory_offset", trailer.directoryOffset())
                    .put("directory_bytes", trailer.directorySealedBytes())
                    .put("frames", trailer.frames());
            frames(memory, directory(memory, trailer, aead), aead);
        }
    }

    private PackDirectory directory(MemorySegment memory, PackTrailer trailer, Aead aead) throws DrayException {
        int offset = trailer.directoryOffset();
        MemorySegment entries = memory.asSlice(offset, trailer.directorySealedBytes());
        boolean authentic = aead.open(
                FrameKind.DIRECTORY.number,
                offset,
                MemorySegment.NULL,
                entries.address(),
                trailer.directorySealedBytes(),
                entries.address());
        if (!authentic) {
            throw Envelope.damaged(name, "its directory is not authentic");
        }
        return new PackDirectory(entries, trailer.frames()).check(name, offset);
    }

    private void frames(MemorySegment memory, PackDirectory directory, Aead aead) {
        ArrayNode list = json.putArray("frame_list");
        long damaged = 0;
        int offset = 0;
        for (int i = 0; i < directory.frames(); i++) {
            FrameKind kind = directory.kind(i);
            int sealed = directory.sealedBytes(i);
            long address = memory.address() + offset;
            boolean authentic = aead.open(directory.number(i), offset, MemorySegment.NULL, address, sealed, address);
            damaged += authentic ? 0 : 1;
            if (i < FRAMES_LISTED_MAX) {
                list.addObject()
                        .put("offset", offset)
                        .put("sealed_bytes", sealed)
                        .put("kind", kind == null ? "" : kind.name().toLowerCase(java.util.Locale.ROOT))
                        .put("compressed", directory.compressed(i))
                        .put("authentic", authentic);
            }
            offset += sealed;
        }
        if (damaged > 0) {
            json.put("why", "Object " + name + " is damaged: " + damaged + " of its frames are not authentic");
        }
    }
}
