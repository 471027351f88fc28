package dev.dray.vmm.qemu.wire;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dray.error.PeerException;
import dev.dray.memory.GuestMemoryMap;
import dev.dray.memory.MemoryRegion;
import dev.dray.state.MachineState;
import dev.dray.testbed.Gen;
import dev.dray.testbed.Golden;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;

/// Mutates recorded streams for two minutes, or for `-Ddray.fuzz.seconds=N`: each is read, or refused with a
/// [PeerException] in bounded time and memory, and nothing else happens. What leads to an end that was not
/// seen before (a refusal at another line, other events) is mutated further. At the end it says which
/// refusals of the sources were reached and which were not.
///
/// A run is repeated by its seed; the input that failed lies in `target/fuzz-failure.bin`.
@Tag("fuzz")
@Execution(ExecutionMode.CONCURRENT)
class StreamFuzzTest {
    private static final int SECONDS = Integer.getInteger("dray.fuzz.seconds", 120);
    private static final long CASE_NANOS_MAX = Duration.ofSeconds(10).toNanos();
    private static final long CASE_BYTES_MAX = 48 << 20;
    private static final int CORPUS_MAX = 4000;
    private static final List<String> PARTS =
            List.of("configuration", "setup", "ram-blocks", "early", "devices", "vmdesc");

    /// Limits that recorded streams are near to.
    private static final StreamLimits SMALL = new StreamLimits(7, 160 << 20, 64, 100, 13_000, 3500);

    private static final Path SOURCES = Path.of("src/main/java/dev/dray/vmm/qemu/wire");

    /// A kind of input, and what is done with it.
    private interface Target {
        Object run(List<byte[]> pieces, byte[] joined) throws Exception;
    }

    private record Seed(Target target, List<byte[]> pieces) {}

    private final Gen all = Gen.create("StreamFuzzTest");
    private final List<Seed> corpus = new ArrayList<>();
    private final Map<String, Long> ends = new TreeMap<>();
    private final CheckedPages pages = new CheckedPages();
    private long cases;
    private long slowestNanos;
    private long largestBytes;

    @Test
    void everyMutationIsReadOrRefused() throws Exception {
        seeds();
        Assertions.assertTimeoutPreemptively(Duration.ofSeconds(SECONDS + 120L), this::fuzz);
        report();
        assertThat(ends.keySet().stream().filter(end -> end.startsWith("read"))).isNotEmpty();
        assertThat(ends).hasSizeGreaterThan(60);
    }

    private void seeds() throws Exception {
        for (Golden.QemuStream golden : Golden.qemuStreams()) {
            StreamForm form = GoldenStreamTest.form(golden);
            List<byte[]> main = golden.channels() > 0 ? List.of() : StreamPieces.ofMain(golden);
            if (golden.channels() > 0) {
                corpus.add(new Seed((_, bytes) -> channel(bytes), StreamPieces.ofChannel(golden.channel(0))));
                corpus.add(new Seed(
                        (_, bytes) -> stream(bytes, form, StreamLimits.DEFAULT),
                        StreamPieces.evenly(golden.main(), 4096)));
            } else {
                corpus.add(new Seed((_, bytes) -> stream(bytes, form, StreamLimits.DEFAULT), main));
                corpus.add(new Seed((_, bytes) -> stream(bytes, StreamForm.CLOSING, SMALL), main));
                corpus.add(new Seed((_, bytes) -> print(bytes), main));
            }
        }
        for (int i = 0; i < 12; i++) {
            var random = new RandomStream(all.fork(-2 - i));
            corpus.add(new Seed(
                    (_, bytes) -> stream(bytes, random.form, StreamLimits.DEFAULT),
                    StreamPieces.evenly(random.bytes(), 512)));
        }
        var state = new RandomStream(all.fork(-1));
        corpus.add(new Seed((parts, _) -> state(parts), state.parts()));
        corpus.add(new Seed((_, bytes) -> returnPath(bytes), StreamPieces.evenly(returnMessages(), 8)));
    }

    private static byte[] returnMessages() throws PeerException {
        var bytes = new Bytes(256);
        var writer = new ReturnPathWriter(from -> bytes.put(from.toArray(java.lang.foreign.ValueLayout.JAVA_BYTE)));
        for (ReturnMessage message : SmallCodecsTest.messages()) {
            writer.write(message);
        }
        return bytes.copy();
    }

    private void fuzz() throws IOException {
        long until = System.nanoTime() + Duration.ofSeconds(SECONDS).toNanos();
        for (Seed seed : List.copyOf(corpus)) {
            run(seed);
        }
        while (System.nanoTime() < until) {
            Gen gen = all.fork(cases);
            Seed seed = gen.oneOf(corpus);
            List<byte[]> donor = gen.oneOf(corpus).pieces;
            var mutated = new Seed(seed.target, StreamPieces.mutate(seed.pieces, donor, gen));
            if (run(mutated) && corpus.size() < CORPUS_MAX) {
                corpus.add(mutated);
            }
        }
    }

