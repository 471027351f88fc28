package dev.dray.snapshot;

import dev.dray.memory.GpaRange;
import dev.dray.memory.MemoryRegion;
import java.io.ByteArrayOutputStream;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.ObjectWriteContext;
import tools.jackson.core.json.JsonFactory;

/// Writes a manifest's body: the length of the root as u32, the root, the facts; root and facts are JSON
/// objects in UTF-8. Two documents, so that a listing need not parse the facts.
final class ManifestWriter {
    static final JsonFactory JSON = new JsonFactory();

    private ManifestWriter() {}

    static byte[] write(Manifest manifest) {
        ByteArrayOutputStream out = new ByteArrayOutputStream(4096);
        out.writeBytes(new byte[Integer.BYTES]);
        try (JsonGenerator json = JSON.createGenerator(ObjectWriteContext.empty(), out)) {
            root(json, manifest);
        }
        int rootBytes = out.size() - Integer.BYTES;
        out.writeBytes(manifest.factsJson().getBytes(StandardCharsets.UTF_8));
        byte[] body = out.toByteArray();
        MemorySegment.ofArray(body).set(Format.U32, 0, rootBytes);
        return body;
    }

    private static void root(JsonGenerator json, Manifest m) {
        json.writeStartObject();
        json.writeStringProperty("name", m.name());
        json.writeNumberProperty("number", m.number());
        json.writeStringProperty("taken", m.taken().toString());
        json.writeStringProperty("mode", m.mode());
        json.writeStringProperty("vmm", m.vmm());
        json.writeObjectPropertyStart("labels");
        for (Map.Entry<String, String> label : m.labels().entrySet()) {
            json.writeStringProperty(label.getKey(), label.getValue());
        }
        json.writeEndObject();
        json.writeArrayPropertyStart("regions");
        for (int i = 0; i < m.memory().regions().size(); i++) {
            region(json, m.memory().regions().get(i), m.tables().get(i));
        }
        json.writeEndArray();
        counters(json, m.counters());
        json.writeStringProperty("dialect", m.dialect());
        json.writeArrayPropertyStart("state");
        for (Map.Entry<String, StatePart> part : m.state().entrySet()) {
            json.writeStartObject();
            json.writeStringProperty("part", part.getKey());
            json.writeNumberProperty("bytes", part.getValue().bytes());
            refs(json, "frames", part.getValue().frames());
            json.writeEndObject();
        }
        json.writeEndArray();
        refs(json, "packs", m.packs());
        json.writeEndObject();
    }

    private static void region(JsonGenerator json, MemoryRegion region, List<TableRef> table) {
        json.writeStartObject();
        json.writeStringProperty("name", region.name());
        json.writeNumberProperty("bytes", region.bytes());
        json.writeNumberProperty("page_bytes", region.pageBytes());
        json.writeArrayPropertyStart("gpas");
        for (GpaRange range : region.gpas()) {
            json.writeStartArray();
            json.writeNumber(range.gpa());
            json.writeNumber(range.offset());
            json.writeNumber(range.bytes());
            json.writeEndArray();
        }
        json.writeEndArray();
        refs(json, "table", table);
        json.writeEndObject();
    }

    private static void counters(JsonGenerator json, Counters c) {
        json.writeObjectPropertyStart("counters");
        json.writeNumberProperty("memory_bytes", c.memoryBytes());
        json.writeNumberProperty("zero_bytes", c.zeroBytes());
        json.writeNumberProperty("absent_bytes", c.absentBytes());
        json.writeNumberProperty("read_bytes", c.readBytes());
        json.writeNumberProperty("stored_bytes", c.storedBytes());
        json.writeNumberProperty("added_bytes", c.addedBytes());
        json.writeEndObject();
    }

    private static void refs(JsonGenerator json, String name, List<? extends TableRef> refs) {
        json.writeArrayPropertyStart(name);
        for (TableRef ref : refs) {
            switch (ref) {
                case TableRef.Uniform(var kind) -> json.writeString(kind.name().toLowerCase(Locale.ROOT));
                case FrameRef frame -> frame(json, frame);
            }
        }
        json.writeEndArray();
    }

    private static void frame(JsonGenerator json, FrameRef frame) {
        json.writeStartArray();
        json.writeString(frame.pack());
        json.writeNumber(frame.offset());
        json.writeNumber(frame.sealedBytes());
        json.writeNumber(frame.plainBytes());
        json.writeBoolean(frame.compressed());
        json.writeEndArray();
    }
}
