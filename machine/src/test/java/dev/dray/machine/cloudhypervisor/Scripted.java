package dev.dray.machine.cloudhypervisor;

import dev.dray.error.PeerException;
import dev.dray.linux.NativeMemory;
import dev.dray.testbed.ChTrace;
import dev.dray.testbed.ChTrace.Event;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/// One side of a recorded migration, played to the other side: it says what was said, byte for byte, and notes where
/// what it hears differs. Each connection is played by a thread of its own, so that only the order on a connection
/// counts, and which connections there are at all when the main one goes on.
abstract class Scripted implements AutoCloseable {
    static final int HEADER_BYTES = 16;
    private static final long BUFFER_BYTES = 1 << 20;

    /// What is the other side's to choose in a message.
    interface Difference {
        /// @return why the two are not the same message; empty if they are
        String between(Event recorded, byte[] heard);
    }

    final ChTrace trace;
    private final List<CompletableFuture<Void>> running = new ArrayList<>();
    private final List<String> differences = new ArrayList<>();

    Scripted(ChTrace trace) {
        this.trace = trace;
    }

    final synchronized void differs(Event recorded, String how) {
        differences.add(recorded + ": " + how);
    }

    final void compare(Event recorded, byte[] heard) {
        if (!Arrays.equals(recorded.bytes(), heard)) {
            differs(recorded, "heard " + hex(heard) + " for " + hex(recorded.bytes()));
        }
    }

    static String hex(byte[] bytes) {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < Math.min(bytes.length, 48); i++) {
            text.append(String.format(Locale.ROOT, "%02x", bytes[i]));
        }
        return text + (bytes.length > 48 ? "... (" + bytes.length + " bytes)" : "");
    }

    /// Plays something in a thread.
    final void play(String name, Play play) {
        CompletableFuture<Void> done = new CompletableFuture<>();
        synchronized (this) {
            running.add(done);
        }
        Thread.ofPlatform().daemon().name(name).start(() -> {
            try {
                play.run();
                done.complete(null);
            } catch (Exception | AssertionError e) {
                done.completeExceptionally(e);
            }
        });
    }

    interface Play {
        void run() throws Exception;
    }

    /// Waits until everything was played.
    ///
    /// @return where something else was heard than recorded
    final List<String> differences() throws InterruptedException {
        for (int i = 0; i < count(); i++) {
            CompletableFuture<Void> each;
            synchronized (this) {
                each = running.get(i);
            }
            try {
                each.get(120, TimeUnit.SECONDS);
            } catch (ExecutionException | TimeoutException e) {
                synchronized (this) {
                    differences.add("connection " + i + ": " + e);
                }
            }
        }
        synchronized (this) {
            return List.copyOf(differences);
        }
    }

    private synchronized int count() {
        return running.size();
    }

    /// Reads and forgets.
    static void skip(Channel from, long bytes) throws PeerException {
        MemorySegment buffer = NativeMemory.map(BUFFER_BYTES);
        try {
            for (long left = bytes; left > 0; ) {
                long part = Math.min(left, buffer.byteSize());
                from.readFully(buffer.address(), part);
                left -= part;
            }
        } finally {
            NativeMemory.unmap(buffer);
        }
    }

    /// Writes bytes that mean nothing.
    static void fill(Channel to, long bytes) throws PeerException {
        MemorySegment buffer = NativeMemory.map(BUFFER_BYTES);
        try {
            for (long left = bytes; left > 0; ) {
                long part = Math.min(left, buffer.byteSize());
                to.write(buffer.address(), part);
                left -= part;
            }
        } finally {
            NativeMemory.unmap(buffer);
        }
    }

    static boolean hasEnded(Channel from) {
        MemorySegment one = NativeMemory.map(8);
        try {
            return !from.readOrEnd(one.address(), 1);
        } catch (PeerException _) {
            return true;
        } finally {
            NativeMemory.unmap(one);
        }
    }

    static long length(byte[] header) {
        return MemorySegment.ofArray(header).get(ValueLayout.JAVA_LONG_UNALIGNED, 8);
    }

    @Override
    public abstract void close();
}
