package dev.dray.machine.cloudhypervisor;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dray.OperationException;
import dev.dray.Receive;
import dev.dray.Route;
import dev.dray.Send;
import dev.dray.error.PeerException;
import dev.dray.linux.Fd;
import dev.dray.linux.Memfd;
import dev.dray.linux.Poll;
import dev.dray.linux.Socket;
import dev.dray.testbed.ChTrace;
import dev.dray.testbed.ChTrace.Event;
import dev.dray.testbed.ChTrace.Speaker;
import dev.dray.testbed.Gen;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/// Peers that break the protocol in any way, for two minutes in all, or for `-Ddray.fuzz.seconds=N`: recorded messages
/// with bits, lengths, order and descriptors changed. Dray, as receiver and as sender, ends in bounded time and memory
/// with a typed failure, or rightly; and the repository is whole. What leads to an end that was not seen before is
/// changed further.
@Tag("fuzz")
class DrayFuzzTest {
    private static final long NANOS = TimeUnit.SECONDS.toNanos(Integer.getInteger("dray.fuzz.seconds", 120)) / 2;
    private static final int CASE_SECONDS_MAX = 40;
    private static final int ANSWER_MS = 300;
    private static final long RESIDENT_BYTES_MAX = 3L << 30;
    private static final int CORPUS_MAX = 500;
    private static final long[] LENGTHS = {0, 1, 15, 16, 17, 4096, 1 << 20, 1L << 31, 1L << 40, Long.MAX_VALUE, -1};

    private final Gen all = Gen.create("DrayFuzzTest");
    private final Map<String, Integer> ends = new TreeMap<>();

    /// What a peer says on one connection, piece by piece.
    private record Script(List<byte[]> pieces) {}

    @Test
    void asReceiver() throws Exception {
        List<Script> corpus = new ArrayList<>();
        for (String name : List.of("small-snapshot-local", "small-restore-eager-paused", "small-unix-precopy")) {
            corpus.add(new Script(ChTrace.of(name).connection(0).stream()
                    .filter(event -> event.speaker() == Speaker.SENDER && !event.is("eof"))
                    .map(DrayFuzzTest::shortened)
                    .toList()));
        }
        try (var house = House.open()) {
            long until = System.nanoTime() + NANOS;
            for (int i = 0; System.nanoTime() < until; i++) {
                Gen gen = all.fork(i);
                Script script = corpus.get(gen.between(0, corpus.size() - 1));
                Script changed = i < corpus.size() ? corpus.get(i) : changed(gen, script);
                Path socket = house.directory().resolve("r" + i);
                CompletableFuture<String> end = run(
                        "case " + i + " of " + all,
                        () -> Receive.of(Route.of("unix:" + socket), house.access(), House.GUEST)
                                .run(new House.Watch())
                                .outcome());
                say(gen, changed, new Place.Unix(socket));
                keepIfNew("receiver: " + end.get(CASE_SECONDS_MAX, TimeUnit.SECONDS), corpus, changed);
            }
            house.verifies();
        }
        report();
        assertThat(ends).containsKey("receiver: captured").hasSizeGreaterThan(8);
    }

    /// Of a request with memory, a table of one page and the page.
    private static byte[] shortened(Event event) {
        if (!event.is("Memory")) {
            return event.bytes();
        }
        byte[] request = new byte[16 + 16 + 4096];
        request[0] = 4;
        request[8] = 16;
        request[25] = 0x10;
        return request;
    }

    private static Script changed(Gen gen, Script from) {
        List<byte[]> pieces = new ArrayList<>(from.pieces);
        for (int i = gen.between(1, 3); i > 0 && !pieces.isEmpty(); i--) {
            int index = gen.between(0, pieces.size() - 1);
            byte[] piece = pieces.get(index).clone();
            switch (gen.between(0, 6)) {
                case 0 -> pieces.remove(index);
                case 1 -> pieces.add(index, piece);
                case 2 -> pieces.set(index, Arrays.copyOf(piece, gen.between(0, piece.length)));
                case 3 -> pieces.add(pieces.remove(gen.between(0, pieces.size() - 1)));
                case 4 -> {
                    if (piece.length >= 16) {
                        long length = LENGTHS[gen.between(0, LENGTHS.length - 1)];
                        for (int b = 0; b < 8; b++) {
                            piece[8 + b] = (byte) (length >>> (8 * b));
                        }
                        pieces.set(index, piece);
                    }
                }
                default -> {
                    for (int flips = gen.between(1, 8); flips > 0 && piece.length > 0; flips--) {
                        int at = gen.between(0, gen.chance(0.5) ? Math.min(39, piece.length - 1) : piece.length - 1);
                        piece[at] ^= (byte) (1 << gen.between(0, 7));
                    }
                    pieces.set(index, piece);
                }
            }
        }
        return new Script(pieces);
    }

    /// Waits until Dray listens.
    private static Channel connect(Place to) throws Exception {
        for (int i = 0; ; i++) {
            try {
                return Channel.connect(to);
            } catch (PeerException e) {
                if (i == 5000) {
                    throw new AssertionError("Dray does not listen", e);
                }
                Thread.sleep(2);
            }
        }
    }

    private static void say(Gen gen, Script script, Place to) throws Exception {
        try (Channel channel = connect(to)) {
            for (byte[] piece : script.pieces) {
                boolean isDescriptor = piece.length == 20 && piece[0] == 7;
                channel.write(isDescriptor ? Arrays.copyOf(piece, 16) : piece);
                if (isDescriptor) {
                    long bytes = gen.chance(0.8) ? 64 << 20 : gen.skewed(128 << 20) & -4096L;
                    try (Fd file = Memfd.create("fuzz", bytes)) {
                        channel.sendDescriptor(piece[16], file);
                    }
                }
                if (channel.isReadable(ANSWER_MS) && channel.read(16)[0] != 1) {
                    return;
                }
            }
        } catch (PeerException _) {
            // Dray has hung up.
        }
    }

