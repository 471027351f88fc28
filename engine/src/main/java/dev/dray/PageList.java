package dev.dray;

import dev.dray.error.MachineException;
import dev.dray.error.UsageException;
import dev.dray.memory.GuestMemoryMap;
import dev.dray.page.WorkingSet;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// A file that names pages to fetch first, in this order: on each line `REGION PAGE` or `REGION PAGE+COUNT`, as
/// `mem0@0x0 256+16`; what follows `#` is for people.
final class PageList {
    private static final int FILE_BYTES_MAX = 64 << 20;

    private static final Pattern LINE = Pattern.compile("(\\S+)\\s+([0-9]{1,12})(?:\\+([0-9]{1,12}))?");

    private final Path file;
    private final GuestMemoryMap memory;
    private int[] regions = new int[1024];
    private long[] pages = new long[1024];
    private int count;

    private PageList(Path file, GuestMemoryMap memory) {
        this.file = file;
        this.memory = memory;
    }

    /// @param memory of the snapshot that the pages are of
    static WorkingSet read(Path file, GuestMemoryMap memory) throws UsageException, MachineException {
        var list = new PageList(file, memory);
        try {
            if (Files.size(file) > FILE_BYTES_MAX) {
                throw new UsageException(file + " has more than " + FILE_BYTES_MAX + " bytes", "Name fewer pages");
            }
            try (BufferedReader lines = Files.newBufferedReader(file)) {
                int number = 1;
                for (String line = lines.readLine(); line != null; line = lines.readLine(), number++) {
                    list.take(line.replaceFirst("#.*", "").strip(), number);
                }
            }
        } catch (NoSuchFileException e) {
            throw new UsageException(
                    "There is no list of pages " + file, "Name a file, or say --prefetch recorded or none", e);
        } catch (CharacterCodingException e) {
            throw new UsageException("The list of pages " + file + " is not UTF-8", "Write it as UTF-8", e);
        } catch (IOException e) {
            throw new MachineException(
                    "Cannot read the list of pages " + file + ": " + e.getMessage(), "check the file", e);
        }
        return WorkingSet.of(list.regions, list.pages, new int[list.regions.length], list.count);
    }

    private void take(String line, int number) throws UsageException {
        if (line.isEmpty()) {
            return;
        }
        Matcher matcher = LINE.matcher(line);
        if (!matcher.matches()) {
            throw wrong(number, "it is not REGION PAGE or REGION PAGE+COUNT");
        }
        int region = 0;
        while (region < memory.regions().size()
                && !memory.regions().get(region).name().equals(matcher.group(1))) {
            region++;
        }
        if (region == memory.regions().size()) {
            throw wrong(number, "the snapshot has no memory region " + matcher.group(1));
        }
        long first = Long.parseLong(matcher.group(2));
        long many = matcher.group(3) == null ? 1 : Long.parseLong(matcher.group(3));
        long all = memory.regions().get(region).pages();
        if (first + many > all) {
            throw wrong(number, matcher.group(1) + " has " + all + " pages");
        }
        if (count + many > WorkingSet.PAGES_MAX) {
            throw wrong(number, "more than " + WorkingSet.PAGES_MAX + " pages are named");
        }
        for (long page = first; page < first + many; page++) {
            add(region, page);
        }
    }

    private void add(int region, long page) {
        if (count == pages.length) {
            regions = Arrays.copyOf(regions, 2 * count);
            pages = Arrays.copyOf(pages, 2 * count);
        }
        regions[count] = region;
        pages[count] = page;
        count++;
    }

    private UsageException wrong(int line, String why) {
        return new UsageException(
                "Line " + line + " of " + file + " names no page: " + why, "dray show tells a snapshot's regions");
    }
}
