package dev.dray.page;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dray.page.PageRun.Reason;
import dev.dray.page.PageServer.Extent;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/// Thousands of courses of events, each from a seed, against a model that is slow and simple.
class PageServerSimulationTest {
    private static final int COURSES = 4000;

    @Test
    void everyPageComesOnceInTheRightOrderWhateverHappens() {
        long seed = Long.getLong("dray.seed", System.nanoTime());
        System.out.println("page server simulation: " + COURSES + " courses from -Ddray.seed=" + seed);
        for (int i = 0; i < COURSES; i++) {
            try {
                new Course(seed + i).run();
            } catch (AssertionError | RuntimeException e) {
                throw new AssertionError("with -Ddray.seed=" + (seed + i), e);
            }
        }
    }

    /// A fetch that somebody was given.
    private record Fetch(PageRun run) {}

    /// One guest, one server, and what a simple mind knows of both.
    private static final class Course {
        private final Random random;
        private final List<Extent> extents = new ArrayList<>();
        private final WorkingSet prefetch;
        private final long aheadMax;
        private final PageServer server;
        private final int pages;
        private final boolean dropping;

        private final int[] placed;
        private final int[] drops;
        private final boolean[] asked;
        private final boolean[] present;
        private final boolean[] taken;
        private final ArrayDeque<Long> wanted = new ArrayDeque<>();
        private final ArrayDeque<Long> again = new ArrayDeque<>();
        private final ArrayDeque<Long> broken = new ArrayDeque<>();
        private final List<Fetch> fetches = new ArrayList<>();
        private int position;
        private int cursor;
        private boolean behindMiss;
        private boolean faults = true;

        Course(long seed) {
            random = new Random(seed);
            int count = 1 + random.nextInt(4);
            for (int i = 0; i < count; i++) {
                extents.add(new Extent(random.nextInt(random.nextInt(4) > 0 ? 20 : 200), 1 + random.nextInt(16)));
            }
            pages = (int) extents.stream().mapToLong(Extent::pages).sum();
            prefetch = randomSet();
            aheadMax = random.nextBoolean() ? Long.MAX_VALUE / 2 : 1 + random.nextInt(100);
            dropping = random.nextInt(3) == 0;
            server = new PageServer(extents, prefetch, aheadMax);
            placed = new int[pages];
            drops = new int[pages];
            asked = new boolean[pages];
            present = new boolean[pages];
            taken = new boolean[pages];
        }

        private WorkingSet randomSet() {
            int count = random.nextInt(100);
            int[] regions = new int[count];
            long[] numbers = new long[count];
            for (int i = 0; i < count; i++) {
                boolean follows = i > 0 && random.nextInt(3) > 0;
                regions[i] = follows ? regions[i - 1] : random.nextInt(extents.size() + 1) - random.nextInt(2);
                numbers[i] = follows ? numbers[i - 1] + 1 : random.nextInt(random.nextBoolean() ? 20 : 210) - 5;
            }
            return WorkingSet.of(regions, numbers, new int[count], count);
        }

        void run() {
            try (server) {
                takeEveryStep();
            }
        }

        private void takeEveryStep() {
            for (int i = 0; i < 3 * pages; i++) {
                step();
            }
            faults = false;
            int patience = 20 * pages + 100;
            while (pagesLeft() > 0) { // once nothing fails any more, everything comes
                assertThat(patience--).as("steps left").isPositive();
                step();
                if (!broken.isEmpty()) {
                    retry();
                }
            }
            for (int page = 0; page < pages; page++) {
                assertThat(placed[page]).as("page %d", page).isBetween(1, 1 + drops[page]);
            }
            assertThat(server.unasked()).isEqualTo(count(asked, false));
            assertThat(server.absent()).isEqualTo(count(present, false));
        }

        /// Until each page was asked for and answered (if they are dropped), or is present.
        private int pagesLeft() {
            int left = fetches.size() + wanted.size();
            for (int page = 0; page < pages; page++) {
                left += placed[page] > 0 ? 0 : 1;
            }
            return left;
        }

