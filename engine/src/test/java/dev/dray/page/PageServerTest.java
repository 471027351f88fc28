package dev.dray.page;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.management.ThreadMXBean;
import dev.dray.page.PageRun.Reason;
import dev.dray.page.PageServer.Asked;
import dev.dray.page.PageServer.Extent;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class PageServerTest {
    private final PageRun run = new PageRun();
    private final List<PageServer> servers = new ArrayList<>();

    @AfterEach
    void close() {
        servers.forEach(PageServer::close);
    }

    @Test
    void whatIsAskedForComesBeforeTheWorkingSetAndTheRest() {
        PageServer server = server(workingSet(40, 41, 7, 14), 1000);
        assertThat(server.request(90)).isEqualTo(Asked.FIRST_MISS);
        assertThat(server.request(3)).isEqualTo(Asked.FIRST_MISS);
        expect(server, 90, 1, Reason.REQUEST);
        expect(server, 3, 1, Reason.REQUEST);
        expect(server, 4, 8, Reason.SWEEP); // right behind the latest miss
        expect(server, 40, 2, Reason.PREFETCH);
        expect(server, 14, 1, Reason.PREFETCH);
        expect(server, 12, 2, Reason.SWEEP); // up to what is taken
        expect(server, 15, 8, Reason.SWEEP);
    }

    @Test
    void theSweepGoesOnFromTheLatestMissAndComesAround() {
        PageServer server = server(WorkingSet.empty(), 1000);
        expect(server, 0, 8, Reason.SWEEP);
        server.request(97);
        expect(server, 97, 1, Reason.REQUEST);
        expect(server, 98, 2, Reason.SWEEP);
        expect(server, 8, 8, Reason.SWEEP);
    }

    @Test
    void whoMissesAPageCanFetchWhatFollowsByItself() {
        PageServer server = server(workingSet(40), 1000);
        assertThat(server.nextBehindMiss(run, 4)).as("nobody missed anything").isFalse();
        server.request(7);
        expect(server, 7, 1, Reason.REQUEST);
        assertThat(server.nextBehindMiss(run, 4)).isTrue();
        assertThat(run.first()).isEqualTo(8);
        assertThat(run.count()).isEqualTo(4);
        assertThat(run.reason()).isEqualTo(Reason.SWEEP);
        expect(server, 12, 8, Reason.SWEEP); // who fetches ahead goes on from there, once
        expect(server, 40, 1, Reason.PREFETCH);
        server.request(39);
        expect(server, 39, 1, Reason.REQUEST);
        assertThat(server.nextBehindMiss(run, 4))
                .as("what follows is fetched already")
                .isFalse();
    }

    @Test
    void nothingIsFetchedBehindAMissThatThereIsNoRoomFor() {
        PageServer server = server(WorkingSet.empty(), 8);
        expect(server, 0, 8, Reason.SWEEP);
        server.request(20);
        expect(server, 20, 1, Reason.REQUEST);
        assertThat(server.nextBehindMiss(run, 4)).isFalse();
    }

    @Test
    void aPageThatIsBeingFetchedIsNotGivenOutAgainToWhoAsksForIt() {
        PageServer server = server(WorkingSet.empty(), 8);
        expect(server, 0, 8, Reason.SWEEP);
        assertThat(server.request(5)).isEqualTo(Asked.FIRST_MISS);
        assertThat(server.next(run)).isFalse();
        assertThat(server.request(5)).isEqualTo(Asked.REPEAT_MISS);
        server.placed(run, 0, 8);
        assertThat(server.request(5)).isEqualTo(Asked.REPEAT_HIT);
        assertThat(server.request(6)).isEqualTo(Asked.FIRST_HIT);
    }

    @Test
    void aRunDoesNotLeaveItsExtent() {
        PageServer server =
                server(List.of(new Extent(3, 8), new Extent(0, 8), new Extent(2, 1)), WorkingSet.empty(), 1000);
        expect(server, 0, 3, Reason.SWEEP);
        expect(server, 3, 1, Reason.SWEEP);
        expect(server, 4, 1, Reason.SWEEP);
        assertThat(server.next(run)).isFalse();
        assertThat(server.extent(2)).isZero();
        assertThat(server.extent(3)).isEqualTo(2);
        assertThat(server.number(2, 1)).isEqualTo(4);
        assertThatThrownBy(() -> server.extent(5)).isInstanceOf(IndexOutOfBoundsException.class);
    }

    @Test
    void aWorkingSetOfAnotherGuestIsLeftOutWhereItDoesNotFit() {
        var odd = WorkingSet.of(new int[] {7, 0, -1, 0, 0}, new long[] {1, 100, 2, -5, 9}, new int[5], 5);
        PageServer server = server(odd, 1000);
        expect(server, 9, 1, Reason.PREFETCH);
        expect(server, 0, 8, Reason.SWEEP);
    }

    @Test
    void aDroppedPageIsFetchedAgainForWhoAsksAgainOnly() {
        PageServer server = server(WorkingSet.empty(), 8);
        expect(server, 0, 8, Reason.SWEEP);
        server.placed(run, 0, 8);
        assertThat(server.next(run)).isFalse();
        assertThatThrownBy(() -> server.drop(2)).isInstanceOf(IllegalStateException.class);
        server.request(2);
        server.drop(2);
        expect(server, 8, 1, Reason.SWEEP);
        assertThat(server.request(2)).isEqualTo(Asked.REPEAT_MISS);
        expect(server, 2, 1, Reason.REQUEST);
    }

    @Test
    void aPageThatCannotBeReadHoldsUpNoOther() {
        PageServer server = server(WorkingSet.empty(), 1000);
        server.request(5);
        expect(server, 5, 1, Reason.REQUEST);
        server.failed(run, 5);
        expect(server, 6, 8, Reason.SWEEP);
        server.failed(run, 6);
        assertThat(server.failures()).isEqualTo(2);
        assertThat(server.retryFailed()).isEqualTo(2);
        expect(server, 5, 1, Reason.REQUEST);
        expect(server, 6, 1, Reason.RETRY);
    }

    @Test
    void whatIsGivenBackIsFreeOrRequestedAgain() {
        PageServer server = server(WorkingSet.empty(), 1000);
        expect(server, 0, 8, Reason.SWEEP);
        server.request(3);
        server.giveBack(run, 0, 8);
        expect(server, 3, 1, Reason.REQUEST);
        expect(server, 8, 8, Reason.SWEEP);
    }

    @Test
    void pagesThatArePresentAlreadyAreNeitherFetchedNorWaitedFor() {
        PageServer server = server(workingSet(1), 1000);
        server.presentAlready(0, 98);
        assertThat(server.unasked()).isEqualTo(2);
        assertThat(server.absent()).isEqualTo(2);
        expect(server, 98, 2, Reason.SWEEP);
        server.placed(run, 98, 2);
        assertThat(server.absent()).isZero();
    }

    /// The heap of a restore is small, whatever its guest is.
    @Test
    void aGuestOf4TibTakesNextToNothingOfTheHeap() {
        var threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        long last = (1L << 30) - 1;
        long before = threads.getCurrentThreadAllocatedBytes();
        PageServer server = server(List.of(new Extent(last + 1, 64)), WorkingSet.empty(), Long.MAX_VALUE / 2);
        Asked asked = server.request(last);
        boolean given = server.next(run);
        server.placed(run, run.first(), run.count());
        long bytes = threads.getCurrentThreadAllocatedBytes() - before;
        assertThat(bytes).as("bytes of heap").isLessThan(1 << 20);
        assertThat(asked).isEqualTo(Asked.FIRST_MISS);
        assertThat(given).isTrue();
        assertThat(server.isPresent(last)).isTrue();
        assertThat(server.absent()).isEqualTo(last);
        expect(server, 0, 64, Reason.SWEEP);
    }

    private PageServer server(WorkingSet prefetch, long aheadMax) {
        return server(List.of(new Extent(100, 8)), prefetch, aheadMax);
    }

    private PageServer server(List<Extent> extents, WorkingSet prefetch, long aheadMax) {
        var server = new PageServer(extents, prefetch, aheadMax);
        servers.add(server);
        return server;
    }

    private static WorkingSet workingSet(long... pages) {
        return WorkingSet.of(new int[pages.length], pages, new int[pages.length], pages.length);
    }

    private void expect(PageServer server, long first, int count, Reason reason) {
        assertThat(server.next(run)).isTrue();
        assertThat(run.first()).isEqualTo(first);
        assertThat(run.count()).isEqualTo(count);
        assertThat(run.reason()).isEqualTo(reason);
    }
}
