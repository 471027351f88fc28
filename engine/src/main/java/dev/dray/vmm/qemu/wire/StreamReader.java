package dev.dray.vmm.qemu.wire;

import dev.dray.error.DrayException;
import dev.dray.error.PeerException;
import dev.dray.memory.GuestMemoryMap;
import dev.dray.vmm.qemu.wire.StreamGrammar.Item;
import dev.dray.vmm.qemu.wire.StreamGrammar.State;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Reads a whole pre-copy or background-snapshot stream from its first byte to its last. Belongs to one thread.
///
/// Grammar: `Header, Configuration, Item*, 0x00, 0x06, be32 n, n bytes JSON`, where
///
/// - `Header → be32 "QEVM", be32 3`
/// - `Item → Command | (0x01 | 0x04), be32 id, u8 n, name, be32 instance, be32 version, payload, Footer
///   | (0x02 | 0x03), be32 id, payload, Footer`
/// - `Footer → 0x7e, be32 id`
///
/// and [StreamGrammar] says which item may come when.
public final class StreamReader {
    private final StreamInput in;
    private final StreamForm form;
    private final StreamLimits limits;
    private final StreamEvents events;

    private State state = State.NOTHING;
    private @Nullable Configuration configuration;
    private @Nullable RamBlocks blocks;
    private @Nullable RamReader ram;
    private boolean returnPath;
    private boolean barrierAtEos;
    private final Bytes setup = new Bytes(16);
    private final Bytes early = new Bytes(16);

    public StreamReader(ByteSource in, StreamForm form, StreamLimits limits, StreamEvents events) {
        this.in = new StreamInput(in);
        this.form = form;
        this.limits = limits;
        this.events = events;
    }

    /// Reads until the stream is whole. A [PeerException] names what was found and where; other exceptions come
    /// from `events` and its page destination.
    public CapturedStream read() throws DrayException {
        try {
            header();
            while (state != State.DEVICES) {
                item();
            }
            events.memoryEnd();
            List<byte[]> before = List.of(setup.copy(), early.copy());
            var tail = new TailReader(in, form, limits, before).read();
            state = State.WHOLE;
            return new CapturedStream(
                    of(configuration),
                    before.getFirst(),
                    of(blocks),
                    before.getLast(),
                    tail.devices(),
                    tail.description(),
                    tail.sections());
        } finally {
            if (ram != null) {
                ram.abandon();
            }
        }
    }

    /// Where the reader is, for a message of someone who waits for it; can be called by another thread.
    public String where() {
        return "at offset " + in.offset() + ", " + state.words();
    }

    private void header() throws PeerException {
        int magic = in.u32("the header");
        if (magic != Wire.QEMU_VM_FILE_MAGIC) {
            throw Refusal.broken("The stream begins with 0x" + Integer.toHexString(magic) + " instead of 'QEVM'");
        }
        int version = in.u32("the header");
        if (version != Wire.QEMU_VM_FILE_VERSION) {
            throw Refusal.broken("The stream has version " + Integer.toUnsignedString(version) + " instead of 3");
        }
        become(Item.HEADER);
    }

    private void become(Item item) throws PeerException {
        State next = StreamGrammar.next(state, item, form.memoryEnds());
        if (next == null) {
            throw Refusal.broken(capital(item.words()) + " came " + state.words() + ", at offset " + in.offset());
        }
        state = next;
    }

    private void item() throws DrayException {
        if (ram != null && ram.begun()) {
            ram.makeRoomForItem();
        }
        int type = in.peek(state == State.HEADER ? "the configuration" : "what comes " + state.words());
        switch (type) {
            case Wire.QEMU_VM_CONFIGURATION -> configuration();
            case Wire.QEMU_VM_SECTION_START -> start();
            case Wire.QEMU_VM_SECTION_PART -> memory(Item.MEMORY_PART);
            case Wire.QEMU_VM_SECTION_END -> memory(Item.MEMORY_END);
            case Wire.QEMU_VM_SECTION_FULL -> full();
            case Wire.QEMU_VM_COMMAND -> command();
            case Wire.QEMU_VM_EOF -> become(Item.END_MARK);
            case Wire.QEMU_VM_VMDESCRIPTION -> become(Item.DESCRIPTION);
            default ->
                throw Refusal.broken(
                        "Item type 0x" + Integer.toHexString(type) + " at offset " + in.offset() + " is unknown");
        }
    }

    private void configuration() throws PeerException {
        become(Item.CONFIGURATION);
        in.u8("the configuration");
        Configuration read = Configuration.read(in);
        for (String capability : read.capabilities()) {
            throw Refusal.unsupported(
                    "The stream was sent with the capability " + capability + ", which gives it another form",
                    "Turn the capability " + capability + " off");
        }
        configuration = read;
    }

