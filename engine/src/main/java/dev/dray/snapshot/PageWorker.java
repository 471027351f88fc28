package dev.dray.snapshot;

import dev.dray.error.MachineException;
import dev.dray.linux.NativeMemory;
import dev.dray.memory.PageSize;
import dev.dray.page.PageBatch;
import dev.dray.seal.PageMac;
import java.nio.ByteBuffer;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLong;

/// One worker of a writer: identifies each page, and what is not stored yet it compresses into its own pack.
/// In the loop over pages nothing is allocated.
final class PageWorker implements Runnable, AutoCloseable {
    /// What the workers of one writer share.
    ///
    /// @param stored pages of earlier snapshots
    /// @param fresh pages of this one
    /// @param named counted down by each worker once all its packs have names, or there is a failure
    record Shared(
            PageIntake intake,
            GuestTable table,
            IdentityIndex stored,
            IdentityIndex fresh,
            AtomicLong zeroPages,
            AtomicLong knownPages,
            AtomicLong writtenBytes,
            CountDownLatch named) {}

    private final Shared shared;
    private final PackBuilder pack;
    private final FrameEncoder encoder;
    private final PageMac identity;
    private final long[] locations = new long[PageIntake.BATCH_PAGES];

    /// All three are this worker's own from now on.
    PageWorker(Shared shared, PackBuilder pack, FrameEncoder encoder, PageMac identity) {
        this.shared = shared;
        this.pack = pack;
        this.encoder = encoder;
        this.identity = identity;
    }

    @Override
    public void run() {
        carryOut(this::takeAll);
        shared.named().countDown();
        carryOut(this::write);
    }

    private interface Part {
        void run() throws MachineException, InterruptedException;
    }

    private void carryOut(Part part) {
        try {
            if (!shared.intake().failed()) {
                part.run();
            }
        } catch (Throwable e) {
            shared.intake().fail(e);
        }
    }

    /// Takes batches until there are no more, then names the last pack.
    private void takeAll() throws InterruptedException {
        while (true) {
            PageIntake.Work work = shared.intake().next();
            PageBatch batch = work.batch();
            if (batch == null) {
                break;
            }
            try {
                if (!shared.intake().failed()) {
                    store(batch, work.number());
                }
            } catch (Throwable e) {
                shared.intake().fail(e);
            } finally {
                shared.intake().done(batch);
            }
        }
        pack.name();
    }

    PackBuilder pack() {
        return pack;
    }

    private void store(PageBatch batch, int number) throws MachineException {
        ByteBuffer slab = batch.slab().asByteBuffer();
        int count = batch.count();
        int zero = 0;
        int known = 0;
        for (int i = 0; i < count; i++) {
            long address = batch.address(i);
            if (address == PageBatch.ZERO || NativeMemory.isZero(address, PageSize.BYTES)) {
                locations[i] = Location.ZERO;
                zero++;
                continue;
            }
            identity.mac(address, PageSize.BYTES, pack.identityAddress());
            long location = find();
            if (location == 0) {
                location = add(slab, PageIntake.slabOffset(batch, address), address);
            } else {
                known++;
            }
            locations[i] = location;
        }
        shared.table().record(batch, number, locations);
        shared.zeroPages().addAndGet(zero);
        shared.knownPages().addAndGet(known);
    }

    private long find() {
        long low = pack.identityLow();
        long high = pack.identityHigh();
        long location = shared.fresh().find(low, high);
        return location != 0 ? location : shared.stored().find(low, high);
    }

    private long add(ByteBuffer slab, int offset, long address) throws MachineException {
        if (!pack.hasRoom(PageSize.BYTES)) {
            write();
            identity.mac(address, PageSize.BYTES, pack.identityAddress());
        }
        long low = pack.identityLow();
        long high = pack.identityHigh();
        long location = pack.addPage(slab, offset, PageSize.BYTES, encoder);
        shared.fresh().insert(low, high, location);
        return location;
    }

    private void write() throws MachineException {
        long before = pack.writtenBytes();
        pack.write();
        shared.writtenBytes().addAndGet(pack.writtenBytes() - before);
    }

    @Override
    public void close() {
        pack.close();
        encoder.close();
        identity.close();
    }
}
