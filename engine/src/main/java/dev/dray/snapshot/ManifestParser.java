package dev.dray.snapshot;

import dev.dray.error.CorruptException;
import dev.dray.memory.GpaRange;
import dev.dray.memory.GuestMemoryMap;
import dev.dray.memory.MemoryRegion;
import dev.dray.memory.PageKind;
import dev.dray.state.MachineState;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.regex.Pattern;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;

/// Reads a manifest's body, as [ManifestWriter] writes it. Fields of the root that it does not know are
/// ignored: a field may be added where it is right to ignore it.
final class ManifestParser {
    private static final int LABELS_MAX = 1024;
    private static final int GPAS_MAX = 4096;
    private static final int STATE_PARTS_MAX = 1024;
    private static final Pattern PACK = Pattern.compile("[0-9a-f]{32}");

    private final JsonParser json;
    private final String object;

    private String name = "";
    private long number;
    private Instant taken = Instant.EPOCH;
    private String mode = "";
    private String vmm = "";
    private final SortedMap<String, String> labels = new TreeMap<>();
    private final List<MemoryRegion> regions = new ArrayList<>();
    private final List<List<TableRef>> tables = new ArrayList<>();
    private final long[] counters = new long[6];
    private String dialect = "";
    private final SortedMap<String, StatePart> state = new TreeMap<>();
    private List<FrameRef> packs = List.of();

    private ManifestParser(JsonParser json, String object) {
        this.json = json;
        this.object = object;
    }

    /// @param object the manifest's name, for messages
    static Manifest parse(byte[] body, String object) throws CorruptException {
        int rootBytes =
                body.length < Integer.BYTES ? -1 : MemorySegment.ofArray(body).get(Format.U32, 0);
        if (rootBytes < 0 || rootBytes > body.length - Integer.BYTES) {
            throw Envelope.damaged(
                    object,
                    "its body has " + body.length + " bytes and its root " + Integer.toUnsignedString(rootBytes));
        }
        int factsAt = Integer.BYTES + rootBytes;
        String facts = new String(body, factsAt, body.length - factsAt, StandardCharsets.UTF_8);
        try (JsonParser json =
                ManifestWriter.JSON.createParser(ObjectReadContext.empty(), body, Integer.BYTES, rootBytes)) {
            json.nextToken();
            return new ManifestParser(json, object).root(facts);
        } catch (JacksonException | DateTimeException | IllegalArgumentException e) {
            throw new CorruptException(
                    "Object " + object + " is damaged: its root cannot be understood",
                    "Run dray verify to see what depends on it",
                    e);
        }
    }

    /// One field of an object; returns false if it does not know it.
    private interface Field {
        boolean read(String field) throws CorruptException;
    }

    private void object(Field each) throws CorruptException {
        expect(JsonToken.START_OBJECT);
        while (json.nextToken() != JsonToken.END_OBJECT) {
            String field = json.currentName();
            json.nextToken();
            if (!each.read(field)) {
                json.skipChildren();
            }
        }
    }

    private interface Element {
        void read() throws CorruptException;
    }

    private void array(String what, int countMax, Element each) throws CorruptException {
        expect(JsonToken.START_ARRAY);
        for (int count = 0; json.nextToken() != JsonToken.END_ARRAY; count++) {
            if (count == countMax) {
                throw Envelope.damaged(object, "it has more than " + countMax + " " + what);
            }
            each.read();
        }
    }

    private void expect(JsonToken token) throws CorruptException {
        if (json.currentToken() != token) {
            throw Envelope.damaged(object, "its root has " + json.currentToken() + " where " + token + " is expected");
        }
    }

    private Manifest root(String facts) throws CorruptException {
        object(field -> {
            switch (field) {
                case "name" -> name = json.getString();
                case "number" -> number = json.getLongValue();
                case "taken" -> taken = Instant.parse(json.getString());
                case "mode" -> mode = json.getString();
                case "vmm" -> vmm = json.getString();
                case "labels" -> labels();
                case "regions" -> array("regions", GuestMemoryMap.REGIONS_MAX, this::region);
                case "counters" -> object(this::counter);
                case "dialect" -> dialect = json.getString();
                case "state" -> array("parts of state", STATE_PARTS_MAX, this::statePart);
                case "packs" -> packs = frames("pieces of its pack list");
                default -> {
                    return false;
                }
            }
            return true;
        });
        if (name.isEmpty() || number < 1) {
            throw Envelope.damaged(object, "its root has no name or number");
        }
        Counters all = new Counters(counters[0], counters[1], counters[2], counters[3], counters[4], counters[5]);
        GuestMemoryMap memory = new GuestMemoryMap(regions);
        return new Manifest(name, number, taken, mode, vmm, labels, memory, all, dialect, state, tables, packs, facts);
    }

