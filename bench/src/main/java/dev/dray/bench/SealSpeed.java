package dev.dray.bench;

import dev.dray.linux.NativeMemory;
import dev.dray.seal.Aead;
import dev.dray.seal.Crypto;
import dev.dray.seal.PageMac;
import dev.dray.seal.SecretKey;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Locale;

/// How fast a young process seals, opens and identifies pages: one JVM for one line, MB/s (10^6) while
/// passing the totals named, since a capture is over before a compiler has warmed up.
///
/// Arguments: `libcrypto` or `jdk`; `seal`, `both` (seal and open) or `mac`; bytes per unit.
public final class SealSpeed {
    private static final long MIB = 1 << 20;
    private static final long[] MARKS = {MIB, 4 * MIB, 16 * MIB, 64 * MIB, 256 * MIB, 1024 * MIB};
    /// Walked in a circle: more than a core's own cache holds.
    private static final long ARENA_BYTES = 64 * MIB;

    private SealSpeed() {}

    public static void main(String[] args) {
        Crypto crypto =
                args[0].equals("jdk") ? Crypto.jdk() : Crypto.libcrypto().orElseThrow();
        int unit = Integer.parseInt(args[2]);
        int step = unit + Aead.TAG_BYTES;
        MemorySegment memory = NativeMemory.map(ARENA_BYTES + step);
        for (long i = 0; i < ARENA_BYTES; i += Long.BYTES) {
            memory.set(ValueLayout.JAVA_LONG, i, i * 0x9E3779B97F4A7C15L);
        }
        StringBuilder line = new StringBuilder(String.format("%-9s %-4s %7d:", args[0], args[1], unit));
        long start = System.nanoTime();
        try (SecretKey key = SecretKey.random();
                Aead aead = crypto.aead(key);
                PageMac mac = crypto.pageMac(key)) {
            long done = 0;
            long lastDone = 0;
            long last = start;
            for (long mark : MARKS) {
                while (done < mark) {
                    long address = memory.address() + done / unit * step % (ARENA_BYTES - step) / 16 * 16;
                    run(args[1], aead, mac, done, address, unit);
                    done += unit;
                }
                long now = System.nanoTime();
                line.append(String.format(Locale.ROOT, " %6.0f", (done - lastDone) * 1e3 / (now - last)));
                last = now;
                lastDone = done;
            }
            line.append(String.format(Locale.ROOT, " | all %6.0f", done * 1e3 / (last - start)));
        }
        System.out.println(line);
    }

    private static void run(String what, Aead aead, PageMac mac, long nonce, long address, int unit) {
        switch (what) {
            case "seal" -> aead.seal(1, nonce, MemorySegment.NULL, address, unit, address);
            case "both" -> {
                aead.seal(1, nonce, MemorySegment.NULL, address, unit, address);
                if (!aead.open(1, nonce, MemorySegment.NULL, address, unit + Aead.TAG_BYTES, address)) {
                    throw new IllegalStateException("Not opened at " + nonce);
                }
            }
            default -> mac.mac(address, unit, address + unit);
        }
    }
}
