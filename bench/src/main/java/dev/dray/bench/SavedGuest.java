package dev.dray.bench;

import dev.dray.error.PeerException;
import dev.dray.vmm.cloudhypervisor.wire.MigrationConfig;
import dev.dray.vmm.cloudhypervisor.wire.RamSlot;
import java.nio.file.Path;
import java.util.List;

/// A guest in plain files.
final class SavedGuest {
    private final byte[] config;
    private final byte[] state;
    private final List<RamSlot> slots;
    private final Path directory;

    /// @param config the Config document
    /// @param state the State document
    SavedGuest(byte[] config, byte[] state, Path directory) throws PeerException {
        this.config = config;
        this.state = state;
        this.slots = MigrationConfig.parse(config).slots();
        this.directory = directory;
    }

    byte[] config() {
        return config;
    }

    byte[] state() {
        return state;
    }

    List<RamSlot> slots() {
        return slots;
    }

    /// Where a slot's memory is.
    Path file(RamSlot slot) {
        return directory.resolve("slot-" + slot.slot());
    }
}
