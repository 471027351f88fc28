package dev.dray.vmm.qemu.wire;

import dev.dray.error.PeerException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/// Tells what is in a stream of any kind, also a damaged one: as far as it can be read, and why no farther.
///
/// Other than [StreamReader] it holds no order of items to be wrong, and it guesses the lengths of device
/// sections by their footers: what a description says of them is compared at the end.
public final class StreamPrinter {
    /// Items that are told one by one; of a stream with more rounds than that only the sums are of use.
    private static final int ITEMS_MAX = 10_000;

    private final StreamInput in;
    private final StreamLimits limits;
    private final ObjectNode json = JsonNodeFactory.instance.objectNode();
    private final ArrayNode items = JsonNodeFactory.instance.arrayNode();
    private final List<VmDescription.Device> sections = new ArrayList<>();
    private long leftOut;
    private @Nullable PeerException damage;
    private final RamTally ram;

    public StreamPrinter(ByteSource in, StreamLimits limits) {
        this.in = new StreamInput(in);
        this.limits = limits;
        this.ram = new RamTally(this.in, limits);
    }

    /// Reads to the end, or to the damage, which becomes the fields `stopped_at` and `why`.
    public ObjectNode json() {
        json.put("format", "qemu-migration-stream");
        json.set("items", items);
        try {
            header();
            while (in.has(1) && item()) {
                // item() tells what it read.
            }
        } catch (PeerException e) {
            damage = e;
            json.put("stopped_at", in.offset()).put("why", e.getMessage());
        }
        if (leftOut > 0) {
            json.put("items_left_out", leftOut);
        }
        ArrayNode blocks = json.putArray("memory");
        ram.print(blocks);
        json.put("bytes", in.offset());
        return json;
    }

    /// What [#json()] stopped at, for tests.
    @Nullable
    PeerException damage() {
        return damage;
    }

    private ObjectNode say(long offset, String item) {
        ObjectNode node = JsonNodeFactory.instance.objectNode();
        node.put("offset", offset).put("item", item);
        if (items.size() < ITEMS_MAX) {
            items.add(node);
        } else {
            leftOut++;
        }
        return node;
    }

    private void header() throws PeerException {
        int magic = in.u32("the header");
        int version = in.u32("the header");
        if (magic != Wire.QEMU_VM_FILE_MAGIC || version != Wire.QEMU_VM_FILE_VERSION) {
            throw Refusal.broken("The stream begins with 0x" + Integer.toHexString(magic) + " version "
                    + Integer.toUnsignedString(version) + " instead of 'QEVM' version 3");
        }
        say(0, "header").put("version", version);
    }

    /// False behind the description, which is the end.
    private boolean item() throws PeerException {
        long offset = in.offset();
        int type = in.u8("an item");
        switch (type) {
            case Wire.QEMU_VM_CONFIGURATION -> configuration(offset);
            case Wire.QEMU_VM_SECTION_START -> section(offset, "start");
            case Wire.QEMU_VM_SECTION_FULL -> section(offset, "full");
            case Wire.QEMU_VM_SECTION_PART -> part(offset, "part");
            case Wire.QEMU_VM_SECTION_END -> part(offset, "end");
            case Wire.QEMU_VM_COMMAND -> command(offset);
            case Wire.QEMU_VM_EOF -> say(offset, "end_mark");
            case Wire.QEMU_VM_VMDESCRIPTION -> {
                description(offset);
                return false;
            }
            default ->
                throw Refusal.broken(
                        "Item type 0x" + Integer.toHexString(type) + " at offset " + offset + " is unknown");
        }
        return true;
    }

    private void configuration(long offset) throws PeerException {
        Configuration configuration = Configuration.read(in);
        json.put("machine_type", configuration.machineType());
        ObjectNode node = say(offset, "configuration").put("machine_type", configuration.machineType());
        for (Configuration.Subsection s : configuration.subsections()) {
            node.withArray("subsections").add(s.name());
        }
        for (String capability : configuration.capabilities()) {
            node.withArray("capabilities").add(capability);
        }
        ram.capabilities(configuration.capabilities());
    }

    private void command(long offset) throws PeerException {
        Command command = Command.read(in);
        ObjectNode node = say(offset, "command").put("command", command.word());
        switch (command) {
            case Command.Ping c -> node.put("value", c.value());
            case Command.PostcopyAdvise c -> node.put("page_sizes", c.pageSizes());
            case Command.RamDiscard c -> node.put("block", c.block()).put("ranges", c.offsetsAndBytes().length / 2);
            case Command.Packaged c -> node.put("bytes", c.bytes());
            case Command.AskReceivedBitmap c -> node.put("block", c.block());
            default -> {}
        }
    }

