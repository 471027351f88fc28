package dev.dray.machine.cloudhypervisor;

import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;

/// What a call of the API is answered.
///
/// @param body JSON; empty if there is none
/// @param after what is done once it has gone out, or could not
record ApiAnswer(int status, String body, Runnable after) {
    static final int OK = 200;
    static final int NO_CONTENT = 204;

    static ApiAnswer none() {
        return new ApiAnswer(NO_CONTENT, "", ApiAnswer::nothing);
    }

    private static void nothing() {}

    /// To a call whose work begins only then: the VMM may be gone by the end of it.
    static ApiAnswer before(Runnable work) {
        return new ApiAnswer(NO_CONTENT, "", work);
    }

    static ApiAnswer of(JsonNode body) {
        return new ApiAnswer(OK, JsonMapper.shared().writeValueAsString(body), ApiAnswer::nothing);
    }

    /// Reasons are an array of strings, the outermost first.
    static ApiAnswer of(ApiException failure) {
        ArrayNode reasons = JsonMapper.shared().createArrayNode();
        failure.reasons().forEach(reasons::add);
        return new ApiAnswer(failure.status(), JsonMapper.shared().writeValueAsString(reasons), ApiAnswer::nothing);
    }
}
