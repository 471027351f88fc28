package dev.dray.vmm.cloudhypervisor;

import dev.dray.error.DrayException;
import dev.dray.error.PeerException;
import dev.dray.error.RefusedException;
import dev.dray.error.UsageException;
import dev.dray.vmm.Setting;
import dev.dray.vmm.cloudhypervisor.wire.JsonPlace;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import tools.jackson.core.JsonToken;
import tools.jackson.databind.json.JsonMapper;

/// Changes values in the Config that is sent to a waiting VMM, and no other byte of it: every x86 config holds numbers
/// that neither `long` nor `double` can, and keys that this Dray does not know.
final class ConfigEdit {
    private static final String WHAT = "The snapshot's Config";

    /// Where the machine's configuration lies in the Config.
    static final String VM_CONFIG = "vm_config";

    /// How the memory will come; newer VMMs read it here, older ones pass over it.
    static final String MEMORY_MODE = "memory_mode";

    /// What the machine state refers to: sizes and places of memory, processors, what a guest finds on its buses.
    private static final Set<String> FIXED_ROOTS = Set.of(
            "memory",
            "cpus",
            "platform",
            "numa",
            "iommu",
            "watchdog",
            "pvpanic",
            "balloon",
            "tdx",
            "sgx_epc",
            "pci_segments");

    /// The same inside a device.
    private static final Set<String> FIXED_FIELDS = Set.of(
            "id",
            "pci_segment",
            "pci_device_id",
            "pci_device",
            "bdf",
            "num_queues",
            "queue_size",
            "iommu",
            "vhost_user");

    /// Which of these are [#OFF] is what devices the guest has.
    private static final Set<String> CONSOLE_MODES = Set.of("console.mode", "serial.mode", "debug_console.mode");

    private static final String OFF = "Off";

    private static final Pattern STEP = Pattern.compile("[A-Za-z0-9_-]+|\\[(0|[1-9][0-9]{0,5})\\]");

    private static final Pattern PATH = Pattern.compile("[A-Za-z0-9_-]+(\\.[A-Za-z0-9_-]+|\\[(0|[1-9][0-9]{0,5})\\])*");

    private static final Pattern INTEGER = Pattern.compile("-?(0|[1-9][0-9]{0,19})");

    private ConfigEdit() {}

    /// The Config with each setting's value in place of the one it has.
    ///
    /// @throws UsageException if there is no such value, or the new one is of another type
    /// @throws RefusedException if the machine's state would not fit any more
    static byte[] apply(byte[] config, List<Setting> settings) throws DrayException {
        byte[] edited = config;
        for (Setting setting : settings) {
            String path = setting.path();
            if (!PATH.matcher(path).matches()) {
                throw new UsageException(
                        "'" + path + "' is not a path into the VM's configuration", "Write it as in disks[0].path");
            }
            refuseWhatStateRefersTo(path);
            JsonPlace place = JsonPlace.of(edited, VM_CONFIG + "." + path, WHAT)
                    .orElseThrow(() -> new UsageException(
                            "The snapshot's configuration has no " + path,
                            "dray show lists what it has; values that it does not have cannot be added"));
            refuseADeviceThatComesOrGoes(setting, edited, place);
            edited = splice(edited, place.from(), place.to(), written(place, setting));
        }
        return verified(edited);
    }

    /// The Config of a lazy restore: says that memory comes on demand.
    static byte[] onDemand(byte[] config) throws DrayException {
        return withMemoryMode(config, "Postcopy", true);
    }

    /// The Config of an eager restore: does not say that memory comes on demand, as one may that was captured by
    /// post-copy.
    static byte[] eager(byte[] config) throws DrayException {
        return withMemoryMode(config, "Precopy", false);
    }

    /// The Config without `prefault`, with which no VMM takes memory on demand; the guest does not see it. The same
    /// array if there was none.
    static byte[] withoutPrefault(byte[] config) throws DrayException {
        byte[] edited = without(config, VM_CONFIG + ".memory.prefault");
        int zone = 0;
        while (JsonPlace.of(edited, zone(zone), WHAT).isPresent()) {
            edited = without(edited, zone(zone++) + ".prefault");
        }
        return edited;
    }

    private static String zone(int index) {
        return VM_CONFIG + ".memory.zones[" + index + "]";
    }

