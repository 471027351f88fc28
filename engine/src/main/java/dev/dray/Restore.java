package dev.dray;

import dev.dray.error.UsageException;
import java.util.Collections;
import java.util.SortedMap;
import java.util.TreeMap;

/// Brings a guest back into a VMM that waits for it.
///
/// @param snapshot an id, a prefix of one, `NAME` or `NAME@N`
/// @param into the waiting VM as `DIALECT:CONTROL-SOCKET`
/// @param paused leave the guest paused
/// @param mapBlock region names of the snapshot to region names of the waiting VM, where they differ
/// @param disks what the user says about the guest's disks
public record Restore(
        String snapshot,
        RepositoryAccess repository,
        String into,
        boolean paused,
        SortedMap<String, String> mapBlock,
        DisksCheck disks)
        implements Operation<Restored> {
    public Restore {
        mapBlock = Collections.unmodifiableSortedMap(new TreeMap<>(mapBlock));
    }

    /// A restore with the defaults of the command.
    public static Restore of(String snapshot, RepositoryAccess repository, String into) {
        return new Restore(snapshot, repository, into, false, new TreeMap<>(), new DisksCheck.Nothing());
    }

    @Override
    public Restored run(Progress progress) throws OperationException {
        try {
            VmAddress.parse(into);
        } catch (UsageException e) {
            throw new OperationException(e, GuestFate.UNKNOWN);
        }
        return RestoreRun.run(this, progress);
    }

    /// Memory restored over a disk that has moved on destroys a file system: so what is known of the disks?
    public sealed interface DisksCheck {
        /// Nothing is said: Dray refuses unless it can see that no disk has moved on.
        record Nothing() implements DisksCheck {}

        /// The user has put the disks back.
        ///
        /// @param ids block node name to the id of the disk snapshot that it was restored from; empty for
        ///     all disks as the snapshot has them
        record PutBack(SortedMap<String, String> ids) implements DisksCheck {
            public PutBack {
                ids = Collections.unmodifiableSortedMap(new TreeMap<>(ids));
            }
        }

        /// The user takes the risk.
        record Unchecked() implements DisksCheck {}
    }
}
