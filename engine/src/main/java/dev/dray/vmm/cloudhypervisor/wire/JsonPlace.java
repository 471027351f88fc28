package dev.dray.vmm.cloudhypervisor.wire;

import dev.dray.error.PeerException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.json.JsonFactory;

/// Where in a JSON document a value stands, in bytes.
///
/// @param from its first byte
/// @param to the byte after its last
/// @param token what it begins with
public record JsonPlace(int from, int to, JsonToken token) {
    private static final JsonFactory JSON = factory(WireLimits.TOKENS_MAX);

    /// For documents with a long table of ranges: six tokens each.
    private static final JsonFactory LONG = factory(WireLimits.TOKENS_MAX + 6 * WireLimits.DOCUMENT_RANGES_MAX);

    private static final Pattern STEP = Pattern.compile("([^.\\[\\]]+)|\\[([0-9]{1,6})\\]");

    /// The place of `path`, as in `disks[0].path`, in a document that is read to its end; empty if nothing is there.
    ///
    /// @param path empty for the whole document
    /// @param what the document is, for messages
    /// @throws PeerException if the document is not JSON
    public static Optional<JsonPlace> of(byte[] document, String path, String what) throws PeerException {
        return of(JSON, document, path, what);
    }

    /// As [#of(byte[], String, String)], in a document that has a table of memory ranges.
    public static Optional<JsonPlace> besideRanges(byte[] document, String path, String what) throws PeerException {
        return of(LONG, document, path, what);
    }

    private static JsonFactory factory(long tokensMax) {
        return JsonFactory.builder()
                .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                .streamReadConstraints(
                        StreamReadConstraints.builder().maxTokenCount(tokensMax).build())
                .build();
    }

    private static Optional<JsonPlace> of(JsonFactory json, byte[] document, String path, String what)
            throws PeerException {
        try (JsonParser parser = json.createParser(ObjectReadContext.empty(), document)) {
            JsonToken first = parser.nextToken();
            JsonPlace found = first == null ? null : find(parser, document, first, steps(path), 0);
            while (parser.nextToken() != null) {
                // to the end: what is cut off or follows makes it another document
            }
            return Optional.ofNullable(found);
        } catch (JacksonException e) {
            throw new PeerException(what + " is no JSON: " + Json.fault(e), "verify the snapshot", e);
        }
    }

    /// The byte behind the closing quote; the parser sees to it that there is one.
    private static int endOfString(byte[] document, int from) {
        int at = from + 1;
        while (at < document.length && document[at] != '"') {
            at += document[at] == '\\' ? 2 : 1;
        }
        return Math.min(at + 1, document.length);
    }

    /// What the string that stands here says, in UTF-8.
    InputStream text(byte[] document) {
        return new JsonText(document, from + 1, to - 1);
    }

    private static List<String> steps(String path) {
        var steps = new ArrayList<String>();
        Matcher matcher = STEP.matcher(path);
        while (matcher.find()) {
            steps.add(matcher.group());
        }
        return steps;
    }

    /// Reads the value that the parser stands at, and leaves it at the value's last token.
    private static @Nullable JsonPlace find(
            JsonParser parser, byte[] document, JsonToken at, List<String> steps, int depth) {
        if (depth == steps.size()) {
            int from = Math.toIntExact(parser.currentTokenLocation().getByteOffset());
            if (at == JsonToken.VALUE_STRING) {
                return new JsonPlace(from, endOfString(document, from), at); // it may be long, and is never a whole
            }
            parser.skipChildren();
            parser.finishToken();
            return new JsonPlace(from, Math.toIntExact(parser.currentLocation().getByteOffset()), at);
        }
        String step = steps.get(depth);
        JsonPlace found = null;
        int index = 0;
        if (at != JsonToken.START_OBJECT && at != JsonToken.START_ARRAY) {
            return null;
        }
        for (JsonToken next = parser.nextToken(); next != null && !next.isStructEnd(); next = parser.nextToken()) {
            String name = at == JsonToken.START_ARRAY ? "[" + index++ + "]" : parser.currentName();
            JsonToken value = next == JsonToken.PROPERTY_NAME ? parser.nextToken() : next;
            if (step.equals(name)) {
                found = find(parser, document, value, steps, depth + 1);
            } else {
                parser.skipChildren();
            }
        }
        return found;
    }
}
