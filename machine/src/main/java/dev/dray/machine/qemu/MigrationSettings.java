package dev.dray.machine.qemu;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// Migration capabilities and parameters: what there is, what may be set to what. Names, limits and texts are those of
/// QEMU 10.0.2; a capability that exists there but not here is refused when it is switched on.
final class MigrationSettings {
    private static final List<String> CAPABILITIES = List.of(
            "xbzrle",
            "rdma-pin-all",
            "auto-converge",
            "zero-blocks",
            "events",
            "postcopy-ram",
            "x-colo",
            "release-ram",
            "return-path",
            "pause-before-switchover",
            "multifd",
            "dirty-bitmaps",
            "postcopy-blocktime",
            "late-block-activate",
            "x-ignore-shared",
            "validate-uuid",
            "background-snapshot",
            "zero-copy-send",
            "postcopy-preempt",
            "switchover-ack",
            "dirty-limit",
            "mapped-ram");

    private static final Set<String> IMPLEMENTED =
            Set.of("events", "return-path", "pause-before-switchover", "background-snapshot");

    /// In QEMU's order of checking.
    private static final List<String> NOT_WITH_BACKGROUND = List.of(
            "postcopy-ram",
            "dirty-bitmaps",
            "postcopy-blocktime",
            "late-block-activate",
            "return-path",
            "multifd",
            "pause-before-switchover",
            "auto-converge",
            "release-ram",
            "rdma-pin-all",
            "xbzrle",
            "x-colo",
            "validate-uuid",
            "zero-copy-send");

    private static final String DEFAULTS = """
            {"announce-initial": 50, "announce-max": 550, "announce-rounds": 5, "announce-step": 100,
             "throttle-trigger-threshold": 50, "cpu-throttle-initial": 20, "cpu-throttle-increment": 10,
             "cpu-throttle-tailslow": false, "max-cpu-throttle": 99, "tls-creds": "", "tls-hostname": "",
             "tls-authz": "", "max-bandwidth": 134217728, "avail-switchover-bandwidth": 0, "downtime-limit": 300,
             "x-checkpoint-delay": 20000, "multifd-channels": 2, "xbzrle-cache-size": 67108864,
             "max-postcopy-bandwidth": 0, "multifd-compression": "none", "multifd-zlib-level": 1,
             "multifd-zstd-level": 1, "multifd-qatzip-level": 1, "x-vcpu-dirty-limit-period": 1000,
             "vcpu-dirty-limit": 1, "mode": "normal", "zero-page-detection": "multifd", "direct-io": false}
            """;

    private final Set<String> refused;
    private final Map<String, Boolean> capabilities = new LinkedHashMap<>();
    private final ObjectNode parameters;

    /// @param refused capabilities that this host is said not to allow
    MigrationSettings(Set<String> refused) {
        this.refused = refused;
        CAPABILITIES.forEach(name -> capabilities.put(name, false));
        parameters = (ObjectNode) JsonMapper.shared().readTree(DEFAULTS);
    }

    synchronized boolean isOn(String capability) {
        return capabilities.getOrDefault(capability, false);
    }

    synchronized long number(String parameter, long otherwise) {
        return parameters.path(parameter).asLong(otherwise);
    }

    synchronized SourceCourse.Plan plan() {
        return new SourceCourse.Plan(isOn("return-path"), isOn("background-snapshot"), isOn("pause-before-switchover"));
    }

    synchronized ArrayNode capabilities() {
        ArrayNode list = JsonMapper.shared().createArrayNode();
        capabilities.forEach(
                (name, state) -> list.addObject().put("state", state).put("capability", name));
        return list;
    }

    synchronized ObjectNode parameters() {
        return parameters.deepCopy();
    }

    /// All of the list, or none of it.
    synchronized void setCapabilities(JsonNode list) throws QmpException {
        Map<String, Boolean> wanted = new LinkedHashMap<>(capabilities);
        for (JsonNode each : list) {
            String name = each.path("capability").asString("");
            if (!capabilities.containsKey(name)) {
                throw new QmpException("Parameter 'capability' does not accept value '" + name + "'");
            }
            wanted.put(name, each.path("state").asBoolean(false));
        }
        check(wanted);
        capabilities.putAll(wanted);
    }

    private void check(Map<String, Boolean> wanted) throws QmpException {
        if (on(wanted, "background-snapshot")) {
            for (String other : NOT_WITH_BACKGROUND) {
                if (on(wanted, other)) {
                    throw new QmpException("Background-snapshot is not compatible with " + other);
                }
            }
        }
        for (Map.Entry<String, Boolean> each : wanted.entrySet()) {
            if (each.getValue() && refused.contains(each.getKey())) {
                throw new QmpException(
                        each.getKey().equals("background-snapshot")
                                ? "Background-snapshot is not supported by host kernel"
                                : "Capability '" + each.getKey() + "' is not supported by this host");
            }
            if (each.getValue() && !IMPLEMENTED.contains(each.getKey())) {
                throw new QmpException("The built-in machine does not have the capability '" + each.getKey() + "'");
            }
        }
    }

    private static boolean on(Map<String, Boolean> states, String name) {
        return states.getOrDefault(name, false);
    }

    /// All of the object, or none of it.
    synchronized void setParameters(JsonNode wanted) throws QmpException {
        for (Map.Entry<String, JsonNode> each : wanted.properties()) {
            String name = each.getKey();
            JsonNode old = parameters.get(name);
            if (old == null) {
                throw new QmpException("Parameter '" + name + "' is unexpected");
            }
            if (old.isNumber() && !each.getValue().isIntegralNumber()) {
                throw new QmpException("Invalid parameter type for '" + name + "', expected: integer");
            }
            checkRange(name, each.getValue());
        }
        wanted.properties().forEach(each -> parameters.set(each.getKey(), each.getValue()));
    }

    private static void checkRange(String name, JsonNode value) throws QmpException {
        long number = value.asLong(0);
        switch (name) {
            case "downtime-limit" -> {
                if (number < 0 || number > 2_000_000) {
                    throw new QmpException(
                            "Parameter 'downtime_limit' expects an integer in the range of 0 to (2000 * 1000) ms");
                }
            }
            case "multifd-channels" -> {
                if (number < 1 || number > 255) {
                    throw new QmpException("Parameter 'multifd_channels' expects a value between 1 and 255");
                }
            }
            case "max-bandwidth" -> {
                if (number < 0) {
                    throw new QmpException("Parameter 'max_bandwidth' expects an integer in the range of 0 to "
                            + Long.MAX_VALUE + " bytes/second");
                }
            }
            default -> {
                // Any value of the right type.
            }
        }
    }
}
