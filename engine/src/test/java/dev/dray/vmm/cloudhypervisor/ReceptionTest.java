package dev.dray.vmm.cloudhypervisor;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dray.linux.Fd;
import dev.dray.linux.Lseek;
import dev.dray.linux.OpenFile;
import dev.dray.testbed.Gen;
import dev.dray.vmm.cloudhypervisor.wire.Command;
import dev.dray.vmm.cloudhypervisor.wire.MemoryRange;
import dev.dray.vmm.cloudhypervisor.wire.ResponseHeader;
import dev.dray.vmm.cloudhypervisor.wire.Role;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// A guest is received from a source that follows the protocol.
@Timeout(120)
class ReceptionTest extends ReceptionScene {
    @Test
    void aGuestIsHandedOverWhileItRuns() throws Exception {
        ScriptedSource from = source();
        from.set(0, 1);
        from.set(7, 2);
        from.set(8, 0); // touched, and zeros
        from.set(2000, 3);
        from.start();
        from.handOver();
        from.ok(Command.CONFIG, ScriptedSource.config());
        from.set(7, 9); // between the answer and the pause
        from.set(9, 4);
        from.ok(Command.STATE, ScriptedSource.state());
        from.ok(Command.COMPLETE, NOTHING);
        received();
        assertPage(0, 1);
        assertPage(7, 9);
        assertPage(8, 0);
        assertPage(9, 4);
        assertPage(2000, 3);
        assertThat(held.page(0, 1000)).as("a page that was never touched").isNull();
        assertThat(held.map().regions().getFirst().name()).isEqualTo("mem0@0x0");
        var parts = held.committed().state().parts();
        assertThat(parts.get("config")).isEqualTo(ScriptedSource.config());
        assertThat(parts.get("state")).isEqualTo(ScriptedSource.state());
        assertThat(held.committed().facts().path("was_running").asBoolean()).isTrue();
        assertThat(held.committed().facts().path("path").asString()).isEqualTo("local");
        assertThat(held.committed().facts().has("host")).isTrue();
    }

    @Test
    void whetherTheGuestRanIsKnownByTheLastCommand() throws Exception {
        localUntilComplete();
        source().ok(Command.COMPLETE_PAUSED, NOTHING);
        received();
        assertThat(held.committed().facts().path("was_running").asBoolean(true)).isFalse();
    }

    /// The guest gave it back between two passes: restored, it must not have its old contents.
    @Test
    void aPageThatHasBecomeAHoleIsZeros() throws Exception {
        ScriptedSource from = source();
        from.set(3, 5);
        from.start();
        from.handOver();
        from.ok(Command.CONFIG, ScriptedSource.config());
        from.punch(3);
        from.ok(Command.STATE, ScriptedSource.state());
        from.ok(Command.COMPLETE, NOTHING);
        received();
        assertPage(3, 0);
    }

    /// A read through a mapping would make a page of zeros of each: a guest of 1 TiB would have all of it
    /// resident.
    @Test
    void holesOfTheGuestsMemoryStayHoles() throws Exception {
        ScriptedSource from = source();
        from.set(100, 1);
        localUntilComplete();
        from.ok(Command.COMPLETE, NOTHING);
        received();
        try (Fd own = OpenFile.reopen(from.memory(), 0)) {
            assertThat(Lseek.data(own, 0)).isEqualTo(100 * 4096);
            assertThat(Lseek.hole(own, 100 * 4096)).isEqualTo(101 * 4096);
        }
        assertThat(held.submitted).isEqualTo(1);
    }

    /// Every guest that changes its memory at random is received as it is when it stands still.
    @Test
    void whatIsStoredIsTheMemoryOfTheGuestThatStandsStill() throws Exception {
        Gen gen = Gen.create("ReceptionTest");
        ScriptedSource from = source();
        int[] now = new int[(int) ScriptedSource.PAGES];
        Arrays.fill(now, -1);
        change(gen, from, now, 600);
        from.start();
        from.handOver();
        from.ask(Command.CONFIG, ScriptedSource.config());
        change(gen, from, now, 300); // while it is copied
        assertThat(from.answer(from.main)).isEqualTo(ResponseHeader.OK);
        change(gen, from, now, 200);
        from.ok(Command.STATE, ScriptedSource.state());
        from.ok(Command.COMPLETE, NOTHING);
        received();
        for (int page = 0; page < now.length; page++) {
            byte[] content = held.page(0, page);
            if (content != null) {
                assertThat(content).as(gen + ", page " + page).containsOnly((byte) Math.max(0, now[page]));
            } else {
                assertThat(now[page]).as(gen + ", page " + page).isLessThan(1);
            }
        }
    }

