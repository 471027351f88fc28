package dev.dray.vmm.cloudhypervisor;

import dev.dray.vmm.GuestDisk;
import java.util.ArrayList;
import java.util.List;
import tools.jackson.databind.JsonNode;

/// The disks of a VM's configuration.
public final class Disks {
    private Disks() {}

    /// Those that the guest can write.
    ///
    /// @param vmConfig what `vm.create` takes and `vm.info` calls `config`
    public static List<GuestDisk> writable(JsonNode vmConfig) {
        var disks = new ArrayList<GuestDisk>();
        int index = 0;
        for (JsonNode disk : vmConfig.path("disks")) {
            if (!disk.path("readonly").asBoolean(false)) {
                String id = disk.path("id").asString("disks[" + index + "]");
                disks.add(new GuestDisk(
                        id,
                        id,
                        disk.path("path").asString(disk.path("vhost_socket").asString("?"))));
            }
            index++;
        }
        return disks;
    }
}
