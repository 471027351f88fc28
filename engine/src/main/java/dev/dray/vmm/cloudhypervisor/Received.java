package dev.dray.vmm.cloudhypervisor;

import dev.dray.state.MachineState;
import dev.dray.vmm.CaptureMode;
import dev.dray.vmm.CapturedMachine;
import dev.dray.vmm.GuestDisk;
import dev.dray.vmm.HostFacts;
import dev.dray.vmm.cloudhypervisor.wire.MigrationConfig;
import dev.dray.vmm.cloudhypervisor.wire.ReceiverCourse.Transport;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/// All of a received guest but its memory.
///
/// @param config what `configBytes` say
/// @param ran whether the guest ran before the migration
/// @param near whether its VMM is on this host
@SuppressWarnings("ArrayRecordComponent") // the documents as they came; never compared
record Received(
        MigrationConfig config, byte[] configBytes, byte[] state, boolean ran, Transport transport, boolean near) {
    /// The dialect's name in a snapshot, and those of its two documents.
    static final String DIALECT = "cloud-hypervisor";

    static final String CONFIG = "config";
    static final String STATE = "state";

    static final String WAS_RUNNING = "was_running";
    static final String DISKS = "disks";

    /// @param versions of the VMM, as far as it is known
    /// @param hookId of the disks' state, if the user's own command has captured them
    CapturedMachine captured(
            Instant taken, CaptureMode mode, Versions versions, String buildVersion, Optional<String> hookId) {
        ObjectNode facts = JsonMapper.shared().createObjectNode();
        facts.put("version", versions.version());
        facts.put("build_version", buildVersion);
        facts.put(WAS_RUNNING, ran);
        facts.put("path", transport.name().toLowerCase(java.util.Locale.ROOT));
        GuestDisk.note(Disks.writable(config.vmConfig()), hookId, facts.putArray(DISKS));
        hookId.ifPresent(id -> facts.put(GuestDisk.HOOK_ID, id));
        if (near) {
            facts.set("host", HostFacts.read());
        }
        var parts = new TreeMap<>(Map.of(CONFIG, configBytes, STATE, state));
        return new CapturedMachine(taken, versions.vmm(), mode, new MachineState(DIALECT, parts), facts);
    }
}
