package dev.dray.vmm.cloudhypervisor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.dray.error.DrayException;
import dev.dray.error.PeerException;
import dev.dray.error.RefusedException;
import dev.dray.error.UsageException;
import dev.dray.testbed.ChTrace;
import dev.dray.vmm.Setting;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;

class ConfigEditTest {
    private static final String CONFIG = """
            {"vm_config":{"cpus":{"boot_vcpus":1},"disks":[{"id":"_disk0","path":"/a \\"b\\".raw" , "readonly":false,\
            "serial":null,"num_queues":1},{"id":"_disk1","path":"/ü.raw"}],"vsock":{"cid":3,"socket":"/v"},\
            "memory":{"zones":[{"id":"m"}]}},"max":18446744073709551615,"new":1.50}""";

    private static String set(String config, String path, String value) throws DrayException {
        byte[] edited = ConfigEdit.apply(config.getBytes(StandardCharsets.UTF_8), List.of(new Setting(path, value)));
        return new String(edited, StandardCharsets.UTF_8);
    }

    @Test
    void changesTheBytesOfThatValueAndNoOther() throws DrayException {
        assertThat(set(CONFIG, "disks[0].path", "/x\"y"))
                .isEqualTo(CONFIG.replace("\"/a \\\"b\\\".raw\"", "\"/x\\\"y\""));
        assertThat(set(CONFIG, "disks[1].path", "/ö")).isEqualTo(CONFIG.replace("/ü.raw", "/ö"));
        assertThat(set(CONFIG, "vsock.cid", "18446744073709551615"))
                .isEqualTo(CONFIG.replace("\"cid\":3", "\"cid\":18446744073709551615"));
        assertThat(set(CONFIG, "disks[0].readonly", "true")).isEqualTo(CONFIG.replace("false", "true"));
    }

    @Test
    void changesSeveralValuesOneAfterTheOther() throws DrayException {
        byte[] edited = ConfigEdit.apply(
                CONFIG.getBytes(StandardCharsets.UTF_8),
                List.of(new Setting("disks[0].path", "/much/longer/than/before"), new Setting("vsock.socket", "/w")));
        assertThat(new String(edited, StandardCharsets.UTF_8))
                .isEqualTo(CONFIG.replace("/a \\\"b\\\".raw", "/much/longer/than/before")
                        .replace("\"/v\"", "\"/w\""));
    }

    @Test
    void keepsEveryOtherByteOfARecordedConfig() throws DrayException {
        byte[] recorded = recorded();
        String before = new String(recorded, StandardCharsets.UTF_8);
        assertThat(before).contains("18446744073709551615");
        assertThat(set(before, "rng.src", "/dev/random")).isEqualTo(before.replace("/dev/urandom", "/dev/random"));
        assertThat(ConfigEdit.apply(recorded, List.of())).isEqualTo(recorded);
        assertThat(new String(ConfigEdit.onDemand(recorded), StandardCharsets.UTF_8))
                .isEqualTo("{\"memory_mode\":\"Postcopy\"," + before.substring(1));
    }

    @Test
    void refusesWhatTheStateRefersTo() {
        for (String path : List.of(
                "memory.zones[0].id",
                "cpus.boot_vcpus",
                "disks[0].id",
                "disks[0].num_queues",
                "disks[1].pci_segment")) {
            assertThatThrownBy(() -> set(CONFIG, path, "1"))
                    .isInstanceOf(RefusedException.class)
                    .hasMessage("The guest's state refers to " + path + ", which therefore cannot be set");
        }
    }

    /// A console that is off is none: the state would have a device too many, or too few.
    @Test
    void refusesThatAConsoleComesOrGoes() throws DrayException {
        String config = """
                {"vm_config":{"console":{"mode":"Tty"},"serial":{"mode":"Off"},"debug_console":{"mode":"Off"}}}""";
        assertThatThrownBy(() -> set(config, "console.mode", "Off"))
                .isInstanceOf(RefusedException.class)
                .hasMessageContaining("console.mode cannot be set from \"Tty\" to Off");
        for (String path : List.of("serial.mode", "debug_console.mode")) {
            assertThatThrownBy(() -> set(config, path, "Null"))
                    .isInstanceOf(RefusedException.class)
                    .hasMessageContaining(path + " cannot be set from \"Off\" to Null");
        }
        assertThat(set(config, "console.mode", "Null")).isEqualTo(config.replace("Tty", "Null"));
        assertThat(set(config, "serial.mode", "Off")).isEqualTo(config);
    }

