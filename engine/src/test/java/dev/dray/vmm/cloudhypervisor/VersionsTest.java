package dev.dray.vmm.cloudhypervisor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.dray.error.RefusedException;
import dev.dray.vmm.GuestDisk;
import java.util.List;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.json.JsonMapper;

class VersionsTest {
    @Test
    void tellsTheReleaseFromWhatCameAfterIt() {
        assertThat(Versions.of("53.0.0")).isEqualTo(new Versions("53.0.0", true, false, false));
        assertThat(Versions.of("54.0.0")).isEqualTo(new Versions("54.0.0", true, true, true));
        assertThat(Versions.of("v54.0-12-gabc").known()).isTrue();
        assertThat(Versions.of("54.0.0").vmm()).isEqualTo("cloud-hypervisor 54.0.0");
        assertThat(Versions.of("").vmm()).isEqualTo("cloud-hypervisor");
    }

    @Test
    void refusesByNameWhatItWasNotTriedWithAndNamesTheWayToGoOn() {
        for (String version : List.of("52.0.0", "55.0.0", "540.0.0", "", "next")) {
            if (!version.isEmpty()) {
                assertThatThrownBy(() -> Versions.of(version).check(false))
                        .isInstanceOf(RefusedException.class)
                        .hasMessage("Dray was not tried with cloud-hypervisor " + version + ", only with 53 and 54")
                        .extracting(e -> ((RefusedException) e).whatToDo())
                        .asString()
                        .contains("--own-risk");
            }
            assertThatCode(() -> Versions.of(version).check(true)).doesNotThrowAnyException();
        }
        assertThatCode(() -> Versions.of("53.1.0").check(false)).doesNotThrowAnyException();
    }

    @Test
    void anUnknownVersionIsTakenForTheNearestKnownOne() {
        assertThat(Versions.of("52.0.0").sharedOnDemand()).isFalse();
        assertThat(Versions.of("60.0.0").sharedOnDemand()).isTrue();
        assertThat(Versions.of("next").preservesSource()).isFalse();
    }

    @Test
    void disksThatTheGuestCanWriteAreReadFromTheConfiguration() {
        var config = JsonMapper.shared().readTree("""
                {"disks":[{"id":"_disk0","path":"/a.raw","readonly":false},{"id":"_disk1","path":"/b","readonly":true},
                 {"path":"/c"},{"id":"d","vhost_socket":"/s"}]}
                """);
        assertThat(Disks.writable(config))
                .containsExactly(
                        new GuestDisk("_disk0", "_disk0", "/a.raw"),
                        new GuestDisk("disks[2]", "disks[2]", "/c"),
                        new GuestDisk("d", "d", "/s"));
        assertThat(Disks.writable(JsonMapper.shared().readTree("{}"))).isEmpty();
    }
}
