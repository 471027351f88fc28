package dev.dray.testbed;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.function.Predicate;
import java.util.stream.Stream;
import java.util.zip.GZIPInputStream;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// A migration recorded between a real Cloud Hypervisor and its peer: what went over each connection in which order.
/// The README beside the recordings says how they are written down.
///
/// @param name of the VM and the flow: `small-snapshot-local`
/// @param facts what the recording says of itself
/// @param events in the order in which they were seen
public record ChTrace(String name, JsonNode facts, List<Event> events) {
    private static final String FOLDER = "/golden/cloud-hypervisor/";

    private static final List<String> NAMES = List.of(
            "small-snapshot-local",
            "small-snapshot-preserve",
            "small-restore-eager",
            "small-restore-eager-paused",
            "small-restore-ondemand",
            "small-local-ch-to-ch",
            "small-unix-precopy",
            "small-tcp-precopy-1",
            "small-tcp-precopy-1-private",
            "small-tcp-precopy-4",
            "mid-tcp-precopy-4",
            "small-unix-postcopy",
            "small-tcp-postcopy");

    /// Who said something. The sender of a migration is who connects.
    public enum Speaker {
        SENDER,
        RECEIVER,
        /// A new connection is nobody's word.
        NOBODY
    }

    /// One thing that was seen.
    ///
    /// @param number counts from 0
    /// @param connection 0 is the main one
    /// @param kind `connect`, `role`, a command (`Start`, `Config`, ...), `response` or `eof`
    /// @param bytes as they went over the wire; of `Memory` without the memory itself
    /// @param fields all that the recording says
    @SuppressWarnings("ArrayRecordComponent") // events are not compared
    public record Event(int number, int connection, Speaker speaker, String kind, byte[] bytes, JsonNode fields) {
        public Event {
            bytes = bytes.clone();
        }

        @Override
        public byte[] bytes() {
            return bytes.clone();
        }

        /// What follows the message's 16-byte header.
        public byte[] payload() {
            return Arrays.copyOfRange(bytes, 16, bytes.length);
        }

        public boolean is(String otherKind) {
            return kind.equals(otherKind);
        }

        /// The request that a response answers; empty on a Fault connection, where there is only one kind.
        public String answers() {
            return fields.path("to").asString("");
        }

        /// How many bytes of memory followed the bytes of a `Memory`, or are in the answer to a `PageFault`.
        public long memoryBytes() {
            return is("response")
                    ? fields.path("length").asLong(0)
                    : fields.path("data_len").asLong(0);
        }

        @Override
        public String toString() {
            return number + ": " + connection + " " + speaker + " " + kind;
        }
    }

    public ChTrace {
        events = List.copyOf(events);
    }

    /// Every recording.
    public static Stream<ChTrace> all() {
        return NAMES.stream().map(ChTrace::of);
    }

    public static ChTrace of(String name) {
        byte[] bytes = resource(name + ".bin.gz");
        List<JsonNode> lines = new String(resource(name + ".jsonl.gz"), StandardCharsets.UTF_8)
                .lines()
                .map(line -> JsonMapper.shared().readTree(line))
                .toList();
        return new ChTrace(
                name,
                lines.getFirst(),
                lines.stream().skip(1).map(line -> event(line, bytes)).toList());
    }

    private static Event event(JsonNode line, byte[] bytes) {
        int offset = line.path("off").asInt(0);
        Speaker speaker = switch (line.path("d").asString("")) {
            case "S>D" -> Speaker.SENDER;
            case "D>S" -> Speaker.RECEIVER;
            default -> Speaker.NOBODY;
        };
        return new Event(
                line.path("n").asInt(),
                line.path("c").asInt(),
                speaker,
                line.path("e").asString(),
                Arrays.copyOfRange(bytes, offset, offset + line.path("len").asInt(0)),
                line);
    }

    /// What was seen on one connection.
    public List<Event> connection(int index) {
        return events.stream().filter(event -> event.connection() == index).toList();
    }

    public int connections() {
        return (int) events.stream().filter(event -> event.is("connect")).count();
    }

    /// The first event of a kind.
    public Event first(String kind) {
        Predicate<Event> isThat = event -> event.is(kind);
        return events.stream().filter(isThat).findFirst().orElseThrow();
    }

    /// The Config document.
    public byte[] config() {
        return first("Config").payload();
    }

    /// The State document.
    public byte[] state() {
        return first("State").payload();
    }

    @Override
    public String toString() {
        return name;
    }

    private static byte[] resource(String name) {
        try (InputStream in = ChTrace.class.getResourceAsStream(FOLDER + name)) {
            if (in == null) {
                throw new IllegalStateException("no resource " + FOLDER + name);
            }
            return new GZIPInputStream(in).readAllBytes();
        } catch (IOException e) {
            throw new UncheckedIOException(name, e);
        }
    }
}
