package dev.dray.vmm.cloudhypervisor;

import dev.dray.error.PeerException;
import dev.dray.vmm.ProcessIdentity;
import dev.dray.vmm.Whereabouts;
import java.util.Optional;
import java.util.OptionalLong;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.MissingNode;

/// What a Cloud Hypervisor says of itself and its VM.
///
/// @param buildVersion as `vmm.ping` has it: a tag, or a commit
/// @param pid of its process; empty if it cannot be told which one that is
/// @param state `Running`, `Paused`, `Created`, ...; empty if it has no VM
/// @param config the VM's configuration; missing if it has no VM
/// @param identity of its process among all of this boot; empty if it cannot be seen
record VmFacts(
        Versions versions,
        String buildVersion,
        Optional<Long> pid,
        Optional<String> identity,
        String state,
        JsonNode config) {
    static final String RUNNING = "Running";
    static final String PAUSED = "Paused";

    static VmFacts ask(ApiClient api) throws PeerException {
        ApiClient.Answer ping = api.get("vmm.ping");
        if (!ping.isOk()) {
            throw new PeerException(
                    "Cloud Hypervisor does not answer vmm.ping: " + ping.reason(),
                    "see whether this is the --api-socket of a Cloud Hypervisor");
        }
        JsonNode vmm = ping.json("vmm.ping");
        Optional<Long> pid = process(ping.process(), vmm.path("pid"));
        ApiClient.Answer info = api.get("vm.info");
        if (!info.isOk() && info.status() != 404 && !info.reason().contains("VmNotCreated")) {
            throw new PeerException("Cloud Hypervisor does not answer vm.info: " + info.reason(), "see its log");
        }
        JsonNode vm = info.isOk() ? info.json("vm.info") : MissingNode.getInstance();
        return new VmFacts(
                Versions.of(vmm.path("version").asString("")),
                vmm.path("build_version").asString(""),
                pid,
                pid.flatMap(ProcessIdentity::of),
                vm.path("state").asString(""),
                vm.path("config"));
    }

    /// Whoever listens at the socket, if the VMM's own account of itself fits: in a container it has another number
    /// than here, and its socket may have been opened by somebody else.
    private static Optional<Long> process(OptionalLong listening, JsonNode said) {
        return listening.isPresent()
                        && said.isIntegralNumber()
                        && ProcessIdentity.knowsItselfAs(listening.getAsLong(), said.longValue())
                ? Optional.of(listening.getAsLong())
                : Optional.empty();
    }

    /// What `vm.info` says of the VM's state now; empty if it does not say.
    static String state(ApiClient api) {
        try {
            ApiClient.Answer info = api.get("vm.info");
            return info.isOk() ? info.json("vm.info").path("state").asString("") : "";
        } catch (PeerException e) {
            return "";
        }
    }

    static Whereabouts whereabouts(String state) {
        return switch (state) {
            case RUNNING -> Whereabouts.RUNNING;
            case PAUSED -> Whereabouts.PAUSED;
            default -> Whereabouts.UNKNOWN;
        };
    }

    /// Where the guest is now.
    Whereabouts whereabouts(ApiClient api) {
        String now = state(api);
        return now.isEmpty() && isProcessGone() ? Whereabouts.GONE : whereabouts(now);
    }

    /// Whether the process is still there, as far as can be seen.
    boolean isProcessThere() {
        return identity.isPresent() && !isProcessGone();
    }

    /// Whether the process has ended; false if it cannot be seen.
    boolean isProcessGone() {
        return identity.map(ProcessIdentity::hasEnded).orElse(false);
    }

    /// Whether this is the process that had this identity.
    boolean isOf(String process) {
        return identity.filter(process::equals).isPresent();
    }
}