    private static void change(Gen gen, ScriptedSource from, int[] now, int count) throws Exception {
        for (int i = 0; i < count; i++) {
            int page = gen.between(0, now.length - 1);
            if (gen.chance(0.15)) {
                from.punch(page);
                now[page] = -1;
            } else {
                now[page] = gen.between(0, 3);
                from.set(page, now[page]);
            }
        }
    }

    /// The VMM's own position in its file is not moved by the search for holes.
    @Test
    void theDescriptorIsOpenedAnew() throws Exception {
        ScriptedSource from = source();
        from.set(50, 1);
        localUntilComplete();
        String info =
                Files.readString(Path.of("/proc/self/fdinfo/" + from.memory().number()));
        assertThat(info.lines().filter(line -> line.startsWith("pos:")).findFirst())
                .hasValueSatisfying(line -> assertThat(line).endsWith("\t0"));
        from.ok(Command.COMPLETE, NOTHING);
        received();
    }

    @Test
    void aGuestStreamsOverOneConnection() throws Exception {
        ScriptedSource from = source();
        from.set(0, 1);
        from.set(1, 2);
        from.set(500, 3);
        from.start();
        from.ok(Command.CONFIG, ScriptedSource.config());
        from.push(from.main, List.of(new MemoryRange(0, 8192), new MemoryRange(500 * 4096, 4096)));
        assertThat(from.answer(from.main)).isEqualTo(ResponseHeader.OK);
        from.set(1, 7);
        from.push(from.main, List.of(new MemoryRange(4096, 4096)));
        assertThat(from.answer(from.main)).isEqualTo(ResponseHeader.OK);
        from.ok(Command.STATE, ScriptedSource.state());
        from.ok(Command.COMPLETE, NOTHING);
        received();
        assertPage(0, 1);
        assertPage(1, 7);
        assertPage(500, 3);
        assertThat(held.page(0, 2)).isNull();
        assertThat(held.committed().facts().path("path").asString()).isEqualTo("stream");
    }

    /// The last table is new changes and what was left over: a range may be there twice, and the later bytes
    /// count.
    @Test
    void laterBytesOfOneTableWin() throws Exception {
        ScriptedSource from = source();
        from.set(4, 6);
        from.start();
        from.ok(Command.CONFIG, ScriptedSource.config());
        from.push(
                from.main,
                List.of(
                        new MemoryRange(4 * 4096, 4096),
                        new MemoryRange(0, 0),
                        new MemoryRange(3 * 4096, 3 * 4096),
                        new MemoryRange(4 * 4096, 4096)));
        assertThat(from.answer(from.main)).isEqualTo(ResponseHeader.OK);
        from.ok(Command.STATE, ScriptedSource.state());
        from.ok(Command.COMPLETE, NOTHING);
        received();
        assertPage(4, 6);
        assertPage(5, 0);
    }

    /// More connections than there are batches, in rounds as the real VMM has them: all of a round is answered
    /// before the next one begins.
    @Test
    void writesOfALaterRoundWinWhateverConnectionTheyComeOver() throws Exception {
        ScriptedSource from = source();
        from.start();
        from.ok(Command.CONFIG, ScriptedSource.config());
        List<Connection> further = new ArrayList<>();
        for (int i = 0; i < 8; i++) {
            further.add(from.open(Role.PRECOPY_MEMORY));
        }
        for (int round = 1; round <= 5; round++) {
            for (long page = 0; page < 64; page++) {
                from.set(page, round);
            }
            for (int i = 0; i < 8; i++) {
                long first = ((i + round) % 8) * 8L;
                from.push(further.get(i), List.of(new MemoryRange(first * 4096, 8 * 4096)));
            }
            for (Connection each : further) {
                assertThat(from.answer(each)).isEqualTo(ResponseHeader.OK);
            }
        }
        further.forEach(Connection::close);
        from.ok(Command.STATE, ScriptedSource.state());
        from.ok(Command.COMPLETE, NOTHING);
        received();
        for (long page = 0; page < 64; page++) {
            assertPage(page, 5);
        }
    }