    private void labels() throws CorruptException {
        object(label -> {
            if (labels.size() == LABELS_MAX) {
                throw Envelope.damaged(object, "it has more than " + LABELS_MAX + " labels");
            }
            labels.put(label, json.getString());
            return true;
        });
    }

    private boolean counter(String field) {
        int index = switch (field) {
            case "memory_bytes" -> 0;
            case "zero_bytes" -> 1;
            case "absent_bytes" -> 2;
            case "read_bytes" -> 3;
            case "stored_bytes" -> 4;
            case "added_bytes" -> 5;
            default -> -1;
        };
        if (index >= 0) {
            counters[index] = json.getLongValue();
        }
        return index >= 0;
    }

    private void region() throws CorruptException {
        String[] regionName = {""};
        long[] numbers = {-1, 0};
        List<GpaRange> gpas = new ArrayList<>();
        List<TableRef> table = new ArrayList<>();
        object(field -> {
            switch (field) {
                case "name" -> regionName[0] = json.getString();
                case "bytes" -> numbers[0] = json.getLongValue();
                case "page_bytes" -> numbers[1] = json.getLongValue();
                case "gpas" -> array("address ranges", GPAS_MAX, () -> gpas.add(gpa()));
                case "table" -> array("table roots", PageTables.ROOTS_MAX, () -> table.add(ref()));
                default -> {
                    return false;
                }
            }
            return true;
        });
        MemoryRegion region = new MemoryRegion(regionName[0], numbers[0], numbers[1], gpas);
        if (table.size() != PageTables.roots(region.pages())) {
            throw Envelope.damaged(
                    object,
                    "region " + region.name() + " of " + region.bytes() + " bytes has " + table.size()
                            + " table roots");
        }
        regions.add(region);
        tables.add(table);
    }

    private GpaRange gpa() throws CorruptException {
        long[] numbers = new long[3];
        int[] count = {0};
        array("numbers in an address range", 3, () -> numbers[count[0]++] = json.getLongValue());
        return new GpaRange(numbers[0], numbers[1], numbers[2]);
    }

    private void statePart() throws CorruptException {
        String[] part = {""};
        long[] bytes = {-1};
        List<FrameRef> frames = new ArrayList<>();
        object(field -> {
            switch (field) {
                case "part" -> part[0] = json.getString();
                case "bytes" -> bytes[0] = json.getLongValue();
                case "frames" -> frames.addAll(frames("pieces of state"));
                default -> {
                    return false;
                }
            }
            return true;
        });
        long sum = frames.stream().mapToLong(FrameRef::plainBytes).sum();
        if (bytes[0] != sum || sum > MachineState.PART_BYTES_MAX) {
            throw Envelope.damaged(object, "its part " + part[0] + " has " + bytes[0] + " bytes and its frames " + sum);
        }
        state.put(part[0], new StatePart(sum, frames));
    }

    private List<FrameRef> frames(String what) throws CorruptException {
        List<FrameRef> frames = new ArrayList<>();
        array(what, PageTables.FRAMES_MAX, () -> {
            if (!(ref() instanceof FrameRef frame)) {
                throw Envelope.damaged(object, "one of the " + what + " is not a frame");
            }
            frames.add(frame);
        });
        return frames;
    }

    private TableRef ref() throws CorruptException {
        if (json.currentToken() == JsonToken.VALUE_STRING) {
            return switch (json.getString()) {
                case "absent" -> new TableRef.Uniform(PageKind.ABSENT);
                case "zero" -> new TableRef.Uniform(PageKind.ZERO);
                case "removed" -> new TableRef.Uniform(PageKind.REMOVED);
                default -> throw Envelope.damaged(object, "it has a table root " + json.getString());
            };
        }
        expect(JsonToken.START_ARRAY);
        json.nextToken();
        String pack = json.getString();
        int[] numbers = new int[3];
        for (int i = 0; i < 3; i++) {
            json.nextToken();
            numbers[i] = json.getIntValue();
        }
        json.nextToken();
        boolean compressed = json.getBooleanValue();
        json.nextToken();
        expect(JsonToken.END_ARRAY);
        if (!PACK.matcher(pack).matches()) {
            throw Envelope.damaged(object, "it names a pack " + pack);
        }
        return NodeCodec.checked(new FrameRef(pack, numbers[0], numbers[1], numbers[2], compressed), object);
    }
}