    private void section(long offset, String item) throws PeerException {
        int id = in.u32("a section");
        String name = in.name("a section");
        int instance = in.u32("section " + name);
        int version = in.u32("section " + name);
        ObjectNode node =
                say(offset, item).put("section", Integer.toUnsignedLong(id)).put("name", name);
        node.put("instance", Integer.toUnsignedLong(instance)).put("version", version);
        if (item.equals("start") && name.equals(Wire.RAM_NAME)) {
            ram.start(id);
            ram.records(node);
            footer(id);
            return;
        }
        long from = in.offset();
        OpaquePayload.skip(in, id);
        long bytes = in.offset() - from - Wire.FOOTER_BYTES;
        node.put("payload_bytes", bytes);
        if (item.equals("full")) {
            sections.add(new VmDescription.Device(name, instance, bytes));
        }
    }

    private void part(long offset, String item) throws PeerException {
        int id = in.u32("a section");
        ObjectNode node = say(offset, item).put("section", Integer.toUnsignedLong(id));
        if (ram.isSection(id)) {
            ram.records(node);
            footer(id);
        } else {
            OpaquePayload.skip(in, id);
        }
    }

    private void footer(int id) throws PeerException {
        int type = in.u8("a footer");
        int footerId = in.u32("a footer");
        if (type != Wire.QEMU_VM_SECTION_FOOTER || footerId != id) {
            throw Refusal.broken("Section " + Integer.toUnsignedString(id) + " ends with 0x" + Integer.toHexString(type)
                    + " " + Integer.toUnsignedString(footerId) + " instead of its footer");
        }
    }

    private void description(long offset) throws PeerException {
        int bytes = in.length(limits.descriptionBytes(), "the device description");
        ObjectNode node = say(offset, "description").put("bytes", bytes);
        byte[] text = readBounded(bytes);
        VmDescription description = VmDescription.parse(text, 0, text.length);
        node.put("devices", description.devices().size());
        for (int i = 0; i < Math.max(sections.size(), description.devices().size()); i++) {
            Object said =
                    i < description.devices().size() ? description.devices().get(i) : "no device";
            Object found = i < sections.size() ? sections.get(i) : "no section";
            if (!said.equals(found)) {
                throw Refusal.broken("The description has " + said + " where the footers show " + found);
            }
        }
        if (in.has(1)) {
            throw Refusal.broken("There are bytes behind the description");
        }
    }

    /// So that a length alone makes nobody allocate.
    private byte[] readBounded(int bytes) throws PeerException {
        Bytes text = new Bytes(64);
        while (text.count() < bytes) {
            text.put(in.bytes(Math.min(bytes - text.count(), 1 << 16), "the device description"));
        }
        return text.copy();
    }

    /// The same as lines of text.
    public static String text(ObjectNode json) {
        var lines = new StringBuilder("QEMU migration stream");
        if (json.has("machine_type")) {
            lines.append(", machine type ").append(json.get("machine_type").asString());
        }
        lines.append('\n');
        for (JsonNode item : json.path("items")) {
            lines.append(String.format(
                    "%12d  %s", item.path("offset").asLong(), item.path("item").asString()));
            item.propertyStream()
                    .filter(p -> !p.getKey().equals("offset") && !p.getKey().equals("item"))
                    .forEach(p ->
                            lines.append("  ").append(p.getKey()).append(' ').append(plain(p.getValue())));
            lines.append('\n');
        }
        if (json.has("items_left_out")) {
            lines.append("              and ")
                    .append(json.get("items_left_out").asLong())
                    .append(" items more\n");
        }
        for (JsonNode block : json.path("memory")) {
            lines.append(String.format(
                    "memory %s: %d bytes, %d pages with contents, %d zero pages%n",
                    block.path("name").asString(),
                    block.path("bytes").asLong(),
                    block.path("pages").asLong(),
                    block.path("zero_pages").asLong()));
        }
        lines.append(json.path("bytes").asLong()).append(" bytes read");
        return lines.toString();
    }

    private static String plain(JsonNode value) {
        return value.isString() ? value.asString() : value.toString();
    }
}
