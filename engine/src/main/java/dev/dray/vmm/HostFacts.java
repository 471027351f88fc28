package dev.dray.vmm;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/// Facts about the host that matter to whoever looks for one to restore on: kernel, architecture, and the first
/// processor of `/proc/cpuinfo`.
public final class HostFacts {
    /// Names of the processor's features as Linux has them, separated by spaces.
    public static final String FLAGS = "cpu_flags";

    public static final String VENDOR = "cpu_vendor_id";
    public static final String ARCHITECTURE = "architecture";

    private HostFacts() {}

    public static ObjectNode read() {
        ObjectNode node = JsonMapper.shared().createObjectNode();
        node.put("kernel", System.getProperty("os.version", ""));
        node.put(ARCHITECTURE, System.getProperty("os.arch", ""));
        try {
            for (String line : Files.readAllLines(Path.of("/proc/cpuinfo"))) {
                int colon = line.indexOf(':');
                String key = colon < 0 ? "" : line.substring(0, colon).strip();
                switch (key) {
                    case "vendor_id", "cpu family", "model", "stepping", "model name", "microcode", "flags" ->
                        node.put(
                                "cpu_" + key.replace("cpu ", "").replace(' ', '_'),
                                line.substring(colon + 1).strip());
                    case "" -> {
                        return node;
                    }
                    default -> {}
                }
            }
        } catch (IOException e) {
            // A host without /proc/cpuinfo: nothing to note.
        }
        return node;
    }
}
