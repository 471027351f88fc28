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
import dev.dray.linux.SysException;
import dev.dray.testbed.ChTrace;
import dev.dray.testbed.ChTrace.Event;
import dev.dray.testbed.ChTrace.Speaker;
import dev.dray.testbed.Gen;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/// Peers that break the protocol in any way, for two minutes in all, or for `-Ddray.fuzz.seconds=N`: recorded messages
/// with bits, lengths, order, connections and descriptors changed, over unix sockets and TCP. Dray, as receiver of
/// memory that is handed over, pushed or asked for, and as sender of such, ends in bounded time and memory with a typed
/// failure, or rightly; and the repository is whole. What leads to an end that was not seen before is changed further.
@Tag("fuzz")
class DrayFuzzTest {
    private static final long NANOS = TimeUnit.SECONDS.toNanos(Integer.getInteger("dray.fuzz.seconds", 120)) / 2;
    private static final int CASE_SECONDS_MAX = 120;
    private static final int ANSWER_MS = 300;
    /// Where nothing is changed, and so the guest is to be captured.
    private static final int GOOD_ANSWER_MS = 30_000;
    private static final long RESIDENT_BYTES_MAX = 3L << 30;
    private static final int CORPUS_MAX = 500;
    private static final long[] LENGTHS = {0, 1, 15, 16, 17, 4096, 1 << 20, 1L << 31, 1L << 40, Long.MAX_VALUE, -1};

    private final Gen all = Gen.create("DrayFuzzTest");
    private final Map<String, Integer> ends = new TreeMap<>();

    /// What a peer says, piece by piece, each on one of its connections; 0 is the main one.
    private record Script(List<Piece> pieces) {}

    @SuppressWarnings("ArrayRecordComponent") // never compared
    private record Piece(int connection, byte[] bytes) {
        boolean isDescriptor() {
            return bytes.length == 20 && bytes[0] == 7;
        }

        boolean isRole() {
            return connection > 0 && bytes.length == 2;
        }
    }

    @Test
    void asReceiver() throws Exception {
        List<Script> corpus = new ArrayList<>();
        for (String name : List.of(
                "small-snapshot-local",
                "small-restore-eager-paused",
                "small-unix-precopy",
                "small-tcp-precopy-4",
                "small-unix-postcopy")) {
            corpus.add(script(ChTrace.of(name)));
        }
        corpus.add(withVirtioMem(corpus.getLast())); // what is plugged of it, State says
        try (var house = House.open()) {
            int unchanged = corpus.size();
            long until = System.nanoTime() + NANOS;
            for (int i = 0; System.nanoTime() < until; i++) {
                Gen gen = all.fork(i);
                Script script = corpus.get(gen.between(0, corpus.size() - 1));
                Script changed = i < unchanged ? corpus.get(i) : changed(gen, script);
                Place place = place(gen, house, "r" + i);
                var watch = new House.Watch();
                CompletableFuture<String> end = run(
                        "case " + i + " of " + all,
                        () -> Receive.of(route(place), house.access(), House.GUEST)
                                .run(watch)
                                .outcome());
                int answerMs = i < unchanged ? GOOD_ANSWER_MS : ANSWER_MS;
                say(gen, changed, place, answerMs);
                // Over TCP, whoever does not begin as a VMM does is a stranger, and the VMM is waited for.
                if (place instanceof Place.Tcp && !ends(end, answerMs)) {
                    watch.cancel();
                }
                keepIfNew("receiver: " + inTime(end), corpus, changed);
            }
            house.verifies();
        }
        report();
        assertThat(ends).containsKey("receiver: captured").hasSizeGreaterThan(12);
    }

    private static boolean ends(CompletableFuture<String> end, int waitMs) throws Exception {
        try {
            end.get(waitMs, TimeUnit.MILLISECONDS);
            return true;
        } catch (TimeoutException _) {
            return false;
        }
    }

    private static String inTime(CompletableFuture<String> end) throws Exception {
        try {
            return end.get(CASE_SECONDS_MAX, TimeUnit.SECONDS);
        } catch (TimeoutException e) {
            Thread.getAllStackTraces().forEach((thread, calls) -> System.out.println(thread + " " + List.of(calls)));
            throw e;
        }
    }

