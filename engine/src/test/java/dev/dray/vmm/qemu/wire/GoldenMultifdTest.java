package dev.dray.vmm.qemu.wire;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.dray.error.DrayException;
import dev.dray.error.PeerException;
import dev.dray.memory.GuestMemoryMap;
import dev.dray.page.PageBatch;
import dev.dray.page.PageDestination;
import dev.dray.testbed.Gen;
import dev.dray.testbed.Golden;
import dev.dray.testbed.Golden.QemuStream;
import java.util.ArrayList;
import java.util.concurrent.BrokenBarrierException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Live migrations over several connections, recorded from real QEMUs: only barriers at the right places make
/// the memory that QEMU says it was.
class GoldenMultifdTest {
    static Stream<QemuStream> severalConnections() {
        return Golden.qemuStreams().stream().filter(golden -> golden.channels() > 0);
    }

    @ParameterizedTest
    @MethodSource("severalConnections")
    void memoryIsWhatQemuSaysItIs(QemuStream golden) throws Exception {
        Gen gen = Gen.create("memoryIsWhatQemuSaysItIs " + golden);
        for (int i = 0; i < 10; i++) {
            var drive = new Drive(golden, gen.fork(i));
            CapturedStream stream = drive.run();
            int ram = stream.memory().indexOf("pc.ram");
            assertThat(GoldenStreamTest.hash(drive.memory.region(ram)))
                    .as("%s", gen)
                    .isEqualTo(golden.fact("memory-sha256"));
            assertThat(drive.memory.batchesOut()).isZero();
        }
    }

    @ParameterizedTest
    @MethodSource("severalConnections")
    void theMainConnectionAloneIsRefusedWhenItHasBarriersOfItsOwn(QemuStream golden) {
        var reader = new StreamReader(
                ArraySource.of(golden.main()), StreamForm.WAITING, StreamLimits.DEFAULT, new RecordedMemory());
        if (golden.version().equals("7.2")) {
            return; // its barriers are the ordinary ends of sections
        }
        assertThatThrownBy(reader::read).isInstanceOf(PeerException.class).hasMessageContaining("has MULTIFD_FLUSH");
    }

    /// All connections of a recording, each on a thread of its own, and one memory that a lock makes safe for
    /// all.
    private static final class Drive {
        private static final int WAIT_SECONDS = 120;

        private final QemuStream golden;
        private final Gen gen;
        private final RecordedMemory memory = new RecordedMemory(100);
        private final CyclicBarrier barrier;
        private final CountDownLatch layout = new CountDownLatch(1);
        private GuestMemoryMap map = new GuestMemoryMap(java.util.List.of());

        Drive(QemuStream golden, Gen gen) {
            this.golden = golden;
            this.gen = gen;
            this.barrier = new CyclicBarrier(golden.channels() + 1);
        }

        CapturedStream run() throws Exception {
            try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
                var channels = new ArrayList<Future<?>>();
                for (int i = 0; i < golden.channels(); i++) {
                    byte[] bytes = golden.channel(i);
                    int number = i;
                    channels.add(threads.submit(() -> {
                        channel(bytes, number);
                        return null;
                    }));
                }
                var in = ArraySource.inPieces(golden.main(), gen.fork(-1));
                CapturedStream stream =
                        new StreamReader(in, GoldenStreamTest.form(golden), StreamLimits.DEFAULT, events()).read();
                for (Future<?> channel : channels) {
                    channel.get(WAIT_SECONDS, TimeUnit.SECONDS);
                }
                return stream;
            }
        }

        private void channel(byte[] bytes, int number) throws DrayException {
            var events = new MultifdReader.Events() {
                @Override
                public MultifdReader.Memory hello(MultifdHello hello) {
                    assertThat(hello.channel()).isEqualTo(number);
                    await(layout);
                    return new MultifdReader.Memory(map, locked());
                }

                @Override
                public void sync() {
                    meet();
                }
            };
            new MultifdReader(ArraySource.inPieces(bytes, gen.fork(number)), events).read();
        }

        private StreamEvents events() {
            return new StreamEvents() {
                @Override
                public PageDestination memory(Configuration configuration, GuestMemoryMap layoutRead) {
                    memory.prepare(layoutRead);
                    map = layoutRead;
                    layout.countDown();
                    return locked();
                }

                @Override
                public void barrier() {
                    meet();
                }
            };
        }

        private void meet() {
            try {
                barrier.await(WAIT_SECONDS, TimeUnit.SECONDS);
            } catch (InterruptedException | BrokenBarrierException | TimeoutException e) {
                throw new AssertionError("the barriers of the connections do not pair", e);
            }
        }

        private static void await(CountDownLatch latch) {
            try {
                assertThat(latch.await(WAIT_SECONDS, TimeUnit.SECONDS)).isTrue();
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
        }

        private PageDestination locked() {
            return new PageDestination() {
                @Override
                public PageBatch take() {
                    synchronized (memory) {
                        return memory.take();
                    }
                }

                @Override
                public void submit(PageBatch batch) {
                    synchronized (memory) {
                        memory.submit(batch);
                    }
                }

                @Override
                public void giveBack(PageBatch batch) {
                    synchronized (memory) {
                        memory.giveBack(batch);
                    }
                }

                @Override
                public void drain() {}
            };
        }
    }
}
