package dev.dray.vmm.cloudhypervisor.wire;

import dev.dray.error.PeerException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.List;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.TokenStreamFactory;
import tools.jackson.core.json.JsonFactory;

/// A State document: a tree of `{"snapshots":{id:...},"snapshot_data":{"state":"<JSON as text>"}}`, kept and sent byte
/// for byte. Only which memory belongs to the guest is looked up in it, and never more of it held than that: it may be
/// as large as [WireLimits#STATE_BYTES_MAX], while the guest stands still.
public final class StateDocument {
    private static final String WHAT = "The VM's state";

    /// Where the text of a part's state is.
    private static final String TEXT = "snapshot_data.state";

    /// Where the memory manager's part is.
    private static final String MEMORY = "snapshots.memory-manager." + TEXT;

    /// Names are not kept: a peer could send millions.
    private static final JsonFactory JSON = JsonFactory.builder()
            .disable(TokenStreamFactory.Feature.CANONICALIZE_PROPERTY_NAMES)
            .build();

    private StateDocument() {}

    /// What the memory manager says, which is JSON again.
    public static InputStream memoryManager(byte[] document) throws PeerException {
        return text(document, MEMORY, "its memory manager");
    }

    /// What the VM itself says, which is JSON again.
    public static InputStream vm(byte[] document) throws PeerException {
        return text(document, TEXT, "the VM");
    }

    private static InputStream text(byte[] document, String path, String whose) throws PeerException {
        return JsonPlace.of(document, path, WHAT)
                .filter(place -> place.token() == JsonToken.VALUE_STRING)
                .orElseThrow(() -> Refusal.broken(WHAT + " has no state of " + whose))
                .text(document);
    }

    /// The ranges of memory that the snapshot covers. Memory outside of them, in a slot of virtio-mem that is not
    /// plugged, is not the guest's.
    public static List<MemoryRange> memoryRanges(byte[] document) throws PeerException {
        try (JsonParser parser = JSON.createParser(ObjectReadContext.empty(), memoryManager(document))) {
            List<MemoryRange> ranges = null;
            if (parser.nextToken() == JsonToken.START_OBJECT) {
                while (parser.nextToken() == JsonToken.PROPERTY_NAME) {
                    boolean isTable = parser.currentName().equals("memory_ranges");
                    JsonToken value = parser.nextToken();
                    if (isTable && value == JsonToken.START_OBJECT) {
                        ranges = table(parser);
                    } else {
                        parser.skipChildren();
                    }
                }
            }
            if (ranges == null || parser.nextToken() != null) {
                throw noTable();
            }
            return ranges;
        } catch (JacksonException e) {
            throw Refusal.broken(WHAT + " is no JSON: " + Json.fault(e));
        }
    }

    private static PeerException noTable() {
        return Refusal.broken(
                WHAT + " has no table of memory ranges, or one of more than " + WireLimits.DOCUMENT_RANGES_MAX);
    }

    /// A `MemoryRangeTable`: `{"data":[{"gpa":0,"length":4096}]}`.
    private static List<MemoryRange> table(JsonParser parser) throws PeerException {
        List<MemoryRange> ranges = null;
        while (parser.nextToken() == JsonToken.PROPERTY_NAME) {
            boolean isData = parser.currentName().equals("data");
            JsonToken value = parser.nextToken();
            if (isData && value == JsonToken.START_ARRAY) {
                ranges = new ArrayList<>();
                while (parser.nextToken() == JsonToken.START_OBJECT) {
                    if (ranges.size() == WireLimits.DOCUMENT_RANGES_MAX) {
                        throw noTable();
                    }
                    ranges.add(range(parser));
                }
                if (parser.currentToken() != JsonToken.END_ARRAY) {
                    throw noTable();
                }
            } else {
                parser.skipChildren();
            }
        }
        if (ranges == null) {
            throw noTable();
        }
        return ranges;
    }

    private static MemoryRange range(JsonParser parser) throws PeerException {
        long gpa = -1;
        long length = -1;
        while (parser.nextToken() == JsonToken.PROPERTY_NAME) {
            String name = parser.currentName();
            parser.nextToken();
            switch (name) {
                case "gpa" -> gpa = number(parser, name);
                case "length" -> length = number(parser, name);
                default -> parser.skipChildren();
            }
        }
        if (gpa < 0 || length < 0) {
            throw Refusal.broken(WHAT + " has a range of memory without an address or a length");
        }
        return new MemoryRange(gpa, length);
    }

    private static long number(JsonParser parser, String name) throws PeerException {
        if (parser.currentToken() != JsonToken.VALUE_NUMBER_INT
                || parser.getNumberType() == JsonParser.NumberType.BIG_INTEGER
                || parser.getLongValue() < 0) {
            throw Refusal.broken(WHAT + " has '" + name + "' that is no number from 0 to 2^63 - 1");
        }
        return parser.getLongValue();
    }
}
