package dev.dray.vmm.cloudhypervisor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.dray.error.RefusedException;
import dev.dray.vmm.AfterCapture;
import dev.dray.vmm.CaptureMode;
import dev.dray.vmm.CaptureOrder;
import dev.dray.vmm.cloudhypervisor.CaptureRoute.Way;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import tools.jackson.databind.json.JsonMapper;

class CaptureRouteTest {
    private static final String SHARED = "{'memory':{'size':1073741824,'shared':true}}";
    private static final String PRIVATE = "{'memory':{'size':1073741824,'shared':false}}";

    private static VmFacts facts(String version, String state, String config) {
        return new VmFacts(
                Versions.of(version),
                "",
                Optional.empty(),
                Optional.empty(),
                state,
                JsonMapper.shared().readTree(config.replace('\'', '"')));
    }

    private static CaptureOrder order(CaptureMode mode, AfterCapture after) {
        return new CaptureOrder(
                mode,
                after,
                Optional.empty(),
                Duration.ofMillis(300),
                Duration.ofMinutes(5),
                false,
                OptionalLong.empty());
    }

    @ParameterizedTest
    @CsvSource({
        "54.0.0, Running, true,  AUTO, RESUME, LOCAL,  true,  LIVE",
        "54.0.0, Running, true,  AUTO, PAUSE,  LOCAL,  true,  LIVE",
        "54.0.0, Running, true,  AUTO, QUIT,   LOCAL,  true,  LIVE",
        "54.0.0, Running, true,  STOP, RESUME, LOCAL,  true,  STOP",
        "54.0.0, Paused,  true,  AUTO, RESUME, LOCAL,  true,  STOP",
        "54.0.0, Paused,  true,  LIVE, RESUME, LOCAL,  true,  STOP",
        "54.0.0, Running, false, AUTO, QUIT,   STREAM, false, LIVE",
        "54.0.0, Running, false, LIVE, QUIT,   STREAM, false, LIVE",
        "54.0.0, Running, false, STOP, QUIT,   PULL,   false, STOP",
        "54.0.0, Paused,  false, AUTO, QUIT,   PULL,   false, STOP",
        "53.0.0, Running, true,  AUTO, QUIT,   LOCAL,  false, LIVE",
        "53.0.0, Running, false, STOP, QUIT,   PULL,   false, STOP",
    })
    void choosesTheShortestPauseThatTheVmAllows(
            String version,
            String state,
            boolean shared,
            CaptureMode mode,
            AfterCapture after,
            Way way,
            boolean preserved,
            CaptureMode chosen)
            throws Exception {
        CaptureRoute route = CaptureRoute.of(order(mode, after), facts(version, state, shared ? SHARED : PRIVATE));
        assertThat(route.way()).isEqualTo(way);
        assertThat(route.preserved()).isEqualTo(preserved);
        assertThat(route.mode()).isEqualTo(chosen);
        assertThat(route.reason()).isNotBlank();
    }

    /// A capture that ends its VM is never one that was not asked for.
    @ParameterizedTest
    @CsvSource({
        "54.0.0, Running, false, AUTO, RESUME, memory is not shared",
        "54.0.0, Running, false, LIVE, PAUSE, memory is not shared",
        "54.0.0, Paused, false, STOP, RESUME, memory is not shared",
        "53.0.0, Running, true, AUTO, RESUME, always ends a VM",
        "53.0.0, Running, true, STOP, PAUSE, always ends a VM",
        "54.0.0, Running, true, BACKGROUND, RESUME, behind a guest that runs on",
        "54.0.0, Created, true, AUTO, QUIT, state Created",
        "54.0.0, '', true, AUTO, QUIT, has no VM",
        "99.0.0, Running, true, AUTO, RESUME, not tried with",
    })
    void refusesWhatWouldCostTheVm(
            String version, String state, boolean shared, CaptureMode mode, AfterCapture after, String sentence) {
        assertThatThrownBy(() -> CaptureRoute.of(order(mode, after), facts(version, state, shared ? SHARED : PRIVATE)))
                .isInstanceOf(RefusedException.class)
                .hasMessageContaining(sentence);
    }

    /// The VMM hands its descriptor over, but what the guest has written is in private pages beside it.
    @Test
    void aFileOfHugePagesThatIsMappedPrivatelyIsNotTheGuestsMemory() {
        var zones = "{'memory':{'size':0,'zones':[{'id':'a','size':1,'hugepages':true%s}]}}";
        assertThat(CaptureRoute.isHandedOver(facts("", "", zones.formatted("")).config()))
                .isTrue();
        assertThat(CaptureRoute.isHandedOver(facts("", "", zones.formatted(",'file':'/f','shared':true"))
                        .config()))
                .isTrue();
        assertThat(CaptureRoute.isHandedOver(
                        facts("", "", zones.formatted(",'file':'/f'")).config()))
                .isFalse();
    }

    @ParameterizedTest
    @EnumSource(Way.class)
    void asksInTheVmmsWords(Way way) {
        var route = new CaptureRoute(way, way == Way.LOCAL, CaptureMode.LIVE, "");
        assertThat(route.request(new Endpoint.Unix(Path.of("/run/s")), order(CaptureMode.LIVE, AfterCapture.QUIT))
                        .toString())
                .isEqualTo("{\"destination_url\":\"unix:/run/s\","
                        + switch (way) {
                            case LOCAL -> "\"local\":true,\"preserve_source\":true}";
                            case STREAM -> "\"downtime_ms\":300,\"timeout_s\":300,\"timeout_strategy\":\"Cancel\"}";
                            case PULL -> "\"memory_mode\":\"Postcopy\"}";
                        });
    }
}
