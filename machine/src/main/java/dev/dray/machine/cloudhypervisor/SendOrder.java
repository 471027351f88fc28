package dev.dray.machine.cloudhypervisor;

import java.util.Set;
import tools.jackson.databind.JsonNode;

/// What `vm.send-migration` asks for.
///
/// @param isLocal memory is handed over as descriptors
/// @param preserve the VM stays
/// @param isPostcopy memory is fetched page by page
/// @param connections how many carry memory; 1 is the main one alone
/// @param cancels whether the time limit ends the migration, and not only its copying of a running guest
record SendOrder(
        Place to,
        boolean isLocal,
        boolean preserve,
        boolean isPostcopy,
        int connections,
        long downtimeMs,
        long timeLimitSeconds,
        boolean cancels) {
    static final int CONNECTIONS_MAX = 128;
    private static final long DOWNTIME_MS = 300;
    private static final long TIME_LIMIT_SECONDS = 3600;

    static SendOrder parse(JsonNode body, boolean isV53) throws ApiException {
        JsonNode url = body.path("destination_url");
        if (!url.isString()) {
            throw malformed("missing field `destination_url`");
        }
        String mode = body.path("memory_mode").asString("Precopy");
        if (!Set.of("Precopy", "Postcopy").contains(mode)) {
            throw malformed("unknown variant `" + mode + "`, expected `Precopy` or `Postcopy`");
        }
        String strategy = body.path("timeout_strategy").asString("Cancel");
        if (!Set.of("Cancel", "Ignore").contains(strategy)) {
            throw malformed("unknown variant `" + strategy + "`, expected `Cancel` or `Ignore`");
        }
        refuseTls(body);
        SendOrder order = new SendOrder(
                Place.parse(url.asString())
                        .orElseThrow(() -> invalid("Expected destination_url to either use `tcp` or `unix` prefix")),
                body.path("local").asBoolean(false),
                !isV53 && body.path("preserve_source").asBoolean(false),
                mode.equals("Postcopy"),
                (int) number(body, "connections", 1),
                number(body, "downtime_ms", DOWNTIME_MS),
                number(body, "timeout_s", TIME_LIMIT_SECONDS),
                strategy.equals("Cancel"));
        order.validate();
        return order;
    }

    private static long number(JsonNode body, String field, long standard) throws ApiException {
        long value = body.path(field).asLong(standard);
        if (value <= 0) {
            throw malformed("invalid value: integer `" + value + "`, expected a nonzero u64");
        }
        return value;
    }

    private void validate() throws ApiException {
        if (connections > CONNECTIONS_MAX) {
            throw invalid("connections must not exceed " + CONNECTIONS_MAX + ".");
        }
        if (to instanceof Place.Unix && connections > 1) {
            throw invalid("UNIX sockets and connections option cannot be used at the same time.");
        }
        if (to instanceof Place.Tcp && isLocal) {
            throw invalid("local option is only supported with UNIX sockets.");
        }
        if (preserve && !isLocal) {
            throw invalid("preserve_source option is only supported with the local option.");
        }
        if (isPostcopy && isLocal) {
            throw invalid("memory_mode=postcopy and local options are mutually exclusive.");
        }
        if (isPostcopy && connections > 1) {
            throw invalid("memory_mode=postcopy and connections > 1 are mutually exclusive.");
        }
    }

    static ApiException malformed(String why) {
        return new ApiException(ApiException.BAD_REQUEST, "Failed to deserialize JSON", why);
    }

    /// This machine has no TLS, and what is to be encrypted is not sent in clear.
    static void refuseTls(JsonNode body) throws ApiException {
        if (body.path("tls_dir").isString()) {
            throw invalid("tls_dir: this machine does not speak TLS");
        }
    }

    private static ApiException invalid(String why) {
        return refused("Invalid send migration configuration", "Error validating send migration parameters: " + why);
    }

    static ApiException refused(String... reasons) {
        String[] all = new String[reasons.length + 1];
        all[0] = "Failed to send migratable component snapshot";
        System.arraycopy(reasons, 0, all, 1, reasons.length);
        return ApiException.because("Error dispatching the migration worker", all);
    }
}
