package dev.dray.format;

import dev.dray.error.CorruptException;
import dev.dray.error.DrayException;
import dev.dray.error.MachineException;
import dev.dray.error.PeerException;
import dev.dray.error.RefusedException;
import dev.dray.error.UsageException;
import dev.dray.memory.GuestMemoryMap;
import dev.dray.state.MachineState;
import dev.dray.vmm.CaptureMode;
import dev.dray.vmm.CaptureStore;
import dev.dray.vmm.CapturedMachine;
import dev.dray.vmm.GuestDisk;
import dev.dray.vmm.OperationWatch;
import dev.dray.vmm.cloudhypervisor.Disks;
import dev.dray.vmm.cloudhypervisor.wire.MigrationConfig;
import dev.dray.vmm.cloudhypervisor.wire.WireLimits;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/// A snapshot that lies in a directory as Cloud Hypervisor itself writes it (`config.json`, `state.json`,
/// `memory-ranges`) or as its `offload_daemon` does (`migration_config.json`, `state.json`, `memory-0`, …).
///
/// Neither has a checksum, and Cloud Hypervisor may leave its documents half written: everything is understood and
/// compared before a byte of memory is read.
public final class CloudHypervisorDirectory {
    static final String STATE = "state.json";

    private final Form form;
    private final byte[] config;
    private final byte[] state;
    private final MigrationConfig parsed;
    private final List<Piece> pieces;
    private final Instant taken;

    /// Whose layout a directory has.
    public enum Form {
        /// Cloud Hypervisor's own.
        CLOUD_HYPERVISOR("cloud-hypervisor", "config.json"),
        OFFLOAD_DAEMON("offload-daemon", "migration_config.json");

        private final String word;
        private final String configFile;

        Form(String word, String configFile) {
            this.word = word;
            this.configFile = configFile;
        }

        public String word() {
            return word;
        }

        String configFile() {
            return configFile;
        }
    }

    private CloudHypervisorDirectory(
            Form form, byte[] config, byte[] state, MigrationConfig parsed, List<Piece> pieces, Instant taken) {
        this.form = form;
        this.config = config;
        this.state = state;
        this.parsed = parsed;
        this.pieces = pieces;
        this.taken = taken;
    }

    /// Reads everything but memory.
    ///
    /// @throws UsageException if it is no such directory
    /// @throws CorruptException if it is damaged or incomplete
    /// @throws RefusedException if a part of the guest's memory lies elsewhere
    public static CloudHypervisorDirectory open(Path directory) throws DrayException {
        Form form = form(directory);
        try {
            byte[] written = document(directory.resolve(form.configFile()), WireLimits.CONFIG_BYTES_MAX);
            byte[] state = document(directory.resolve(STATE), WireLimits.STATE_BYTES_MAX);
            Instant taken = Files.getLastModifiedTime(directory.resolve(STATE)).toInstant();
            return switch (form) {
                case CLOUD_HYPERVISOR -> {
                    byte[] config = NativeLayout.config(written, state);
                    var parsed = MigrationConfig.parse(config);
                    var pieces = NativeLayout.pieces(directory, parsed, state);
                    yield new CloudHypervisorDirectory(form, config, state, parsed, pieces, taken);
                }
                case OFFLOAD_DAEMON -> {
                    var parsed = MigrationConfig.parse(written);
                    var pieces = OffloadLayout.pieces(directory, parsed, state);
                    yield new CloudHypervisorDirectory(form, written, state, parsed, pieces, taken);
                }
            };
        } catch (PeerException e) {
            throw damaged(directory, String.valueOf(e.getMessage()));
        } catch (OutOfMemoryError e) {
            throw damaged(directory, "its documents have more in them than there is memory for");
        } catch (IOException e) {
            throw new MachineException("Cannot read " + directory + ": " + e.getMessage(), "", e);
        }
    }

    private static Form form(Path directory) throws UsageException {
        if (!Files.exists(directory)) {
            throw new UsageException("There is no " + directory, "Name the directory of a snapshot");
        }
        for (Form each : Form.values()) {
            if (Files.isRegularFile(directory.resolve(each.configFile()))) {
                return each;
            }
        }
        throw new UsageException(
                directory + " is no snapshot of Cloud Hypervisor: it has neither config.json nor migration_config.json",
                "Name the directory of a snapshot of Cloud Hypervisor or of its offload_daemon");
    }

    private static byte[] document(Path file, int bytesMax) throws IOException, CorruptException {
        if (!Files.isRegularFile(file)) {
            throw damaged(file, "it is missing");
        }
        try (var in = Files.newInputStream(file)) {
            byte[] bytes = in.readNBytes(bytesMax + 1);
            if (bytes.length > bytesMax) {
                throw damaged(file, "it has more than " + bytesMax + " bytes");
            }
            return bytes;
        }
    }

    static CorruptException damaged(Path file, String why) {
        return new CorruptException(
                "The snapshot in " + file + " is damaged or not complete: " + why, "import another copy of it");
    }

    public Form form() {
        return form;
    }

    public GuestMemoryMap memory() {
        return parsed.memory();
    }

    /// The disks that the guest can write, which are not part of it.
    public List<GuestDisk> disks() {
        return Disks.writable(parsed.vmConfig());
    }

    /// Copies the guest into a snapshot of Dray's, and publishes that.
    public void copy(CaptureStore store, OperationWatch watch) throws DrayException {
        watch.phase("copying memory");
        new PieceReader(store.pages(memory()), watch).read(pieces);
        watch.phase("storing");
        var machine = new MachineState("cloud-hypervisor", new TreeMap<>(Map.of("config", config, "state", state)));
        store.commit(new CapturedMachine(taken, "cloud-hypervisor", CaptureMode.STOP, machine, facts()));
    }

    private ObjectNode facts() {
        ObjectNode facts = JsonMapper.shared().createObjectNode();
        facts.put("build_version", "").put("version", "");
        facts.put("was_running", true); // it was let run before it was snapshotted, or nobody would want it
        facts.put("path", "import").put("imported_form", form.word());
        GuestDisk.noteUndated(disks(), facts.putArray("disks")); // a copy of the directory has the times of copying
        return facts;
    }
}