    @Test
    void asSender() throws Exception {
        try (var house = House.open()) {
            Path first = house.directory().resolve("first");
            CompletableFuture<String> stored = run(
                    "setup",
                    () -> Receive.of(Route.of("unix:" + first), house.access(), House.GUEST)
                            .run(new House.Watch())
                            .outcome());
            try (var sender = new ScriptedSender(ChTrace.of("small-restore-eager"), new Place.Unix(first))) {
                assertThat(stored.get(60, TimeUnit.SECONDS)).isEqualTo("captured");
                assertThat(sender.differences()).isEmpty();
            }
            long until = System.nanoTime() + NANOS;
            for (int i = 0; System.nanoTime() < until; i++) {
                Gen gen = all.fork(1_000_000 + i);
                boolean isLazy = gen.chance(0.6);
                Path socket = house.directory().resolve("s" + i);
                Send eager = Send.of(House.GUEST, house.access(), Route.of("unix:" + socket));
                Send send = new Send(
                        eager.snapshot(),
                        eager.repository(),
                        eager.route(),
                        false,
                        1,
                        eager.disks(),
                        isLazy ? House.lazy() : eager.memory(),
                        eager.settings(),
                        eager.copy(),
                        true);
                try (Fd listener = new Place.Unix(socket).listen()) {
                    CompletableFuture<String> end = run(
                            "case " + i + " of " + all,
                            () -> send.run(new House.Watch()).outcome());
                    answer(gen, listener, i > 0);
                    keepIfNew("sender: " + end.get(CASE_SECONDS_MAX, TimeUnit.SECONDS), new ArrayList<>(), null);
                }
                Files.deleteIfExists(socket);
            }
            house.verifies();
        }
        report();
        assertThat(ends).hasSizeGreaterThan(4);
    }

    /// A receiver that takes whatever comes and answers badly now and then.
    private static void answer(Gen gen, Fd listener, boolean isBad) throws Exception {
        int badAt = isBad ? gen.between(0, 8) : -1;
        while (Poll.wait(listener, Poll.POLLIN, 100) == 0) {
            // Dray will connect.
        }
        try (Channel main = new Channel(Socket.accept(listener))) {
            for (int message = 0; main.isReadable(5_000); message++) {
                var header = main.request();
                if (header.isEmpty()) {
                    return;
                }
                if (header.get().command() == 7) {
                    main.receiveDescriptor().file().close();
                } else if (header.get().length() > 0) {
                    Scripted.skip(main, header.get().length());
                }
                if (header.get().command() == 3) {
                    fetch(gen, listener, isBad);
                }
                byte[] answer = new byte[16];
                answer[0] = 1;
                if (message == badAt) {
                    answer[gen.between(0, 15)] ^= (byte) (1 << gen.between(0, 7));
                    answer = Arrays.copyOf(answer, gen.chance(0.3) ? gen.between(0, 15) : 16);
                }
                for (byte each : answer) {
                    main.write(new byte[] {each});
                }
                if (answer.length < 16 || header.get().command() == 5) {
                    return;
                }
            }
        } catch (PeerException _) {
            // Dray has hung up.
        }
    }

    /// Asks for pages, if there is a connection for that.
    private static void fetch(Gen gen, Fd listener, boolean isBad) throws Exception {
        if (Poll.wait(listener, Poll.POLLIN, 50) == 0) {
            return;
        }
        try (Channel faults = new Channel(Socket.accept(listener))) {
            faults.read(2);
            for (int i = gen.between(0, 40); i > 0; i--) {
                byte[] request = new byte[32];
                request[0] = 9;
                request[8] = 16;
                int page = gen.between(0, 16383);
                request[17] = (byte) (page << 4);
                request[18] = (byte) (page >> 4);
                request[19] = (byte) (page >> 12);
                request[25] = 0x10;
                if (isBad && gen.chance(0.1)) {
                    request[gen.between(0, 31)] ^= (byte) (1 << gen.between(0, 7));
                }
                faults.write(request);
                if (!faults.isReadable(ANSWER_MS) || faults.read(16)[0] != 1) {
                    return;
                }
            }
        } catch (PeerException _) {
            // Dray has hung up.
        }
    }

    private interface Work {
        String outcome() throws OperationException;
    }

    /// How it ended: an outcome, or a typed failure. Anything else fails the test.
    private static CompletableFuture<String> run(String what, Work work) {
        CompletableFuture<String> end = new CompletableFuture<>();
        Thread.ofPlatform().daemon().name("dray").start(() -> {
            try {
                end.complete(work.outcome());
            } catch (OperationException e) {
                end.complete(e.failure().getClass().getSimpleName() + " "
                        + String.valueOf(e.getMessage()).replaceAll("'[^']*'|\"[^\"]*\"|[0-9][0-9a-fx]*", "#"));
            } catch (RuntimeException | Error e) {
                end.completeExceptionally(new ExecutionException(what, e));
            }
        });
        return end;
    }

    private void keepIfNew(String end, List<Script> corpus, @Nullable Script script) {
        boolean isNew = ends.merge(end, 1, Integer::sum) == 1;
        if (isNew && script != null && corpus.size() < CORPUS_MAX) {
            corpus.add(script);
        }
    }

    private void report() throws Exception {
        ends.forEach((end, count) -> System.out.println(count + " " + end));
        long pages =
                Long.parseLong(Files.readString(Path.of("/proc/self/statm")).split(" ", -1)[1]);
        assertThat(pages * 4096).as("resident memory").isLessThan(RESIDENT_BYTES_MAX);
    }
}
