package dev.dray;

import dev.dray.error.DrayException;
import dev.dray.error.UsageException;
import java.util.Collections;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;

/// Feeds a snapshot to a VMM that was told to receive a migration: for those who drive the VMM themselves.
///
/// @param snapshot an id, a prefix of one, `NAME` or `NAME@N`
/// @param route where the VMM listens
/// @param paused leave the guest paused
/// @param connections over how many connections memory is sent where it cannot be handed over, 1 to 128; 0 for as
///     many as help
/// @param disks what the user says about the guest's disks
/// @param memory when the guest gets its memory
/// @param settings as in [Restore]
/// @param copy as in [Restore]
/// @param ownRisk as in [Restore]
public record Send(
        String snapshot,
        RepositoryAccess repository,
        Route route,
        boolean paused,
        int connections,
        Restore.DisksCheck disks,
        RestoreMemory memory,
        SortedMap<String, String> settings,
        Optional<String> copy,
        boolean ownRisk)
        implements Operation<Restored> {
    /// Cloud Hypervisor takes no more.
    public static final int CONNECTIONS_MAX = 128;

    public Send {
        settings = Collections.unmodifiableSortedMap(new TreeMap<>(settings));
    }

    /// With the defaults of the command.
    public static Send of(String snapshot, RepositoryAccess repository, Route route) {
        return new Send(
                snapshot,
                repository,
                route,
                false,
                0,
                new Restore.DisksCheck.Nothing(),
                new RestoreMemory.Eager(),
                new TreeMap<>(),
                Optional.empty(),
                false);
    }

    @Override
    public Restored run(Progress progress) throws OperationException {
        try {
            if (connections < 0 || connections > CONNECTIONS_MAX) {
                throw new UsageException(connections + " connections are not possible", "Use 1 to " + CONNECTIONS_MAX);
            }
            return SendRun.run(this, route.endpoint(), progress);
        } catch (DrayException e) {
            throw new OperationException(e, GuestFate.UNKNOWN);
        }
    }

    RestoreWish wish() {
        return new RestoreWish(snapshot, repository, copy, paused, new TreeMap<>(), disks, memory, settings, ownRisk);
    }
}