        private void step() {
            switch (random.nextInt(9)) {
                case 0 -> ask(random.nextInt(Math.max(1, pages)));
                case 1 -> ask(firstNotAsked());
                case 2, 3, 4 -> next();
                case 5, 6 -> finish();
                case 7 -> goOn();
                default -> {
                    if (random.nextInt(10) == 0) {
                        retry();
                    }
                }
            }
        }

        private int firstNotAsked() {
            for (int page = 0; page < pages; page++) {
                if (!asked[page]) {
                    return page;
                }
            }
            return 0;
        }

        private void ask(int page) {
            if (pages == 0) {
                return;
            }
            boolean leads = random.nextBoolean();
            var answer = server.request(page, leads);
            assertThat(answer.first()).isEqualTo(!asked[page]);
            assertThat(answer.present()).isEqualTo(present[page]);
            asked[page] = true;
            if (!present[page] && !taken[page]) {
                taken[page] = true;
                wanted.add((long) page);
                if (placed[page] == 0 && leads) {
                    cursor = page + 1;
                    behindMiss = true;
                }
            }
            if (present[page] && dropping) {
                server.drop(page);
                present[page] = false;
                taken[page] = false;
                drops[page]++;
            }
        }

        private void next() {
            PageRun run = new PageRun();
            boolean given = server.next(run);
            if (!wanted.isEmpty()) {
                expect(given, run, Reason.REQUEST, wanted.remove(), 1);
            } else if (!again.isEmpty()) {
                expect(given, run, Reason.RETRY, again.remove(), 1);
            } else {
                background(given, run);
            }
            if (given) {
                fetches.add(new Fetch(run));
            }
        }

        private static void expect(boolean given, PageRun run, Reason reason, long first, int count) {
            assertThat(given).isTrue();
            assertThat(run.reason()).isEqualTo(reason);
            assertThat(run.first()).isEqualTo(first);
            assertThat(run.count()).isEqualTo(count);
        }

        private void background(boolean given, PageRun run) {
            long room = (aheadMax + 1) / 2 - ahead();
            boolean first = behindMiss && aheadMax > ahead() && expectedOfSweep() >= 0;
            behindMiss = false;
            long expected = room > 0 && !first ? expectedOfWorkingSet() : -1;
            Reason reason = expected >= 0 ? Reason.PREFETCH : Reason.SWEEP;
            if (expected < 0) {
                room = aheadMax - ahead();
                expected = room > 0 ? expectedOfSweep() : -1;
            }
            if (expected < 0) {
                assertThat(given).isFalse();
                return;
            }
            expect(given, run, reason, expected, run.count());
            int extent = extent(expected);
            assertThat(run.count())
                    .isBetween(1, (int) Math.min(room, extents.get(extent).runMax()));
            for (long page = expected; page < expected + run.count(); page++) {
                assertThat(taken[(int) page]).isFalse();
                assertThat(extent(page)).isEqualTo(extent);
                taken[(int) page] = true;
            }
            if (reason == Reason.SWEEP) {
                cursor = (int) expected + run.count();
            } else {
                for (int i = 0; i < run.count(); i++) {
                    assertThat(prefetch.page(position + i)).isEqualTo(prefetch.page(position) + i);
                }
                position += run.count();
            }
        }

        /// Who missed a page fetches what follows.
        private void goOn() {
            int pagesMax = 1 + random.nextInt(20);
            long room = Math.min(pagesMax, aheadMax - ahead());
            PageRun run = new PageRun();
            boolean given = server.nextBehindMiss(run, pagesMax);
            assertThat(given).isEqualTo(behindMiss && room > 0 && cursor < pages && free(cursor));
            if (!given) {
                return;
            }
            expect(true, run, Reason.SWEEP, cursor, run.count());
            int extent = extent(cursor);
            assertThat(run.count())
                    .isBetween(1, (int) Math.min(room, extents.get(extent).runMax()));
            for (int i = 0; i < run.count(); i++) {
                assertThat(free(cursor)).isTrue();
                assertThat(extent(cursor)).isEqualTo(extent);
                taken[cursor++] = true;
            }
            fetches.add(new Fetch(run));
        }

