package dev.dray.vmm.qemu;

import dev.dray.error.PeerException;
import dev.dray.vmm.GuestDisk;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// What a QEMU says of itself and its guest, asked over QMP without changing anything.
///
/// @param version `7.2.22`
/// @param machine machine type as the migration stream names it, `pc-i440fx-7.2`
/// @param status `running`, `paused`, `inmigrate`, `prelaunch`, `postmigrate`, ...
/// @param migration status of a migration, `none` if there is none
/// @param blockers why QEMU would refuse a migration, in its own words
/// @param flatViews text of `info mtree -f`; empty if QEMU does not tell
/// @param pci the PCI devices, `0000:00:04.0 1af4:1000`
/// @param devices type of each device that was added by name or `-device`
record QemuFacts(
        String version,
        String machine,
        String status,
        String migration,
        List<String> blockers,
        List<RamBlock> ramBlocks,
        String flatViews,
        List<GuestDisk> disks,
        List<String> pci,
        List<String> devices,
        int cpus,
        boolean kvm,
        Optional<String> name) {
    QemuFacts {
        blockers = List.copyOf(blockers);
        ramBlocks = List.copyOf(ramBlocks);
        disks = List.copyOf(disks);
        pci = List.copyOf(pci);
        devices = List.copyOf(devices);
    }

    /// Name and version as outcomes and lists show them.
    String vmm() {
        return "qemu " + version;
    }

    static QemuFacts ask(QmpClient qmp) throws PeerException {
        JsonNode version = qmp.execute("query-version").path("qemu");
        JsonNode migration = qmp.execute("query-migrate");
        return new QemuFacts(
                version.path("major").asInt(0) + "." + version.path("minor").asInt(0) + "."
                        + version.path("micro").asInt(0),
                machine(qmp),
                status(qmp),
                migration.path("status").asString("none"),
                texts(migration.path("blocked-reasons")),
                MonitorText.ramBlocks(value(qmp, "x-query-ramblock")
                        .path("human-readable-text")
                        .asString("")),
                monitor(qmp, "info mtree -f"),
                disks(value(qmp, "query-block")),
                pci(value(qmp, "query-pci")),
                devices(qmp),
                value(qmp, "query-cpus-fast").size(),
                value(qmp, "query-kvm").path("enabled").asBoolean(false),
                Optional.ofNullable(value(qmp, "query-name").path("name").asString(null)));
    }

    static String status(QmpClient qmp) throws PeerException {
        return qmp.execute("query-status").path("status").asString("");
    }

    private static String machine(QmpClient qmp) throws PeerException {
        var arguments = JsonMapper.shared().createObjectNode();
        arguments.put("path", "/machine").put("property", "type");
        String type = qmp.execute("qom-get", arguments).asString("");
        return type.endsWith("-machine") ? type.substring(0, type.length() - "-machine".length()) : type;
    }

    private static String monitor(QmpClient qmp, String line) throws PeerException {
        var arguments = JsonMapper.shared().createObjectNode();
        arguments.put("command-line", line);
        return qmp.ask("human-monitor-command", arguments) instanceof QmpReply.Value(var text) ? text.asString("") : "";
    }

    /// An answer that one can do without: a missing node where QEMU does not know the command.
    private static JsonNode value(QmpClient qmp, String command) throws PeerException {
        return qmp.ask(command, JsonMapper.shared().createObjectNode()) instanceof QmpReply.Value(var value)
                ? value
                : JsonMapper.shared().missingNode();
    }

    private static List<String> texts(JsonNode array) {
        var texts = new ArrayList<String>();
        array.forEach(each -> texts.add(each.asString("")));
        return texts;
    }

    private static List<GuestDisk> disks(JsonNode blocks) {
        var disks = new ArrayList<GuestDisk>();
        for (JsonNode block : blocks) {
            JsonNode inserted = block.path("inserted");
            if (!inserted.isMissingNode() && !inserted.path("ro").asBoolean(false)) {
                String device = block.path("device").asString("");
                disks.add(new GuestDisk(
                        device.isEmpty() ? block.path("qdev").asString("?") : device,
                        inserted.path("node-name").asString(""),
                        inserted.path("image")
                                .path("filename")
                                .asString(inserted.path("file").asString(""))));
            }
        }
        return disks;
    }

    private static List<String> pci(JsonNode buses) {
        var devices = new ArrayList<String>();
        for (JsonNode bus : buses) {
            pciOf(bus.path("devices"), devices);
        }
        devices.sort(null);
        return devices;
    }

    private static void pciOf(JsonNode list, List<String> devices) {
        for (JsonNode device : list) {
            JsonNode id = device.path("id");
            devices.add("%02x:%02x.%x %04x:%04x"
                    .formatted(
                            device.path("bus").asInt(0),
                            device.path("slot").asInt(0),
                            device.path("function").asInt(0),
                            id.path("vendor").asInt(0),
                            id.path("device").asInt(0)));
            pciOf(device.path("pci_bridge").path("devices"), devices);
        }
    }

    private static List<String> devices(QmpClient qmp) throws PeerException {
        var devices = new ArrayList<String>();
        for (String path : List.of("/machine/peripheral", "/machine/peripheral-anon")) {
            var arguments = JsonMapper.shared().createObjectNode();
            arguments.put("path", path);
            if (qmp.ask("qom-list", arguments) instanceof QmpReply.Value(var children)) {
                for (JsonNode child : children) {
                    String type = child.path("type").asString("");
                    if (type.startsWith("child<")) {
                        devices.add(type.substring("child<".length(), type.length() - 1));
                    }
                }
            }
        }
        devices.sort(null);
        return devices;
    }
}