    private void command() throws DrayException {
        in.u8("a command");
        Command command = Command.read(in);
        switch (command) {
            case Command.OpenReturnPath _ -> {
                become(Item.OPEN_RETURN_PATH);
                returnPath = true;
                events.openReturnPath();
            }
            case Command.Ping ping -> {
                become(Item.PING);
                if (!returnPath) {
                    throw Refusal.broken("A PING came, but no return path was opened");
                }
                events.ping(ping.value());
            }
            case Command.SwitchoverStart _ -> {
                become(Item.SWITCHOVER_START);
                events.switchoverStart();
            }
            default ->
                throw Refusal.unsupported(
                        "The command " + command.word() + " came " + state.words(),
                        "Turn the capabilities for post-copy, dirty-bitmaps and COLO off");
        }
    }

    private void start() throws DrayException {
        in.u8("a section");
        int id = in.u32("a START section");
        String name = in.name("a START section");
        int instance = in.u32("START section " + name);
        int version = in.u32("START section " + name);
        if (!name.equals(Wire.RAM_NAME)) {
            throw Refusal.unsupported(
                    "The guest has the iterable section '" + name + "', whose contents Dray does not know",
                    "Remove the device or capability that sends '" + name + "' (dirty bitmaps, VFIO)");
        }
        if (instance != 0 || version != Wire.RAM_VERSION) {
            throw Refusal.unsupported(
                    "The memory section has instance " + instance + " and version " + version + " instead of 0 and "
                            + Wire.RAM_VERSION,
                    "Use a QEMU version and machine type that Dray is tested with");
        }
        become(Item.MEMORY_START);
        GuestMemoryMap map = RamBlocks.read(in, limits);
        var layout = new RamBlocks(id, map);
        blocks = layout;
        boolean flush = startRecords();
        footer(id, "ram");
        ram = new RamReader(in, map, events.memory(of(configuration), map), events, form.multifd());
        // The first barrier is here: it tells by which record this sender's further connections are held together.
        barrierAtEos = form.multifd() && !flush;
        if (form.multifd()) {
            events.barrier();
        }
    }

    /// What follows the block list: nothing but the end and perhaps a barrier before it; whether there was one.
    private boolean startRecords() throws PeerException {
        boolean flush = false;
        while (true) {
            long at = in.offset();
            long head = in.u64("the memory layout");
            if (head == Wire.RAM_SAVE_FLAG_EOS) {
                return flush;
            }
            if (head != Wire.RAM_SAVE_FLAG_MULTIFD_FLUSH || !form.multifd() || flush) {
                throw RamReader.refusal(head, at, form.multifd());
            }
            flush = true;
        }
    }

    private void memory(Item item) throws DrayException {
        if (ram == null || blocks == null) {
            become(item);
            throw new IllegalStateException(item + " without a layout");
        }
        in.u8("a section");
        int id = in.u32("a memory section");
        if (id != blocks.sectionId()) {
            throw Refusal.broken("Section " + Integer.toUnsignedString(id) + " goes on before offset " + in.offset()
                    + ", but none of that number was started");
        }
        become(item);
        if (!ram.begun()) {
            ram.begin();
        }
        records(ram);
        footer(id, "ram");
        if (item == Item.MEMORY_END) {
            ram.end();
        } else {
            events.roundEnd();
        }
    }

    private void records(RamReader reader) throws DrayException {
        while (true) {
            long head = reader.records();
            long at = in.offset() - Wire.RECORD_HEAD_BYTES;
            boolean eos = head == Wire.RAM_SAVE_FLAG_EOS;
            boolean flush = head == Wire.RAM_SAVE_FLAG_MULTIFD_FLUSH && form.multifd();
            if (!eos && !flush) {
                throw RamReader.refusal(head, at, form.multifd());
            }
            if (eos ? barrierAtEos : !barrierAtEos) {
                reader.submit();
                events.barrier();
            }
            if (eos) {
                return;
            }
        }
    }

    private void full() throws DrayException {
        become(Item.FULL);
        if (state == State.CONFIGURATION || state == State.LAYOUT) {
            EarlySections.read(in, blocks, blocks == null ? setup : early, limits.earlyBytes());
        } else if (ram != null && ram.begun()) {
            ram.end();
        }
    }

    private void footer(int id, String name) throws PeerException {
        int type = in.u8("the footer of section " + name);
        int footerId = in.u32("the footer of section " + name);
        if (type != Wire.QEMU_VM_SECTION_FOOTER || footerId != id) {
            throw Refusal.broken("Section '" + name + "' number " + Integer.toUnsignedString(id) + " ends with 0x"
                    + Integer.toHexString(type) + " " + Integer.toUnsignedString(footerId) + " instead of its footer");
        }
    }

    private static String capital(String words) {
        return Character.toUpperCase(words.charAt(0)) + words.substring(1);
    }

    private static <T> T of(@Nullable T value) {
        if (value == null) {
            throw new IllegalStateException("a state without what was read before it");
        }
        return value;
    }
}
