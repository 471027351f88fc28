package dev.dray.snapshot;

import dev.dray.error.DrayException;
import dev.dray.error.UsageException;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.OptionalLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// What a user writes to name a snapshot: an id, a prefix of one, `NAME`, `NAME@N`.
final class SnapshotSpec {
    private static final Pattern ID = Pattern.compile("[0-9a-fA-F]{6,32}");
    private static final Pattern NUMBERED = Pattern.compile("(.+)@([1-9][0-9]{0,17})");
    private static final String SEE_LIST = "See dray list for what is there";

    private SnapshotSpec() {}

    static Snapshot find(String spec, Listing listing, String place) throws DrayException {
        if (spec.isBlank()) {
            throw new UsageException("The snapshot's name is empty", SEE_LIST);
        }
        if (ID.matcher(spec).matches()) {
            return byId(spec.toLowerCase(Locale.ROOT), listing, place);
        }
        Matcher numbered = NUMBERED.matcher(spec);
        return numbered.matches()
                ? byName(numbered.group(1), OptionalLong.of(Long.parseLong(numbered.group(2))), listing, place)
                : byName(spec, OptionalLong.empty(), listing, place);
    }

    private static Snapshot byId(String prefix, Listing listing, String place) throws DrayException {
        List<Snapshot> found = listing.snapshots().stream()
                .filter(s -> s.id().startsWith(prefix))
                .toList();
        if (found.size() == 1) {
            return found.getFirst();
        }
        if (found.size() > 1) {
            throw ambiguous(prefix, found);
        }
        for (Listing.Damaged damaged : listing.damaged()) {
            if (damaged.object().startsWith(ObjectName.SNAPSHOTS + "/" + prefix)) {
                throw damaged.failure();
            }
        }
        throw new UsageException("There is no snapshot " + prefix + " in " + place, SEE_LIST);
    }

    private static Snapshot byName(String name, OptionalLong number, Listing listing, String place)
            throws UsageException {
        List<Snapshot> history = listing.snapshots().stream()
                .filter(s -> s.manifest().name().equals(name))
                .sorted(Comparator.comparingLong((Snapshot s) -> s.manifest().number())
                        .reversed())
                .toList();
        if (history.isEmpty()) {
            throw new UsageException("There is no snapshot of " + name + " in " + place, SEE_LIST);
        }
        long wanted = number.orElse(history.getFirst().manifest().number());
        List<Snapshot> found =
                history.stream().filter(s -> s.manifest().number() == wanted).toList();
        if (found.isEmpty()) {
            throw new UsageException(
                    "There is no snapshot " + name + "@" + wanted + " in " + place + "; the newest is "
                            + history.getFirst().title(),
                    SEE_LIST);
        }
        if (found.size() > 1) {
            throw ambiguous(name + "@" + wanted, found);
        }
        return found.getFirst();
    }

    private static UsageException ambiguous(String spec, List<Snapshot> found) {
        String ids = String.join(", ", found.stream().map(Snapshot::id).toList());
        return new UsageException(spec + " names " + found.size() + " snapshots: " + ids, "Give one of these ids");
    }
}
