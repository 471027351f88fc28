package dev.dray.machine.cloudhypervisor;

import dev.dray.error.PeerException;
import dev.dray.machine.vmm.FaultStep;
import java.nio.charset.StandardCharsets;
import java.util.Set;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/// The calls of the REST API.
final class ApiCalls {
    private static final String BASE = "/api/v1/";

    private static final Set<String> WITHOUT_BODY =
            Set.of("vm.pause", "vm.resume", "vm.shutdown", "vm.delete", "vm.boot", "vm.reboot", "vmm.shutdown");

    private final CloudHypervisorDialect dialect;
    private final Ownership ownership;
    private final Model model;

    ApiCalls(CloudHypervisorDialect dialect, Ownership ownership, Model model) {
        this.dialect = dialect;
        this.ownership = ownership;
        this.model = model;
    }

    /// Carries out one call. Calls come from one thread at a time, as in the real one: while a guest comes in, none is
    /// answered.
    ///
    /// @param stall waits until the client has gone
    ApiAnswer answer(String method, String path, byte[] body, Runnable stall) {
        try {
            if (!path.startsWith(BASE)) {
                throw notFound();
            }
            dialect.reach(FaultStep.CONTROL_COMMAND, stall);
            String call = path.substring(BASE.length());
            return method.equals("GET") ? get(call) : put(method, call, body);
        } catch (ApiException e) {
            return ApiAnswer.of(e);
        } catch (PeerException e) {
            return ApiAnswer.of(ApiException.because(String.valueOf(e.getMessage())));
        }
    }

    private static ApiException notFound() {
        return new ApiException(ApiException.NOT_FOUND, "Not Found");
    }

    private ApiAnswer get(String call) throws ApiException {
        return switch (call) {
            case "vmm.ping" -> ApiAnswer.of(ping());
            case "vm.info" -> ApiAnswer.of(ownership.info());
            case "vm.counters" -> {
                ownership.checkCounters();
                yield ApiAnswer.of(JsonMapper.shared().createObjectNode());
            }
            default -> throw notFound();
        };
    }

    private ObjectNode ping() {
        ObjectNode ping = JsonMapper.shared().createObjectNode();
        ping.put("build_version", model.buildVersion()).put("version", model.version());
        ping.put("pid", dialect.process()).putArray("features").add("kvm");
        return ping;
    }

    private ApiAnswer put(String method, String call, byte[] body) throws ApiException {
        if (!method.equals("PUT") || (WITHOUT_BODY.contains(call) && body.length > 0)) {
            throw new ApiException(ApiException.BAD_REQUEST, "Bad Request");
        }
        switch (call) {
            case "vm.pause" -> ownership.pause();
            case "vm.resume" -> ownership.resume();
            case "vm.shutdown" -> ownership.shutdown();
            case "vm.delete" -> ownership.delete();
            case "vm.boot", "vm.reboot" -> ownership.checkBoot();
            case "vm.snapshot" -> ownership.checkSnapshot();
            case "vm.send-migration" -> {
                return ApiAnswer.before(dialect.send(SendOrder.parse(json(body), model.isV53())));
            }
            case "vm.receive-migration" -> receive(json(body));
            case "vmm.shutdown" -> {
                ownership.delete();
                return ApiAnswer.before(dialect::quit);
            }
            default -> throw notFound();
        }
        return ApiAnswer.none();
    }

    private void receive(JsonNode body) throws ApiException {
        JsonNode url = body.path("receiver_url");
        if (!url.isString()) {
            throw SendOrder.malformed("missing field `receiver_url`");
        }
        SendOrder.refuseTls(body);
        String mode = body.path("memory_mode").asString("Precopy");
        if (!Set.of("Precopy", "Postcopy").contains(mode)) {
            throw SendOrder.malformed("unknown variant `" + mode + "`, expected `Precopy` or `Postcopy`");
        }
        ownership.checkRoom();
        Place at = Place.parse(url.asString())
                .orElseThrow(() -> DestinationRun.failed(
                        "Failed to receive migratable component snapshot",
                        "Invalid receive migration configuration",
                        "Expected receiver_url to either use `tcp` or `unix` prefix"));
        dialect.receive(at, mode.equals("Postcopy"));
    }

    private static JsonNode json(byte[] body) throws ApiException {
        try {
            return JsonMapper.shared().readTree(new String(body, StandardCharsets.UTF_8));
        } catch (JacksonException e) {
            throw SendOrder.malformed(String.valueOf(e.getOriginalMessage()));
        }
    }
}
