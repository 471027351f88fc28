package dev.dray.snapshot;

import dev.dray.error.DrayException;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// The last pass of a verification, if there is damage: tells which guest memory of which snapshot depends on
/// it.
final class DamageReport {
    private final Damage damage;
    private final Findings findings;

    /// Objects that a finding names with a snapshot.
    private final Set<String> told = new HashSet<>();

    DamageReport(Damage damage, Findings findings) {
        this.damage = damage;
        this.findings = findings;
    }

    void report(List<Snapshot> snapshots, FrameReader reader) throws DrayException {
        for (Snapshot snapshot : snapshots) {
            new TableWalk(snapshot.manifest(), reader).walk(new Visit(snapshot));
            for (Map.Entry<String, StatePart> part : snapshot.manifest().state().entrySet()) {
                for (FrameRef frame : part.getValue().frames()) {
                    metadata(snapshot, frame, "Machine state " + part.getKey());
                }
            }
            for (FrameRef frame : snapshot.manifest().packs()) {
                metadata(snapshot, frame, "Its list of packs");
            }
        }
        damage.all().forEach((object, message) -> {
            if (!told.contains(object)) {
                findings.add(object, Optional.empty(), message);
            }
        });
    }

    private void metadata(Snapshot snapshot, FrameRef frame, String what) {
        damage.of(frame.pack(), frame.offset()).ifPresent(message -> {
            String object = ObjectName.pack(frame.pack());
            told.add(object);
            findings.add(object, Optional.of(snapshot.id()), what + ": " + message);
        });
    }

    private final class Visit implements TableWalk.Visitor {
        private final Snapshot snapshot;

        Visit(Snapshot snapshot) {
            this.snapshot = snapshot;
        }

        @Override
        public boolean knows(FrameRef frame) {
            return false;
        }

        @Override
        public void node(FrameRef frame) {
            metadata(snapshot, frame, "A directory node of its page table");
        }

        @Override
        public void segment(int region, long first, int pages, FrameRef frame, SegmentCache.Decoded segment) {
            metadata(snapshot, frame, "A segment of its page table");
            boolean touched = false;
            for (int i = 0; i < segment.packCount(); i++) {
                touched |= damage.touches(segment.pack(i).hex());
            }
            int i = 0;
            while (touched && i < pages) {
                Optional<String> message = damaged(segment, i);
                int run = 1;
                while (i + run < pages
                        && message.isPresent()
                        && damaged(segment, i + run).equals(message)) {
                    run++;
                }
                if (message.isPresent()) {
                    String object =
                            segment.pack(Location.pack(segment.location(i))).object();
                    told.add(object);
                    findings.pages(object, snapshot, region, first + i, run, message.get());
                }
                i += run;
            }
        }

        private Optional<String> damaged(SegmentCache.Decoded segment, int index) {
            long location = segment.location(index);
            if (!Location.isContent(location)) {
                return Optional.empty();
            }
            return damage.of(segment.pack(Location.pack(location)).hex(), Location.offset(location));
        }

        @Override
        public void unreadable(int region, long first, long pages, FrameRef frame, DrayException failure) {
            told.add(ObjectName.pack(frame.pack())); // the first pass has told it
        }
    }
}
