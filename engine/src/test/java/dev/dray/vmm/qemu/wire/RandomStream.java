package dev.dray.vmm.qemu.wire;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import dev.dray.error.PeerException;
import dev.dray.memory.GuestMemoryMap;
import dev.dray.memory.MemoryRegion;
import dev.dray.testbed.Gen;
import java.io.ByteArrayOutputStream;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// A stream that follows every rule and has nothing else to it, and what a reader must make of it. Device state
/// is full of footers, section headers and end marks that a guest might have put there.
final class RandomStream {
    private final Gen gen;
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private final StreamWriter writer = new StreamWriter(from -> out.writeBytes(from.toArray(JAVA_BYTE)));
    private final StringBuilder json = new StringBuilder("{\"page_size\": 4096, \"devices\": [");

    final StreamForm form;
    final Configuration configuration;
    final RamBlocks blocks;
    final List<byte[]> memory = new ArrayList<>();
    final byte[] setup;
    final byte[] early;
    final byte[] devices;
    final byte[] description;
    private int sections;

    RandomStream(Gen gen) throws PeerException {
        this.gen = gen;
        form = gen.oneOf(StreamForm.WAITING, StreamForm.CLOSING, StreamForm.BACKGROUND);
        configuration = configuration();
        blocks = blocks();
        writer.header();
        writer.configuration(configuration);
        if (gen.chance(0.5)) {
            writer.command(new Command.OpenReturnPath());
            writer.command(new Command.Ping(gen.between(0, 99)));
        }
        setup = gen.chance(0.3) ? sections(gen.between(1, 2)) : new byte[0];
        writer.sections(setup);
        writer.memoryStart(blocks, false);
        early = gen.chance(0.3) ? sections(gen.between(1, 2)) : new byte[0];
        writer.sections(early);
        memory();
        devices = sections(gen.between(1, 12));
        writer.sections(devices);
        writer.endOfSections();
        description = json.append("]}").toString().getBytes(StandardCharsets.US_ASCII);
        writer.description(description);
        writer.flush();
    }

    byte[] bytes() {
        return out.toByteArray();
    }

    /// What a snapshot keeps of it, in the order of the parts.
    List<byte[]> parts() {
        return List.of(configuration.bytes(), setup, blocks.bytes(), early, devices, description);
    }

    private Configuration configuration() {
        var subsections = new ArrayList<Configuration.Subsection>();
        if (gen.chance(0.3)) {
            subsections.add(new Configuration.Subsection("configuration/uuid", 1, gen.bytes(16)));
        }
        if (gen.chance(0.2)) {
            subsections.add(new Configuration.Subsection(Configuration.CAPABILITIES, 1, new byte[4]));
        }
        return new Configuration("pc-" + gen.oneOf("i440fx", "q35") + "-" + gen.between(2, 12) + ".0", subsections);
    }

    private RamBlocks blocks() {
        var regions = new ArrayList<MemoryRegion>();
        for (int i = gen.between(1, 9); i > 0; i--) {
            long bytes = 4096L * gen.between(1, i == 1 ? 400 : 20);
            regions.add(new MemoryRegion("block" + i + "x".repeat(gen.between(0, 40)), bytes, 4096, List.of()));
            memory.add(new byte[(int) bytes]);
        }
        return new RamBlocks(gen.between(0, 40), new GuestMemoryMap(regions));
    }

    private void memory() throws PeerException {
        int parts = gen.between(form.memoryEnds() ? 0 : 1, 6);
        for (int i = 0; i < parts; i++) {
            if (form.inputEnds() == form.memoryEnds() && gen.chance(0.2)) {
                writer.command(new Command.SwitchoverStart());
            }
            writer.beginPart();
            records();
            writer.endSection();
        }
        if (form.memoryEnds()) {
            writer.beginEnd();
            records();
            writer.endSection();
        }
    }

    private void records() throws PeerException {
        int region = 0;
        boolean mostlyZero = gen.chance(0.3);
        for (int i = (int) gen.skewed(1500); i > 0; i--) {
            if (gen.chance(0.05)) {
                region = gen.between(0, memory.size() - 1);
            }
            byte[] bytes = memory.get(region);
            int page = gen.between(0, bytes.length / 4096 - 1);
            if (gen.chance(mostlyZero ? 0.99 : 0.3)) {
                writer.zeroPage(region, page);
                Arrays.fill(bytes, page * 4096, page * 4096 + 4096, (byte) 0);
            } else {
                byte[] content = gen.bytes(4096);
                writer.page(region, page, MemorySegment.ofArray(content));
                System.arraycopy(content, 0, bytes, page * 4096, 4096);
            }
        }
    }

    private byte[] sections(int count) {
        var bytes = new Bytes(1024);
        for (int i = 0; i < count; i++) {
            int id = 100 + sections++;
            bytes.put(StreamGrammarTest.section(id, "dev" + id, payload(id)));
        }
        return bytes.copy();
    }

    /// A device's state, and its line in the description: single fields, arrays, a structure, a subsection.
    private byte[] payload(int id) {
        var payload = new Bytes(256);
        json.append(sections > 1 ? "," : "").append("{\"name\": \"dev" + id + "\", \"instance_id\": 0, \"fields\": [");
        int size = gen.between(0, 3);
        int count = gen.between(1, 200);
        payload.put(treacherous(size * count, id));
        json.append("{\"name\": \"a\", \"array_len\": " + count + ", \"size\": " + size + "},");
        int structure = gen.between(0, 300);
        payload.put(treacherous(structure, id));
        json.append("{\"struct\": {\"fields\": [{\"size\": 77}]}, \"size\": " + structure + "}]");
        if (gen.chance(0.5)) {
            int inside = gen.between(0, 20);
            payload.u8(5).name("dev/sub").u32(1).put(treacherous(inside, id));
            json.append(", \"subsections\": [{\"vmsd_name\": \"dev/sub\", \"version\": 1, \"fields\": [{\"size\": ")
                    .append(inside)
                    .append("}]}]");
        }
        json.append("}");
        return payload.copy();
    }

    /// Bytes that look like the end of this section and the start of another, or like the end of all. Early
    /// sections are delimited by their footers alone: nothing in them looks like the item behind them.
    private byte[] treacherous(int count, int id) {
        byte[] bytes = gen.bytes(count);
        byte[] trap = gen.chance(0.5)
                ? new Bytes(32)
                        .u8(0x7e)
                        .u32(id)
                        .u8(4)
                        .u32(id + 1)
                        .name("timer")
                        .u32(0)
                        .u32(1)
                        .copy()
                : new Bytes(32).u8(0).u8(6).u32(gen.between(2, 4000)).u8('{').copy();
        boolean devices = out.size() > 0 && early != null;
        if (devices && count > trap.length && gen.chance(0.7)) {
            System.arraycopy(trap, 0, bytes, gen.between(0, count - trap.length), trap.length);
        }
        return bytes;
    }
}
