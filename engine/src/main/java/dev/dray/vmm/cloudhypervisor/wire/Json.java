package dev.dray.vmm.cloudhypervisor.wire;

import dev.dray.error.PeerException;
import java.math.BigInteger;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.TokenStreamLocation;
import tools.jackson.core.exc.StreamConstraintsException;
import tools.jackson.core.exc.UnexpectedEndOfInputException;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// Reads the peer's JSON. Its numbers go up to 2^64 - 1.
final class Json {
    private static final JsonMapper MAPPER = JsonMapper.builder(JsonFactory.builder()
                    .streamReadConstraints(StreamReadConstraints.builder()
                            .maxTokenCount(WireLimits.TOKENS_MAX)
                            .build())
                    .build())
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .build();
    private static final BigInteger LONG_MAX = BigInteger.valueOf(Long.MAX_VALUE);

    private Json() {}

    static JsonNode parse(byte[] bytes, String what) throws PeerException {
        try {
            JsonNode node = MAPPER.readTree(bytes);
            if (!node.isObject()) {
                throw Refusal.broken(what + " is no JSON object");
            }
            return node;
        } catch (JacksonException e) {
            throw Refusal.broken(what + " is no JSON: " + fault(e));
        }
    }

    /// Where a document stops being JSON, in a few words: the parser's own are about its API.
    static String fault(JacksonException e) {
        TokenStreamLocation at = e.getLocation();
        long bytes = at == null ? -1 : Math.max(at.getByteOffset(), at.getCharOffset());
        String fault = switch (e) {
            case UnexpectedEndOfInputException _ -> "it breaks off";
            case StreamConstraintsException _ -> "it has more in it than can be";
            default -> "it goes wrong";
        };
        return bytes < 0 ? fault : fault + " after " + bytes + " bytes";
    }

    /// A number from 0 to 2^63 - 1.
    static long number(JsonNode parent, String field, String what) throws PeerException {
        JsonNode node = parent.path(field);
        if (!node.isIntegralNumber()
                || node.bigIntegerValue().signum() < 0
                || node.bigIntegerValue().compareTo(LONG_MAX) > 0) {
            throw Refusal.broken(what + " has '" + field + "' " + brief(node));
        }
        return node.longValue();
    }

    private static String brief(JsonNode node) {
        String text = node.toString();
        return text.length() <= 40 ? text : text.substring(0, 40) + "…";
    }
}
