package dev.dray;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dray.error.PeerException;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// The field names, units and order that users' scripts stand on; docs/reference/outcomes.md has them in words.
class OutcomeJsonTest {
    private static final List<Phase> PHASES =
            List.of(new Phase("copying memory", 300.04), new Phase("publishing", 1e7));

    @Test
    void writesACapture() {
        var captured = new Captured(
                "3fa9c1",
                "web1",
                7,
                GuestFate.RUNNING,
                "qemu 7.2.22",
                "background",
                "it is the shortest",
                1.24,
                180,
                412.0,
                1073741824,
                805306368,
                268435456,
                91226112,
                7340032,
                PHASES,
                List.of("w"));
        assertThat(captured.json().toString()).isEqualTo("""
                {"outcome":"captured","snapshot":"3fa9c1","name":"web1","number":7,"guest":"running",\
                "vmm":"qemu 7.2.22","mode":"background","pause_ms":1.2,"start_ms":180.0,"elapsed_ms":412.0,\
                "memory_bytes":1073741824,"zero_bytes":805306368,"read_bytes":268435456,"stored_bytes":91226112,\
                "added_bytes":7340032,"phases":[{"name":"copying memory","ms":300.0},\
                {"name":"publishing","ms":10000000.0}],"warnings":["w"],"mode_reason":"it is the shortest"}""");
    }

    @ParameterizedTest
    @CsvSource({
        "see what it printed, See what it printed",
        "dray doctor puts it back, dray doctor puts it back",
        "sysctl a=1, sysctl a=1",
        "'', ''"
    })
    void saysWhatToDoInASentence(String text, String sentence) {
        var failed = new Failed(FailureKind.PEER, GuestFate.UNKNOWN, "m", text);
        assertThat(failed.json().path("what_to_do").asString()).isEqualTo(sentence);
        var finding = new Examined.Finding("s", false, "m", text);
        assertThat(finding.whatToDo()).isEqualTo(sentence);
    }

    @Test
    void writesARestore() {
        var restored = new Restored(
                "3fa9c1",
                "web1",
                7,
                GuestFate.PAUSED,
                "qemu 10.0.2",
                "eager",
                180,
                412.05,
                400.96,
                401,
                1073741824,
                805306368,
                268435456,
                91226112,
                List.of(),
                List.of(),
                Optional.empty());
        assertThat(restored.json().toString()).isEqualTo("""
                {"outcome":"restored","snapshot":"3fa9c1","name":"web1","number":7,"guest":"paused",\
                "vmm":"qemu 10.0.2","mode":"eager","start_ms":180.0,"elapsed_ms":412.1,"resume_ms":401.0,\
                "resident_ms":401.0,"memory_bytes":1073741824,"zero_bytes":805306368,"read_bytes":268435456,\
                "stored_bytes":91226112,"phases":[],"warnings":[]}""");
    }

    @Test
    void writesHowALazilyRestoredGuestWasServed() {
        var json = OutcomeJson.object();
        new Served(12, 16384, 27.25, 106.04, 5900, List.of(new Served.Bucket(32, 16000), new Served.Bucket(6000, 384)))
                .addTo(json);
        assertThat(json.toString()).isEqualTo("""
                {"faults":12,"requests":16384,"fault_p50_us":27.3,"fault_p99_us":106.0,"fault_max_us":5900.0,\
                "fault_histogram":[{"up_to_us":32.0,"count":16000},{"up_to_us":6000.0,"count":384}]}""");
    }

    @Test
    void writesAFailure() {
        var failed = new OperationException(new PeerException("It went away", "Start it again"), GuestFate.NEEDS_DRAY);
        assertThat(failed.outcome().json().toString()).isEqualTo("""
                {"outcome":"failed","kind":"peer","guest":"needs dray","message":"It went away",\
                "what_to_do":"Start it again"}""");
    }