    private static byte[] without(byte[] config, String flag) throws DrayException {
        Optional<JsonPlace> place =
                JsonPlace.of(config, flag, WHAT).filter(found -> found.token() == JsonToken.VALUE_TRUE);
        return place.isEmpty()
                ? config
                : verified(
                        splice(config, place.get().from(), place.get().to(), "false".getBytes(StandardCharsets.UTF_8)));
    }

    private static byte[] withMemoryMode(byte[] config, String mode, boolean insert) throws DrayException {
        byte[] value = ('"' + mode + '"').getBytes(StandardCharsets.UTF_8);
        Optional<JsonPlace> place = JsonPlace.of(config, MEMORY_MODE, WHAT);
        if (place.isPresent()) {
            return verified(splice(config, place.get().from(), place.get().to(), value));
        }
        if (!insert) {
            return config;
        }
        int begin = JsonPlace.of(config, "", WHAT)
                .filter(whole -> whole.token() == JsonToken.START_OBJECT)
                .map(JsonPlace::from)
                .orElseThrow(() -> malformed("is not an object"));
        byte[] field = ("\"" + MEMORY_MODE + "\":\"" + mode + "\",").getBytes(StandardCharsets.UTF_8);
        return verified(splice(config, begin + 1, begin + 1, field));
    }

    private static void refuseWhatStateRefersTo(String path) throws RefusedException {
        var steps = STEP.matcher(path);
        boolean first = true;
        while (steps.find()) {
            if ((first && FIXED_ROOTS.contains(steps.group())) || (!first && FIXED_FIELDS.contains(steps.group()))) {
                throw new RefusedException(
                        "The guest's state refers to " + path + ", which therefore cannot be set",
                        "set paths, sockets, taps and the like; what a guest can see of its machine stays");
            }
            first = false;
        }
    }

    /// A console that is off is none, and has no state.
    private static void refuseADeviceThatComesOrGoes(Setting setting, byte[] config, JsonPlace place)
            throws RefusedException {
        if (!CONSOLE_MODES.contains(setting.path())) {
            return;
        }
        String old = new String(config, place.from(), place.to() - place.from(), StandardCharsets.UTF_8);
        boolean wasOff = old.equals('"' + OFF + '"');
        if (wasOff != setting.value().equals(OFF)) {
            throw new RefusedException(
                    "The guest's state " + (wasOff ? "has no such device" : "refers to the device") + ": "
                            + setting.path() + " cannot be set from " + old + " to " + setting.value(),
                    wasOff ? "leave it off" : "set it to Null to have nothing of it");
        }
    }

    /// The new value as JSON, of the type that the old one has.
    private static byte[] written(JsonPlace place, Setting setting) throws UsageException {
        String value = setting.value();
        String json = switch (place.token()) {
            case VALUE_STRING -> JsonMapper.shared().writeValueAsString(value);
            case VALUE_NUMBER_INT -> {
                if (!INTEGER.matcher(value).matches()) {
                    throw wrongType(setting, "a whole number");
                }
                yield value;
            }
            case VALUE_TRUE, VALUE_FALSE -> {
                if (!value.equals("true") && !value.equals("false")) {
                    throw wrongType(setting, "true or false");
                }
                yield value;
            }
            default ->
                throw new UsageException(
                        setting.path() + " is not a single value", "Name one value in it, as in disks[0].path");
        };
        return json.getBytes(StandardCharsets.UTF_8);
    }

    private static UsageException wrongType(Setting setting, String type) {
        return new UsageException(
                setting.path() + " is " + type + ", '" + setting.value() + "' is not", "Keep the value's type");
    }

    private static byte[] splice(byte[] bytes, int from, int to, byte[] between) {
        var out = new ByteArrayOutputStream(bytes.length + between.length);
        out.write(bytes, 0, from);
        out.writeBytes(between);
        out.write(bytes, to, bytes.length - to);
        return out.toByteArray();
    }

    /// Reads back what was written, before a VMM does.
    private static byte[] verified(byte[] config) throws PeerException {
        if (JsonPlace.of(config, "", WHAT).isEmpty()) {
            throw malformed("is empty");
        }
        return config;
    }

    static PeerException malformed(String why) {
        return new PeerException(WHAT + " " + why, "verify the snapshot");
    }
}
