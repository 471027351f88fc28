package dev.dray.bench;

import dev.dray.linux.NativeMemory;
import dev.dray.memory.PageSize;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.time.ZoneOffset;

/// The machine that is measured on, for the head of each table.
final class Host {
    private Host() {}

    /// Processor, cores, kernel, Java, date and load.
    static String line() throws IOException {
        String processor = Files.readAllLines(Path.of("/proc/cpuinfo")).stream()
                .filter(line -> line.startsWith("model name"))
                .map(line -> line.substring(line.indexOf(':') + 1).strip())
                .findFirst()
                .orElse("unknown processor");
        return "%s, %d cores; Linux %s; Java %s; %s; load %s"
                .formatted(
                        processor,
                        Runtime.getRuntime().availableProcessors(),
                        System.getProperty("os.version"),
                        System.getProperty("java.vm.version"),
                        LocalDate.now(ZoneOffset.UTC),
                        load());
    }

    /// Has the machine hold so much free memory: where it is itself virtual, its host takes back what lies unused, and
    /// to
    /// get 1 GiB of it again can cost seconds, which meet only whoever comes first.
    static void touchMemory(long bytes) {
        MemorySegment memory = NativeMemory.map(bytes);
        for (long at = 0; at < bytes; at += PageSize.BYTES) {
            memory.set(ValueLayout.JAVA_BYTE, at, (byte) 1);
        }
        NativeMemory.unmap(memory);
    }

    /// What others do on this machine: the number of processes that ran or waited for a core in the last minute.
    static String load() throws IOException {
        return Files.readString(Path.of("/proc/loadavg")).split(" ", -1)[0];
    }
}
