package dev.dray;

import dev.dray.error.DrayException;
import dev.dray.error.MachineException;
import dev.dray.error.UsageException;
import dev.dray.snapshot.Finding;
import dev.dray.snapshot.GuestRange;
import dev.dray.snapshot.Listing;
import dev.dray.snapshot.Repository;
import dev.dray.snapshot.Snapshot;
import dev.dray.snapshot.VerifyReport;
import dev.dray.snapshot.VerifyScope;
import dev.dray.snapshot.Watch;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/// Carries out a [Verify]: what is stored, what this host remembers, and what the user expects.
final class VerifyRun {
    private static final Pattern ID = Pattern.compile("[0-9a-fA-F]{6,32}");

    private static final String DAMAGED =
            "Restore from another snapshot or a copy of the repository, and look at the disk that it lies on";

    private final Progress progress;
    private final long startNanos = System.nanoTime();
    private final List<Verified.Problem> problems = new ArrayList<>();
    private final List<String> warnings = new ArrayList<>();
    private String whatToDo = "";

    private VerifyRun(Progress progress) {
        this.progress = progress;
    }

    static Verified run(Verify request, Progress progress) throws OperationException {
        return OperationException.withoutGuest(() -> new VerifyRun(progress).verify(request));
    }

    private Verified verify(Verify request) throws DrayException {
        for (String id : request.expect()) {
            if (!ID.matcher(id).matches()) { // an empty one would be found in every repository
                throw new UsageException(
                        "--expect '" + id + "' is no snapshot's id", "Give an id, or at least 6 digits of one");
            }
        }
        progress.phase("opening the repository");
        try (Repository repository = RepositoryOpener.open(request.repository(), progress)) {
            Listing listing = repository.list();
            var some = new ArrayList<Snapshot>();
            for (String spec : request.snapshots()) {
                some.add(repository.find(spec));
            }
            progress.phase(request.depth() instanceof Verify.Depth.Structure ? "reading structure" : "reading data");
            VerifyReport report = request.snapshots().isEmpty()
                    ? repository.verifier().all(scope(request.depth()), watch())
                    : repository.verifier().some(some, scope(request.depth()), watch());
            add(report, listing);
            expect(request.expect(), listing);
            compareWithHeads(repository, listing);
            return verified(report);
        }
    }

    private static VerifyScope scope(Verify.Depth depth) {
        return switch (depth) {
            case Verify.Depth.Structure() -> new VerifyScope.Structure();
            case Verify.Depth.Data() -> new VerifyScope.Data();
            case Verify.Depth.Part(int n, int m) -> new VerifyScope.Part(n, m);
            case Verify.Depth.Percent(double percent) -> new VerifyScope.Share(percent);
        };
    }

    private void add(VerifyReport report, Listing listing) {
        Map<String, String> titles =
                listing.snapshots().stream().collect(Collectors.toMap(Snapshot::id, Snapshot::title, (a, _) -> a));
        for (Finding finding : report.findings()) {
            String id = finding.snapshot().orElse("");
            problems.add(new Verified.Problem(
                    finding.object(),
                    id,
                    titles.getOrDefault(id, ""),
                    finding.range().map(VerifyRun::range).orElse(Verified.Range.NONE),
                    finding.message()));
            whatToDo = DAMAGED;
        }
    }

    private static Verified.Range range(GuestRange range) {
        return new Verified.Range(range.region(), range.offset(), range.bytes(), range.gpa());
    }

    /// Snapshots that the user knows from elsewhere.
    private void expect(List<String> expected, Listing listing) {
        for (String id : expected) {
            String prefix = id.toLowerCase(Locale.ROOT);
            if (listing.snapshots().stream().noneMatch(s -> s.id().startsWith(prefix))) {
                missing(prefix, "", "The snapshot " + id + " was expected and is not here");
            }
        }
    }

    /// Snapshots that this host has seen; if none is lost, those of now are remembered.
    private void compareWithHeads(Repository repository, Listing listing) {
        try {
            var heads = RememberedHeads.of(StateDirectory.open(), repository);
            List<RememberedHeads.Head> lost = heads.lost(listing);
            for (RememberedHeads.Head head : lost) {
                missing(head.id(), head.name() + "@" + head.number(), RememberedHeads.sentence(head));
            }
            if (lost.isEmpty()) {
                heads.remember(listing.snapshots());
            } else if (!whatToDo.equals(DAMAGED)) {
                whatToDo = heads.whatToDo();
            }
        } catch (MachineException e) {
            warn("Cannot compare with what this host saw before: " + e.getMessage());
        }
    }

    private void missing(String id, String name, String message) {
        problems.add(new Verified.Problem("", id, name, Verified.Range.NONE, message));
        if (whatToDo.isEmpty()) {
            whatToDo = "Look for a newer copy of the repository, and find out who can write it";
        }
    }

    private void warn(String text) {
        warnings.add(text);
        progress.warning(text);
    }

    private Verified verified(VerifyReport report) {
        long more = report.findingsInAll() - report.findings().size();
        return new Verified(
                report.snapshots(),
                report.packs(),
                report.packsRead(),
                report.frames(),
                report.bytes(),
                report.unusedPacks(),
                report.unusedBytes(),
                (System.nanoTime() - startNanos) / 1e6,
                problems,
                problems.size() + more,
                whatToDo,
                warnings);
    }

    private Watch watch() {
        return new Watch() {
            @Override
            public void bytes(long done, long total) {
                progress.bytes(done, total);
            }

            @Override
            public boolean cancelled() {
                return progress.cancelled();
            }
        };
    }
}