    /// Whether it came to a new end.
    private boolean run(Seed seed) throws IOException {
        byte[] input = StreamPieces.join(seed.pieces);
        long started = cpuNanos();
        long before = allocated();
        String end;
        try {
            end = "read " + seed.target.run(seed.pieces, input);
        } catch (PeerException refused) {
            end = "refused at " + where(refused);
        } catch (Throwable wrong) {
            Path file = Files.write(Path.of("target/fuzz-failure.bin"), input);
            throw new AssertionError("case " + cases + " of " + all + ", input in " + file.toAbsolutePath(), wrong);
        }
        cases++;
        slowestNanos = Math.max(slowestNanos, cpuNanos() - started);
        largestBytes = Math.max(largestBytes, allocated() - before);
        if (slowestNanos > CASE_NANOS_MAX || largestBytes > CASE_BYTES_MAX) {
            Files.write(Path.of("target/fuzz-failure.bin"), input);
            throw new AssertionError("case " + cases + " of " + all + " took " + slowestNanos / 1_000_000 + " ms and "
                    + largestBytes + " bytes");
        }
        return ends.merge(end, 1L, Long::sum) == 1;
    }

    private static long allocated() {
        var threads = (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
        return threads.getCurrentThreadAllocatedBytes();
    }

    /// Of this thread: what others do on the machine is no matter of the stream's.
    private static long cpuNanos() {
        return ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime();
    }

    /// The line of the sources that refused.
    private static String where(PeerException refused) {
        for (StackTraceElement frame : refused.getStackTrace()) {
            if (!frame.getClassName().endsWith(".Refusal")) {
                return frame.getFileName() + ":" + frame.getLineNumber();
            }
        }
        throw new IllegalStateException("a refusal from nowhere", refused);
    }

    private Object stream(byte[] bytes, StreamForm form, StreamLimits limits) throws Exception {
        pages.reset(new GuestMemoryMap(List.of()));
        try {
            var in = cases % 3 == 0 ? ArraySource.inPieces(bytes, all.fork(cases)) : ArraySource.of(bytes);
            new StreamReader(in, form, limits, pages).read();
            return "a stream with events " + pages.calls();
        } finally {
            pages.reset(new GuestMemoryMap(List.of()));
        }
    }

    private Object channel(byte[] bytes) throws Exception {
        var map = new GuestMemoryMap(List.of(
                new MemoryRegion("pc.ram", 4 << 20, 4096, List.of()),
                new MemoryRegion("pc.bios", 256 << 10, 4096, List.of())));
        pages.reset(map);
        try {
            var events = new MultifdReader.Events() {
                @Override
                public MultifdReader.Memory hello(MultifdHello hello) {
                    return new MultifdReader.Memory(map, pages);
                }

                @Override
                public void sync() {
                    pages.barrier();
                }
            };
            new MultifdReader(ArraySource.of(bytes), events).read();
            return "a further connection with events " + pages.calls();
        } finally {
            pages.reset(map);
        }
    }

    private static Object print(byte[] bytes) throws PeerException {
        var printer = new StreamPrinter(ArraySource.of(bytes), StreamLimits.DEFAULT);
        assertThat(StreamPrinter.text(printer.json())).isNotEmpty();
        PeerException damage = printer.damage();
        if (damage != null) {
            throw damage;
        }
        return "a whole print";
    }

    private static Object state(List<byte[]> bytes) throws PeerException {
        var parts = new TreeMap<String, byte[]>();
        for (String part : PARTS) {
            if (parts.size() < bytes.size()) {
                parts.put(part, bytes.get(parts.size()));
            }
        }
        return "a state of "
                + CapturedStream.of(new MachineState(CapturedStream.DIALECT, parts))
                        .sections()
                        .size();
    }

    private static Object returnPath(byte[] bytes) throws PeerException {
        var reader = new ReturnPathReader(ArraySource.of(bytes));
        ReturnMessage last = null;
        for (ReturnMessage message = reader.read(); message != null; message = reader.read()) {
            last = message;
        }
        return "a return path, last "
                + (last == null ? "nothing" : last.getClass().getSimpleName());
    }

    private void report() throws IOException {
        var reached = new TreeSet<String>();
        ends.keySet().stream()
                .filter(end -> end.startsWith("refused at "))
                .forEach(end -> reached.add(end.substring("refused at ".length())));
        var unreached = new TreeSet<>(refusals());
        unreached.removeAll(reached);
        System.out.printf(
                "StreamFuzzTest: %d cases, %d ends, corpus %d, slowest %d ms, most %d KiB allocated%n",
                cases, ends.size(), corpus.size(), slowestNanos / 1_000_000, largestBytes >> 10);
        System.out.printf("refusals reached: %d lines; not reached: %s%n", reached.size(), unreached);
        ends.forEach((end, count) -> System.out.printf("%10d  %s%n", count, end));
    }

    /// Every line of the sources that makes a refusal.
    private static Set<String> refusals() throws IOException {
        var lines = new TreeSet<String>();
        Pattern refusal = Pattern.compile("Refusal\\.(broken|unsupported|ended)\\(");
        try (var files = Files.list(SOURCES)) {
            for (Path file : files.toList()) {
                List<String> text = Files.readAllLines(file);
                for (int i = 0; i < text.size(); i++) {
                    if (refusal.matcher(text.get(i)).find()) {
                        lines.add(file.getFileName() + ":" + (i + 1));
                    }
                }
            }
        }
        return lines;
    }
}