        private long ahead() {
            long ahead = 0;
            for (Fetch fetch : fetches) {
                Reason reason = fetch.run.reason();
                ahead += reason == Reason.PREFETCH || reason == Reason.SWEEP ? fetch.run.count() : 0;
            }
            for (int page = 0; page < pages; page++) {
                ahead += present[page] && !asked[page] ? 1 : 0;
            }
            return ahead;
        }

        private long expectedOfWorkingSet() {
            for (; position < prefetch.count(); position++) {
                int region = prefetch.region(position);
                long page = prefetch.page(position);
                if (region >= 0
                        && region < extents.size()
                        && page >= 0
                        && page < extents.get(region).pages()) {
                    long number = server.number(region, page);
                    if (free(number)) {
                        return number;
                    }
                }
            }
            return -1;
        }

        private long expectedOfSweep() {
            for (int i = 0; i < pages; i++) {
                int page = (cursor + i) % pages;
                if (free(page)) {
                    return page;
                }
            }
            return -1;
        }

        /// Of no page that was dropped it is said that it is free: nobody fetches it unasked.
        private boolean free(long page) {
            return !taken[(int) page] && drops[(int) page] == 0;
        }

        private int extent(long page) {
            long end = 0;
            for (int i = 0; i < extents.size(); i++) {
                end += extents.get(i).pages();
                if (page < end) {
                    return i;
                }
            }
            throw new AssertionError(page);
        }

        private void finish() {
            if (fetches.isEmpty()) {
                return;
            }
            PageRun run = fetches.remove(random.nextInt(fetches.size())).run();
            int good = faults && random.nextInt(4) == 0 ? random.nextInt(run.count() + 1) : run.count();
            place(run, good);
            int rest = run.count() - good;
            if (rest > 0 && random.nextBoolean()) {
                server.failed(run, run.first() + good);
                broken.add(run.first() + good);
                rest--;
            }
            if (rest > 0) {
                long first = run.first() + run.count() - rest;
                server.giveBack(run, first, rest);
                for (long page = first; page < first + rest; page++) {
                    if (asked[(int) page]) {
                        wanted.add(page);
                    } else if (run.reason() == Reason.RETRY) {
                        again.add(page);
                    } else {
                        taken[(int) page] = false;
                    }
                }
            }
        }

        private void place(PageRun run, int count) {
            if (count == 0) {
                return;
            }
            server.placed(run, run.first(), count);
            for (int page = (int) run.first(); page < run.first() + count; page++) {
                placed[page]++;
                present[page] = true;
                assertThat(placed[page]).as("page %d", page).isLessThanOrEqualTo(1 + drops[page]);
                assertThat(server.isPresent(page)).isTrue();
            }
        }

        private void retry() {
            assertThat(server.retryFailed()).isEqualTo(broken.size());
            while (!broken.isEmpty()) {
                long page = broken.remove();
                (asked[(int) page] ? wanted : again).add(page);
            }
        }

        private static int count(boolean[] bits, boolean which) {
            int count = 0;
            for (boolean bit : bits) {
                count += bit == which ? 1 : 0;
            }
            return count;
        }
    }

    @Test
    void bitsAreFoundAsASimpleLoopFindsThem() {
        long seed = Long.getLong("dray.seed", System.nanoTime());
        System.out.println("page bits: -Ddray.seed=" + seed);
        Random random = new Random(seed);
        for (int round = 0; round < 50; round++) {
            int size = 1 + random.nextInt(20_000);
            try (var bits = new PageBits(size)) {
                compareWithALoop(bits, size, random);
            }
        }
    }

    private static void compareWithALoop(PageBits bits, int size, Random random) {
        boolean[] model = new boolean[size];
        for (int i = 0; i < 40; i++) {
            int from = random.nextInt(size);
            int to = from + random.nextInt(size - from + 1);
            boolean set = random.nextInt(3) > 0;
            Arrays.fill(model, from, to, set);
            for (int bit = from; bit < to; bit++) {
                if (set) {
                    bits.set(bit);
                } else {
                    bits.clear(bit);
                }
            }
            int start = random.nextInt(size);
            int end = start + random.nextInt(size - start + 1);
            int expected = start;
            while (expected < end && model[expected]) {
                expected++;
            }
            assertThat(bits.nextClear(start, end)).isEqualTo(expected < end ? expected : -1);
        }
    }
}
