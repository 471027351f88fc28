package dev.dray.vmm.cloudhypervisor;

import dev.dray.error.RefusedException;
import dev.dray.vmm.AfterCapture;
import dev.dray.vmm.CaptureMode;
import dev.dray.vmm.CaptureOrder;
import dev.dray.vmm.cloudhypervisor.wire.MigrationConfig;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/// How a guest comes out of its VMM, as a function of what was asked and what was found.
///
/// @param way how its memory comes
/// @param preserved whether the VMM keeps it, standing still
/// @param mode never [CaptureMode#AUTO]
/// @param reason why this mode, one sentence without a full stop
record CaptureRoute(Way way, boolean preserved, CaptureMode mode, String reason) {
    /// How memory comes.
    enum Way {
        /// As descriptors of what the VMM itself has mapped.
        LOCAL,
        /// As a stream of pages, until few enough are left.
        STREAM,
        /// Asked for page by page, from a guest that stands still.
        PULL
    }

    static CaptureRoute of(CaptureOrder order, VmFacts facts) throws RefusedException {
        facts.versions().check(order.ownRisk());
        boolean runs = facts.state().equals(VmFacts.RUNNING);
        if (!runs && !facts.state().equals(VmFacts.PAUSED)) {
            throw new RefusedException(
                    facts.state().isEmpty()
                            ? "This Cloud Hypervisor has no VM"
                            : "The VM is in the state " + facts.state() + ", which cannot be captured",
                    "bring it to Running or Paused first");
        }
        if (order.mode() == CaptureMode.BACKGROUND) {
            throw new RefusedException(
                    "Cloud Hypervisor cannot write an image behind a guest that runs on", "use --mode live or auto");
        }
        boolean local = isHandedOver(facts.config());
        boolean preserved = local && facts.versions().preservesSource();
        if (!preserved && order.after() != AfterCapture.QUIT) {
            throw new RefusedException(
                    local
                            ? facts.versions().vmm() + " always ends a VM that it migrates: it can only be captured"
                                    + " with --after quit"
                            : "This VM's memory is not shared with other processes, and so it ends as it is captured:"
                                    + " that goes only with --after quit",
                    local
                            ? "use --after quit and restore, or a Cloud Hypervisor after v53"
                            : "use --after quit and restore, or start it with --memory shared=on");
        }
        CaptureMode mode = runs && order.mode() != CaptureMode.STOP ? CaptureMode.LIVE : CaptureMode.STOP;
        Way way = local ? Way.LOCAL : mode == CaptureMode.LIVE ? Way.STREAM : Way.PULL;
        return new CaptureRoute(way, preserved, mode, reason(order, runs, way));
    }

    private static String reason(CaptureOrder order, boolean runs, Way way) {
        if (!runs) {
            return "the guest stands still already";
        }
        if (order.mode() != CaptureMode.AUTO) {
            return "asked for";
        }
        return way == Way.LOCAL
                ? "the VMM shares its guest's memory, which is copied while the guest runs"
                : "the VMM does not share its guest's memory, and sends it while the guest runs";
    }

    /// Whether all of the memory comes as descriptors that show what the guest sees. The VMM also hands over a
    /// file of huge pages that it has mapped privately, whose descriptor does not have what the guest has
    /// written.
    static boolean isHandedOver(JsonNode vmConfig) {
        if (!MigrationConfig.sharedMemory(vmConfig)) {
            return false;
        }
        for (JsonNode zone : vmConfig.path("memory").path("zones")) {
            if (zone.has("file") && !zone.path("shared").asBoolean(false)) {
                return false;
            }
        }
        return true;
    }

    /// The body of `vm.send-migration`.
    ObjectNode request(Endpoint to, CaptureOrder order) {
        ObjectNode body = JsonMapper.shared().createObjectNode();
        body.put("destination_url", to.url());
        switch (way) {
            case LOCAL -> {
                body.put("local", true);
                if (preserved) {
                    body.put("preserve_source", true);
                }
            }
            case STREAM -> {
                body.put("downtime_ms", Math.max(1, order.downtimeLimit().toMillis()));
                body.put("timeout_s", Math.max(1, order.timeLimit().toSeconds()));
                body.put("timeout_strategy", order.stopWhenTimeUp() ? "Ignore" : "Cancel");
            }
            case PULL -> body.put("memory_mode", "Postcopy");
        }
        return body;
    }
}
