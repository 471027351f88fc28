package dev.dray.snapshot;

import dev.dray.error.CorruptException;
import dev.dray.error.DrayException;
import dev.dray.error.InterruptedOperation;
import dev.dray.error.MachineException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// The first pass of a verification: reads all tables and machine state of each snapshot, and holds every
/// reference against the directory of the pack it points into.
final class StructureCheck {
    private final Repository repository;
    private final FrameReader reader;
    private final PackShapes shapes;
    private final Findings findings;
    private final Watch watch;

    /// Every pack that is referenced, with the domain its contents were identified in.
    private final Map<String, String> domains = new LinkedHashMap<>();

    /// Segments that were looked at, with the packs they name.
    private final Map<FrameRef, List<String>> segments = new HashMap<>();

    StructureCheck(Repository repository, FrameReader reader, PackShapes shapes, Findings findings, Watch watch) {
        this.repository = repository;
        this.reader = reader;
        this.shapes = shapes;
        this.findings = findings;
        this.watch = watch;
    }

    Map<String, String> domains() {
        return domains;
    }

    void check(Snapshot snapshot) throws DrayException {
        if (watch.cancelled()) {
            throw new InterruptedOperation("Verification was interrupted", "");
        }
        Set<String> referenced = new LinkedHashSet<>();
        checkState(snapshot, referenced);
        new TableWalk(snapshot.manifest(), reader).walk(new Visit(snapshot, referenced));
        checkPackList(snapshot, referenced);
        String domain = repository.domain(snapshot.manifest().name());
        for (String pack : referenced) {
            domains.putIfAbsent(pack, domain);
            shapes.of(pack);
        }
    }

    private void checkState(Snapshot snapshot, Set<String> referenced) throws DrayException {
        for (Map.Entry<String, StatePart> part : snapshot.manifest().state().entrySet()) {
            for (FrameRef frame : part.getValue().frames()) {
                referenced.add(frame.pack());
                try {
                    reader.metadata(frame, FrameKind.STATE);
                    reference(snapshot, FrameKind.STATE, frame);
                } catch (CorruptException | MachineException e) {
                    findings.add(
                            ObjectName.pack(frame.pack()),
                            Optional.of(snapshot.id()),
                            "Machine state " + part.getKey() + ": " + Findings.text(e));
                }
            }
        }
    }

    private void checkPackList(Snapshot snapshot, Set<String> referenced) throws DrayException {
        try {
            Set<String> list = PackLists.read(snapshot.manifest(), reader);
            for (String pack : referenced) {
                if (!list.contains(pack)) {
                    findings.add(
                            snapshot.object(),
                            Optional.of(snapshot.id()),
                            "Its list of packs lacks " + ObjectName.pack(pack) + ", which its tables name");
                }
            }
            referenced.addAll(list);
        } catch (CorruptException | MachineException e) {
            findings.add(snapshot.object(), Optional.of(snapshot.id()), "Its list of packs: " + Findings.text(e));
        }
    }

    private void reference(Snapshot snapshot, FrameKind kind, FrameRef frame) {
        Optional<PackShapes.Shape> shape = shapes.of(frame.pack());
        if (shape.isPresent() && !shape.get().holds(kind, frame.offset(), frame.sealedBytes(), frame.compressed())) {
            findings.add(
                    ObjectName.pack(frame.pack()),
                    Optional.of(snapshot.id()),
                    "Its directory lacks the frame at " + frame.offset());
        }
    }

    private final class Visit implements TableWalk.Visitor {
        private final Snapshot snapshot;
        private final Set<String> referenced;

        Visit(Snapshot snapshot, Set<String> referenced) {
            this.snapshot = snapshot;
            this.referenced = referenced;
        }

        @Override
        public boolean knows(FrameRef frame) {
            List<String> packs = segments.get(frame);
            if (packs == null) {
                return false;
            }
            referenced.add(frame.pack());
            referenced.addAll(packs);
            return true;
        }

        @Override
        public void node(FrameRef frame) {
            referenced.add(frame.pack());
            reference(snapshot, FrameKind.NODE, frame);
        }

        @Override
        public void segment(int region, long first, int pages, FrameRef frame, SegmentCache.Decoded segment) {
            referenced.add(frame.pack());
            reference(snapshot, FrameKind.SEGMENT, frame);
            List<String> packs = new ArrayList<>();
            for (int i = 0; i < segment.packCount(); i++) {
                packs.add(segment.pack(i).hex());
            }
            referenced.addAll(packs);
            boolean sound = true;
            for (int i = 0; i < pages; i++) {
                long location = segment.location(i);
                if (Location.isContent(location)) {
                    sound &= page(region, first + i, segment.pack(Location.pack(location)), location);
                }
            }
            if (sound) {
                segments.put(frame, packs);
            }
        }

        private boolean page(int region, long page, SegmentCache.Pack pack, long location) {
            Optional<PackShapes.Shape> shape = shapes.of(pack.hex());
            boolean held = shape.isEmpty()
                    || shape.get()
                            .holds(
                                    FrameKind.PAGE,
                                    Location.offset(location),
                                    Location.sealedBytes(location),
                                    Location.compressed(location));
            if (!held) {
                findings.pages(
                        pack.object(),
                        snapshot,
                        region,
                        page,
                        1,
                        "Its directory lacks the frame at " + Location.offset(location));
            }
            return held;
        }

        @Override
        public void unreadable(int region, long first, long pages, FrameRef frame, DrayException failure) {
            referenced.add(frame.pack());
            findings.pages(
                    ObjectName.pack(frame.pack()),
                    snapshot,
                    region,
                    first,
                    pages,
                    "The page table of this memory cannot be read: " + Findings.text(failure));
        }
    }
}