    @Test
    void aGuestThatStandsStillIsAskedForItsMemory() throws Exception {
        ScriptedSource from = source();
        from.set(0, 1);
        from.set(2047, 9);
        from.start();
        from.ok(Command.CONFIG, ScriptedSource.config());
        Connection fault = from.open(Role.FAULT);
        CompletableFuture<Integer> served = new CompletableFuture<>();
        Thread.ofPlatform().start(() -> {
            try {
                served.complete(from.serve(fault));
            } catch (Exception e) {
                served.completeExceptionally(e);
            }
        });
        from.ok(Command.STATE, ScriptedSource.state());
        assertThat(served).isNotDone();
        from.ok(Command.COMPLETE, NOTHING);
        received();
        assertPage(0, 1);
        assertPage(2047, 9);
        assertPage(1000, 0);
        assertThat(served.get(60, TimeUnit.SECONDS)).isEqualTo(8); // 1 MiB each
        assertThat(held.committed().facts().path("path").asString()).isEqualTo("pull");
        fault.close();
    }

    /// The VMM leaves a zone in a named file out of State's table, and its guest would come back with zeros.
    @Test
    void memoryThatStateDoesNotNameIsAskedForAsWell() throws Exception {
        source().set(2047, 9);
        int asked = pulled(ScriptedSource.config(), ScriptedSource.state(new MemoryRange[0]));
        received();
        assertPage(2047, 9);
        assertThat(asked).isEqualTo(8);
    }

    @Test
    void ofVirtioMemOnlyWhatIsPluggedIsAskedFor() throws Exception {
        source().set(513, 9);
        int asked = pulled(virtioMem(), ScriptedSource.state(new MemoryRange(512 * 4096, 512 * 4096)));
        received();
        assertPage(513, 9);
        assertThat(held.page(0, 0)).isNull();
        assertThat(asked).isEqualTo(2);
    }

    @Test
    void aGuestWithoutAnyMemoryIsRefused() throws Exception {
        pulled(virtioMem(), ScriptedSource.state(new MemoryRange[0]));
        assertThat(failure()).hasMessageContaining("none of its guest's memory");
    }

    private static byte[] virtioMem() {
        return new String(ScriptedSource.config(), StandardCharsets.UTF_8)
                .replace("\"virtio_mem\":false", "\"virtio_mem\":true")
                .getBytes(StandardCharsets.UTF_8);
    }

    /// Lets its memory be asked for to the end; returns how often it was.
    private int pulled(byte[] config, byte[] state) throws Exception {
        ScriptedSource from = source();
        from.start();
        from.ok(Command.CONFIG, config);
        Connection fault = from.open(Role.FAULT);
        from.ok(Command.STATE, state);
        from.ask(Command.COMPLETE, NOTHING);
        int served = from.serve(fault);
        fault.close();
        return served;
    }

    /// Two connections have no common order: a snapshot of zeros would be the price of passing this one over.
    @Test
    void aConnectionForMemoryThatIsAcceptedLateCounts() throws Exception {
        ScriptedSource from = source();
        from.set(3, 8);
        from.start();
        from.ok(Command.CONFIG, ScriptedSource.config());
        from.ok(Command.STATE, ScriptedSource.state());
        Connection fault = from.open(Role.FAULT);
        from.ask(Command.COMPLETE, NOTHING);
        assertThat(from.serve(fault)).isEqualTo(8);
        assertThat(from.answer(from.main)).isEqualTo(ResponseHeader.OK);
        received();
        assertPage(3, 8);
        fault.close();
    }

    @Test
    void aSnapshotOfNothingIsRefused() throws Exception {
        ScriptedSource from = source();
        from.start();
        from.ok(Command.CONFIG, ScriptedSource.config());
        from.ok(Command.STATE, ScriptedSource.state());
        from.ask(Command.COMPLETE, NOTHING);
        assertThat(from.answer(from.main)).isEqualTo(ResponseHeader.ERROR);
        assertThat(failure()).hasMessageContaining("none of its guest's memory");
    }

    /// The source takes the end of this connection for success: before Complete is answered it must be the main
    /// connection that ends first, with an error.
    @Test
    void aPullThatCannotBeStoredIsRefusedBeforeItsConnectionEnds() throws Exception {
        ScriptedSource from = source();
        held.uncommittable = true;
        from.start();
        from.ok(Command.CONFIG, ScriptedSource.config());
        Connection fault = from.open(Role.FAULT);
        from.ok(Command.STATE, ScriptedSource.state());
        from.ask(Command.COMPLETE, NOTHING);
        from.serve(fault); // to its end
        assertThat(from.main.isQuiet()).as("nothing was answered before").isFalse();
        assertThat(from.answer(from.main)).isEqualTo(ResponseHeader.ERROR);
        assertThat(failure()).hasMessageContaining("went away");
        fault.close();
    }
}