    @Test
    void namesAPathThatIsNotThere() {
        for (String path : List.of("disks[2].path", "disks[0].nothing", "disk[0].path", "disks.path", "max")) {
            assertThatThrownBy(() -> set(CONFIG, path, "1"))
                    .isInstanceOf(UsageException.class)
                    .hasMessage("The snapshot's configuration has no " + path);
        }
        for (String path : List.of("", "disks[0]path", "disks[-1].path", ".a", "a..b", "a b", "disks[01].path")) {
            assertThatThrownBy(() -> set(CONFIG, path, "1"))
                    .isInstanceOf(UsageException.class)
                    .hasMessage("'" + path + "' is not a path into the VM's configuration");
        }
    }

    @Test
    void keepsTheTypeOfAValue() {
        assertThatThrownBy(() -> set(CONFIG, "vsock.cid", "\"3\""))
                .isInstanceOf(UsageException.class)
                .hasMessage("vsock.cid is a whole number, '\"3\"' is not");
        assertThatThrownBy(() -> set(CONFIG, "disks[0].readonly", "yes")).hasMessageContaining("true or false");
        assertThatThrownBy(() -> set(CONFIG, "disks[0].serial", "1")).hasMessageContaining("is not a single value");
        assertThatThrownBy(() -> set(CONFIG, "disks", "1")).hasMessageContaining("is not a single value");
    }

    @Test
    void saysHowMemoryWillComeWhateverTheCaptureSaid() throws DrayException {
        byte[] plain = "{\"a\":1}".getBytes(StandardCharsets.UTF_8);
        byte[] said = "{\"a\":1,\"memory_mode\":\"Postcopy\"}".getBytes(StandardCharsets.UTF_8);
        assertThat(ConfigEdit.eager(plain)).isEqualTo(plain);
        assertThat(ConfigEdit.eager(said)).asString().isEqualTo("{\"a\":1,\"memory_mode\":\"Precopy\"}");
        assertThat(ConfigEdit.onDemand(ConfigEdit.eager(said))).isEqualTo(said);
    }

    @Test
    void takesOutPrefaultWhereverItIsAndNothingElse() throws DrayException {
        String config = """
                {"vm_config":{"memory":{"size":0, "prefault" : true,"zones":[{"id":"a","prefault":false},{"id":"b"},\
                {"id":"c","prefault":true}]},"prefault":true},"max":18446744073709551615}""";
        assertThat(ConfigEdit.withoutPrefault(config.getBytes(StandardCharsets.UTF_8)))
                .asString(StandardCharsets.UTF_8)
                .isEqualTo(config.replace("\"prefault\" : true", "\"prefault\" : false")
                        .replace("\"c\",\"prefault\":true", "\"c\",\"prefault\":false"));
        byte[] recorded = recorded();
        assertThat(ConfigEdit.withoutPrefault(recorded)).isSameAs(recorded);
    }

    @Test
    void aDamagedConfigIsToldFromAWrongPath() {
        for (String broken : List.of(CONFIG.substring(0, 100), CONFIG + "}", "{\"vm_config\":{\"a\":1,\"a\":2}}")) {
            assertThatThrownBy(() -> set(broken, "disks[0].path", "/x"))
                    .isInstanceOf(PeerException.class)
                    .hasMessageStartingWith("The snapshot's Config is no JSON");
        }
        assertThatThrownBy(() -> ConfigEdit.onDemand("[]".getBytes(StandardCharsets.UTF_8)))
                .isInstanceOf(PeerException.class);
    }

    static byte[] recorded() {
        return ChTrace.of("small-snapshot-local").first("Config").payload();
    }
}
