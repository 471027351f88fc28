package dev.dray;

import dev.dray.error.DrayException;
import dev.dray.snapshot.GuestName;
import java.util.Collections;
import java.util.SortedMap;
import java.util.TreeMap;

/// Waits for a VMM that was told to migrate here, and keeps its guest as a snapshot: for those who drive the VMM
/// themselves. How the guest ends is the VMM's word, not Dray's.
///
/// @param route where to listen
/// @param name the guest's name in the repository
public record Receive(
        Route route,
        RepositoryAccess repository,
        String name,
        SortedMap<String, String> labels,
        Compression compression)
        implements Operation<Captured> {
    public Receive {
        labels = Collections.unmodifiableSortedMap(new TreeMap<>(labels));
    }

    /// With the defaults of the command.
    public static Receive of(Route route, RepositoryAccess repository, String name) {
        return new Receive(route, repository, name, new TreeMap<>(), Compression.auto());
    }

    @Override
    public Captured run(Progress progress) throws OperationException {
        try {
            GuestName.check(name);
            Labels.check(labels);
            return ReceiveRun.run(this, route.endpoint(), progress);
        } catch (DrayException e) {
            throw new OperationException(e, GuestFate.UNKNOWN);
        }
    }
}
