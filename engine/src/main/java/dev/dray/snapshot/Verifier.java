package dev.dray.snapshot;

import dev.dray.blob.BlobStore;
import dev.dray.error.CorruptException;
import dev.dray.error.DrayException;
import dev.dray.error.InterruptedOperation;
import dev.dray.error.RefusedException;
import dev.dray.seal.KeySlots;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/// Checks that what a repository holds is what was written. Damage is a finding, not an exception.
///
/// Three passes: tables and references of every snapshot; the packs they reference, whole, by several
/// threads; and, if something is wrong with packs, once more the tables, to tell which guest memory depends
/// on it.
public final class Verifier {
    private static final int THREADS_MAX = 4;

    private final Repository repository;

    Verifier(Repository repository) {
        this.repository = repository;
    }

    /// Verifies the whole repository: every manifest, key slot and working set, and what they reference.
    public VerifyReport all(VerifyScope scope, Watch watch) throws DrayException {
        Findings findings = new Findings();
        Listing listing = repository.list();
        for (Listing.Damaged damaged : listing.damaged()) {
            Optional<String> id = ObjectName.numbered(damaged.object()).map(ObjectName.Numbered::hex);
            findings.add(damaged.object(), id, Findings.text(damaged.failure()));
        }
        checkKeySlots(findings);
        repository.workingSets().check(listing, findings);
        return run(listing.snapshots(), scope, watch, findings, true);
    }

    /// Verifies these snapshots only.
    public VerifyReport some(List<Snapshot> snapshots, VerifyScope scope, Watch watch) throws DrayException {
        return run(snapshots, scope, watch, new Findings(), false);
    }

    private void checkKeySlots(Findings findings) throws DrayException {
        for (String name : KeyRing.names(repository.store())) {
            try {
                int type = KeySlots.type(KeyRing.slot(repository.store(), name, repository.idBytes()));
                if (type <= 0) {
                    findings.add(name, Optional.empty(), "Object " + name + " is a key slot of type " + type);
                }
            } catch (CorruptException | RefusedException e) {
                findings.add(name, Optional.empty(), Findings.text(e));
            }
        }
    }

    private VerifyReport run(List<Snapshot> snapshots, VerifyScope scope, Watch watch, Findings findings, boolean whole)
            throws DrayException {
        Damage damage = new Damage();
        try (FrameReader reader = repository.metadataReader();
                PackShapes shapes = new PackShapes(repository.store(), repository.keys())) {
            StructureCheck structure = new StructureCheck(repository, reader, shapes, findings, watch);
            for (Snapshot snapshot : snapshots) {
                structure.check(snapshot);
            }
            shapes.broken().forEach((hex, failure) -> damage.pack(hex, Findings.text(failure)));
            List<String> chosen = chosen(scope, List.copyOf(structure.domains().keySet()));
            Reading read = new Reading(chosen, structure.domains(), shapes.bytes(), damage, watch);
            read.run();
            if (!damage.isEmpty()) {
                new DamageReport(damage, findings).report(snapshots, reader);
            }
            long[] unused = whole ? unused(structure.domains().keySet()) : new long[2];
            return new VerifyReport(
                    findings.list(),
                    findings.inAll(),
                    snapshots.size(),
                    structure.domains().size(),
                    chosen.size(),
                    read.frames.get(),
                    read.bytes.get(),
                    unused[0],
                    unused[1]);
        }
    }

    private static List<String> chosen(VerifyScope scope, List<String> packs) {
        return switch (scope) {
            case VerifyScope.Structure _ -> List.of();
            case VerifyScope.Data _ -> packs;
            case VerifyScope.Part(int part, int parts) ->
                packs.stream().filter(hex -> group(hex, parts) == part - 1).toList();
            case VerifyScope.Share(double percent) -> share(percent, packs);
        };
    }

    private static int group(String hex, int parts) {
        return (int) Long.remainderUnsigned(Long.parseUnsignedLong(hex, 0, 16, 16), parts);
    }

    private static List<String> share(double percent, List<String> packs) {
        SplittableRandom random = new SplittableRandom();
        List<String> chosen =
                packs.stream().filter(_ -> random.nextDouble(100) < percent).toList();
        return chosen.isEmpty() && !packs.isEmpty() ? List.of(packs.get(random.nextInt(packs.size()))) : chosen;
    }

    /// Counts packs that no snapshot references, and their bytes.
    private long[] unused(Set<String> used) throws DrayException {
        long[] unused = new long[2];
        repository.store().list(ObjectName.PACKS, (BlobStore.Entry entry) -> {
            Optional<String> hex = ObjectName.plain(entry.name());
            if (hex.isEmpty() || !used.contains(hex.get())) {
                unused[0]++;
                unused[1] += entry.bytes();
            }
        });
        return unused;
    }

    /// The second pass.
    private final class Reading {
        private final List<String> packs;
        private final Map<String, String> domains;
        private final Map<String, Long> lengths;
        private final Damage damage;
        private final Watch watch;
        private final AtomicInteger next = new AtomicInteger();
        private final AtomicLong done = new AtomicLong();
        private final AtomicLong frames = new AtomicLong();
        private final AtomicLong bytes = new AtomicLong();
        private final List<Throwable> failures = new ArrayList<>();
        private final long total;

        Reading(
                List<String> packs,
                Map<String, String> domains,
                Map<String, Long> lengths,
                Damage damage,
                Watch watch) {
            this.packs = packs;
            this.domains = domains;
            this.lengths = lengths;
            this.damage = damage;
            this.watch = watch;
            this.total = packs.stream()
                    .mapToLong(hex -> lengths.getOrDefault(hex, 0L))
                    .sum();
        }

        void run() throws DrayException {
            int count = Math.min(
                    THREADS_MAX, Math.min(packs.size(), Runtime.getRuntime().availableProcessors()));
            List<Thread> threads = new ArrayList<>();
            for (int i = 0; i < count; i++) {
                threads.add(
                        Thread.ofPlatform().daemon().name("dray-verify-" + i).start(this::work));
            }
            for (Thread thread : threads) {
                join(thread);
            }
            if (watch.cancelled()) {
                throw new InterruptedOperation("Verification was interrupted", "");
            }
            synchronized (failures) {
                if (!failures.isEmpty()) {
                    throw new IllegalStateException("A verifying thread failed", failures.getFirst());
                }
            }
        }

        private void join(Thread thread) throws DrayException {
            try {
                thread.join();
            } catch (InterruptedException e) {
                next.set(packs.size());
                Thread.currentThread().interrupt();
                throw new InterruptedOperation("Verification was interrupted", "", e);
            }
        }

        private void work() {
            try (PackCheck check = new PackCheck(repository.store(), repository.keys(), damage)) {
                int index;
                while ((index = next.getAndIncrement()) < packs.size() && !watch.cancelled()) {
                    String hex = packs.get(index);
                    check.check(hex, domains.getOrDefault(hex, ""));
                    watch.bytes(done.addAndGet(lengths.getOrDefault(hex, 0L)), total);
                }
                frames.addAndGet(check.frames());
                bytes.addAndGet(check.bytes());
            } catch (Throwable e) {
                synchronized (failures) {
                    failures.add(e);
                }
            }
        }
    }
}