    private static Place place(Gen gen, House house, String name) throws IOException {
        if (gen.chance(0.5)) {
            return new Place.Unix(house.directory().resolve(name));
        }
        try (var free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return new Place.Tcp("127.0.0.1", free.getLocalPort());
        }
    }

    private static Route route(Place place) {
        return switch (place) {
            case Place.Unix(Path path) -> Route.of("unix:" + path);
            case Place.Tcp(String host, int port) -> new Route("tcp:" + host + ":" + port, Optional.empty(), true);
        };
    }

    /// What the sender says, but pages, which it sends as they are asked for.
    private static Script script(ChTrace trace) {
        return new Script(trace.events().stream()
                .filter(event -> event.speaker() == Speaker.SENDER && !event.is("eof") && !event.is("connect"))
                .filter(event -> event.connection() == 0 || event.is("role") || event.is("Memory"))
                .map(event -> new Piece(event.connection(), shortened(event)))
                .toList());
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

    private static Script withVirtioMem(Script script) {
        return new Script(script.pieces().stream()
                .map(piece -> new Piece(
                        piece.connection(),
                        new String(piece.bytes(), StandardCharsets.ISO_8859_1)
                                .replace("\"virtio_mem\":false", "\"virtio_mem\":true ")
                                .getBytes(StandardCharsets.ISO_8859_1)))
                .toList());
    }

    private static Script changed(Gen gen, Script from) {
        List<Piece> pieces = new ArrayList<>(from.pieces);
        for (int i = gen.between(1, 3); i > 0 && !pieces.isEmpty(); i--) {
            int index = gen.between(0, pieces.size() - 1);
            int connection = pieces.get(index).connection();
            byte[] piece = pieces.get(index).bytes().clone();
            switch (gen.between(0, 7)) {
                case 0 -> pieces.remove(index);
                case 1 -> pieces.add(index, pieces.get(index));
                case 2 -> pieces.set(index, new Piece(connection, Arrays.copyOf(piece, gen.between(0, piece.length))));
                case 3 -> pieces.add(pieces.remove(gen.between(0, pieces.size() - 1)));
                case 4 -> pieces.set(index, new Piece(gen.between(0, 3), piece));
                case 5 -> {
                    if (piece.length >= 16) {
                        long length = LENGTHS[gen.between(0, LENGTHS.length - 1)];
                        for (int b = 0; b < 8; b++) {
                            piece[8 + b] = (byte) (length >>> (8 * b));
                        }
                        pieces.set(index, new Piece(connection, piece));
                    }
                }
                default -> {
                    for (int flips = gen.between(1, 8); flips > 0 && piece.length > 0; flips--) {
                        int at = gen.between(0, gen.chance(0.5) ? Math.min(39, piece.length - 1) : piece.length - 1);
                        piece[at] ^= (byte) (1 << gen.between(0, 7));
                    }
                    pieces.set(index, new Piece(connection, piece));
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
                if (i == 30_000) {
                    throw new AssertionError("Dray does not listen", e);
                }
                Thread.sleep(2);
            }
        }
    }

    private static void say(Gen gen, Script script, Place to, int answerMs) throws Exception {
        Map<Integer, Channel> open = new TreeMap<>();
        List<Thread> serving = new ArrayList<>();
        open.put(0, connect(to));
        try {
            for (Piece piece : script.pieces) {
                if (!open.containsKey(piece.connection())) {
                    open.put(piece.connection(), Channel.connect(to));
                }
                Channel channel = open.get(piece.connection());
                channel.write(piece.isDescriptor() ? Arrays.copyOf(piece.bytes(), 16) : piece.bytes());
                if (piece.isDescriptor()) {
                    long bytes = gen.chance(0.8) ? 64 << 20 : gen.skewed(128 << 20) & -4096L;
                    try (Fd file = Memfd.create("fuzz", bytes)) {
                        channel.sendDescriptor(piece.bytes()[16], file);
                    }
                }
                if (piece.isRole() && piece.bytes()[0] == 2) {
                    Gen own = gen.fork(piece.connection());
                    serving.add(Thread.ofPlatform().daemon().name("pages").start(() -> givePages(own, channel)));
                } else if (!piece.isRole() && channel.isReadable(answerMs) && channel.read(16)[0] != 1) {
                    return;
                }
            }
        } catch (PeerException _) {
            // Dray has hung up.
        } finally {
            open.values().forEach(Channel::shutdown);
            for (Thread each : serving) {
                each.join();
            }
            open.values().forEach(Channel::close);
        }
    }

    /// Answers requests for pages, badly now and then, until the connection ends.
    private static void givePages(Gen gen, Channel to) {
        try {
            while (to.request().isPresent()) {
                long bytes = to.readRange().bytes();
                long said = gen.chance(0.01) ? LENGTHS[gen.between(0, LENGTHS.length - 1)] : bytes;
                to.answer(gen.chance(0.01) ? gen.between(0, 3) : 1, said);
                to.write(new byte[(int) Math.min(bytes, 1 << 20)]);
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
                Place place = place(gen, house, "s" + i);
                Send eager = Send.of(House.GUEST, house.access(), route(place));
                Send send = new Send(
                        eager.snapshot(),
                        eager.repository(),
                        eager.route(),
                        false,
                        gen.between(1, 4),
                        eager.disks(),
                        isLazy ? House.lazy() : eager.memory(),
                        eager.settings(),
                        eager.copy(),
                        true);
                CompletableFuture<String> end;
                try (Fd listener = place.listen()) {
                    end = run(
                            "case " + i + " of " + all,
                            () -> send.run(new House.Watch()).outcome());
                    answer(gen, listener, i > 0, end);
                } // and whoever is not accepted yet finds its connection broken
                keepIfNew("sender: " + inTime(end), new ArrayList<>(), null);
                if (place instanceof Place.Unix(Path path)) {
                    Files.deleteIfExists(path);
                }
            }
            house.verifies();
        }
        report();
        assertThat(ends).hasSizeGreaterThan(6);
    }

    /// A receiver that takes whatever comes, on any connection, and answers badly now and then.
    private static void answer(Gen gen, Fd listener, boolean isBad, CompletableFuture<String> end) throws Exception {
        int badAt = isBad ? gen.between(0, 8) : -1;
        while (Poll.wait(listener, Poll.POLLIN, 100) == 0) {
            if (end.isDone()) {
                return;
            }
        }
        List<Channel> further = Collections.synchronizedList(new ArrayList<>());
        List<Thread> threads = Collections.synchronizedList(new ArrayList<>());
        var closed = new AtomicBoolean();
        try (Channel main = new Channel(Socket.accept(listener))) {
            threads.add(start(() -> {
                for (int i = 1; !closed.get(); ) {
                    if (Poll.wait(listener, Poll.POLLIN, 20) != 0) {
                        Channel channel = new Channel(Socket.accept(listener));
                        Gen own = gen.fork(i++);
                        further.add(channel);
                        threads.add(start(() -> more(own, channel, isBad)));
                    }
                }
            }));
            answer(gen, main, badAt);
        } catch (PeerException _) {
            // Dray has hung up.
        } finally {
            closed.set(true);
            threads.getFirst().join();
            further.forEach(Channel::shutdown);
            for (Thread each : List.copyOf(threads)) {
                each.join();
            }
            further.forEach(Channel::close);
        }
    }

    private interface Part {
        void play() throws PeerException, SysException;
    }

    private static Thread start(Part part) {
        return Thread.ofPlatform().daemon().name("receiver").start(() -> {
            try {
                part.play();
            } catch (PeerException | SysException _) {
                // Dray has hung up.
            }
        });
    }

    private static void answer(Gen gen, Channel main, int badAt) throws PeerException {
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
    }

    private static void more(Gen gen, Channel channel, boolean isBad) throws PeerException {
        if (channel.readRole() == 2) {
            fetch(gen, channel, isBad);
            return;
        }
        while (true) {
            var header = channel.request();
            if (header.isEmpty()) {
                return;
            }
            long bytes = 0;
            for (long done = 0; done < header.get().length(); done += 16) {
                bytes += channel.readRange().bytes();
            }
            if (isBad && gen.chance(0.1)) {
                return;
            }
            Scripted.skip(channel, bytes);
            channel.answer(isBad && gen.chance(0.1) ? gen.between(0, 3) : 1, isBad && gen.chance(0.1) ? 4096 : 0);
        }
    }

    /// Asks for pages, which come with their answers where no file was handed over.
    private static void fetch(Gen gen, Channel faults, boolean isBad) throws PeerException {
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
            if (!faults.isReadable(ANSWER_MS)) {
                return;
            }
            var answer = faults.response();
            if (answer.status() != 1) {
                return;
            }
            Scripted.skip(faults, answer.length());
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
