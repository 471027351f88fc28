package dev.dray;

import java.util.Optional;
import tools.jackson.databind.node.ObjectNode;

/// A repository was made.
///
/// @param repository its id, 32 hex digits
/// @param keyFileMade the key file that was made, if one was
public record Initialized(
        String place, String repository, boolean encrypted, Init.Dedup dedup, Optional<String> keyFileMade)
        implements Outcome {
    @Override
    public String outcome() {
        return "initialized";
    }

    @Override
    public ObjectNode json() {
        ObjectNode json = OutcomeJson.of(outcome())
                .put("place", place)
                .put("repository", repository)
                .put("encrypted", encrypted)
                .put("dedup", dedup.word());
        keyFileMade.ifPresent(file -> json.put("key_file_made", file));
        return json;
    }
}