    @Test
    void writesAList() {
        var entry = new Listed.Entry(
                "3fa9c1",
                "web1",
                7,
                Instant.parse("2026-11-21T09:00:00.987Z"),
                1073741824,
                91226112,
                "qemu 7.2.22",
                "live");
        assertThat(new Listed(List.of(entry), List.of("d")).json().toString()).isEqualTo("""
                {"outcome":"listed","snapshots":[{"id":"3fa9c1","name":"web1","number":7,\
                "taken":"2026-11-21T09:00:00Z","memory_bytes":1073741824,"stored_bytes":91226112,\
                "vmm":"qemu 7.2.22","mode":"live"}],"damaged":["d"]}""");
    }

    @Test
    void writesWhatInitMade() {
        var made = new Initialized("/srv/dray", "00ff", true, Init.Dedup.GUEST, Optional.of("/k"));
        assertThat(made.json().toString()).isEqualTo("""
                {"outcome":"initialized","place":"/srv/dray","repository":"00ff","encrypted":true,"dedup":"guest",\
                "key_file_made":"/k"}""");
    }

    @Test
    void writesAVerification() {
        var verified = new Verified(2, 3, 3, 400, 5000, 1, 10, 12.34, List.of(), 0, "", List.of());
        assertThat(verified.json().toString()).isEqualTo("""
                {"outcome":"verified","snapshots":2,"packs":3,"packs_read":3,"frames":400,"read_bytes":5000,\
                "unused_packs":1,"unused_bytes":10,"elapsed_ms":12.3,"problems_in_all":0,"problems":[],\
                "warnings":[]}""");
        assertThat(verified.exitCode()).isEqualTo(ExitCode.DONE);
    }

    @Test
    void writesDamageAsAFailureThatNamesObjectSnapshotAndAddresses() {
        var range = new Verified.Range("pc.ram", 0x2000, 0x1000, OptionalLong.of(0x102000));
        var problem = new Verified.Problem("packs/aa", "3fa9c1", "web1@7", range, "A frame is damaged");
        var verified = new Verified(1, 1, 1, 4, 50, 0, 0, 1, List.of(problem), 1, "Look at the disk", List.of());
        assertThat(verified.json().toString()).isEqualTo("""
                {"outcome":"failed","kind":"corrupt","guest":"unknown","message":"A frame is damaged; object packs/aa; \
                snapshot web1@7 (3fa9c1); guest memory pc.ram 0x2000-0x2fff, guest-physical 0x102000",\
                "what_to_do":"Look at the disk","snapshots":1,"packs":1,"packs_read":1,"frames":4,"read_bytes":50,\
                "unused_packs":0,"unused_bytes":0,"elapsed_ms":1.0,"problems_in_all":1,"problems":[{\
                "object":"packs/aa","snapshot":"3fa9c1","name":"web1@7","message":"A frame is damaged",\
                "range":{"region":"pc.ram","offset":8192,"bytes":4096,"gpa":1056768}}],"warnings":[]}""");
        assertThat(verified.exitCode()).isEqualTo(ExitCode.CORRUPT);
    }

    @Test
    void writesAnExamination() {
        var examined =
                new Examined(List.of(new Examined.Finding("userfaultfd", false, "not permitted", "ask")), List.of("p"));
        assertThat(examined.json().toString()).isEqualTo("""
                {"outcome":"examined","findings":[{"subject":"userfaultfd","ok":false,"message":"not permitted",\
                "what_to_do":"Ask"}],"put_back":["P"]}""");
    }

    @Test
    void hasAnExitCodeForEveryKindOfFailure() {
        var numbers = new TreeMap<String, Integer>();
        for (FailureKind kind : FailureKind.values()) {
            numbers.put(kind.word(), kind.exitCode().number());
        }
        assertThat(numbers.toString()).isEqualTo("""
                {bug=5, corrupt=4, interrupted=130, key=4, machine=1, peer=1, refused=3, usage=2}""");
    }
}
