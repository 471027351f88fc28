package dev.dray.machine.qemu;

import dev.dray.machine.vmm.DeviceState;
import dev.dray.machine.vmm.DeviceState.Field;
import dev.dray.memory.PageSize;
import java.nio.charset.StandardCharsets;
import java.util.List;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/// The JSON description of a stream's device sections (vmdesc): the only thing in a stream that tells how long they
/// are.
final class VmDescription {
    private VmDescription() {}

    static byte[] of(String machineType, List<DeviceState> states) {
        ObjectNode root = JsonMapper.shared().createObjectNode();
        ObjectNode configuration = root.putObject("configuration");
        configuration.put("vmsd_name", "configuration").put("version", 1);
        var fields = configuration.putArray("fields");
        fields.addObject().put("name", "len").put("type", "uint32").put("size", 4);
        int nameBytes = machineType.getBytes(StandardCharsets.UTF_8).length;
        fields.addObject().put("name", "name").put("type", "buffer").put("size", nameBytes);
        root.put("page_size", PageSize.BYTES);
        var devices = root.putArray("devices");
        for (DeviceState state : states) {
            ObjectNode device = devices.addObject();
            device.put("name", state.name()).put("instance_id", state.instance());
            describe(device, state.layout(), state.version(), state.fields());
        }
        return root.toString().getBytes(StandardCharsets.UTF_8);
    }

    private static void describe(ObjectNode node, String layout, int version, List<Field> all) {
        node.put("vmsd_name", layout).put("version", version);
        var fields = node.putArray("fields");
        for (Field field : all) {
            switch (field) {
                case Field.Scalar scalar ->
                    fields.addObject()
                            .put("name", scalar.name())
                            .put("type", "uint" + 8 * scalar.bytes())
                            .put("size", scalar.bytes());
                case Field.Buffer buffer ->
                    fields.addObject()
                            .put("name", buffer.name())
                            .put("type", "buffer")
                            .put("size", buffer.value().length);
                case Field.Subsection subsection ->
                    describe(
                            node.withArrayProperty("subsections").addObject(),
                            subsection.name(),
                            subsection.version(),
                            subsection.fields());
            }
        }
    }
}
