package dev.dray.vmm.qemu;

import dev.dray.error.PeerException;
import dev.dray.memory.GuestMemoryMap;
import dev.dray.memory.PageSize;
import dev.dray.vmm.qemu.wire.MultifdWriter;
import dev.dray.vmm.qemu.wire.StreamWriter;
import dev.dray.vmm.qemu.wire.Wire;
import java.nio.channels.SocketChannel;

/// A way into the waiting QEMU for one decoding thread. The main connection is shared; its writer is its own lock.
sealed interface RestoreLane extends AutoCloseable {
    RestoreBatch batch();

    void send(RestoreBatch batch) throws PeerException;

    @Override
    default void close() {
        batch().close();
    }

    /// Pages as records on the main connection: while one lane writes, others decode.
    record Main(StreamWriter to, RestoreBatch batch) implements RestoreLane {
        Main(StreamWriter to) {
            this(to, new RestoreBatch(Wire.RECORD_HEAD_BYTES, Wire.RECORD_BYTES));
        }

        @Override
        public void send(RestoreBatch ready) throws PeerException {
            synchronized (to) {
                to.pages(ready.region, ready.first, ready.count, ready.slab, ready.kinds, ready.sendZeros);
            }
        }
    }

    /// Pages in packets on a connection of the lane's own. Zero pages go as records on the main one, which every QEMU
    /// understands; a memory section is open there.
    record Multifd(StreamWriter main, MultifdWriter packets, RestoreBatch batch) implements RestoreLane {
        Multifd(StreamWriter main, SocketChannel connection, int channel, GuestMemoryMap memory) {
            this(
                    main,
                    new MultifdWriter(new SocketBytes(connection), channel, memory),
                    new RestoreBatch(0, PageSize.BYTES));
        }

        @Override
        public void send(RestoreBatch ready) throws PeerException {
            packets.pages(ready.region, ready.first, ready.count, ready.slab, ready.kinds);
            if (ready.hasZerosToSend()) {
                synchronized (main) {
                    for (int i = 0; i < ready.count; i++) {
                        if (ready.isZero(i)) {
                            main.zeroPage(ready.region, ready.first + i);
                        }
                    }
                }
            }
        }
    }
}
