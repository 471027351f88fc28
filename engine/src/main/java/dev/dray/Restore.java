package dev.dray;

import dev.dray.error.UsageException;
import java.util.Collections;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;

/// Brings a guest back into a VMM that waits for it.
///
/// @param snapshot an id, a prefix of one, `NAME` or `NAME@N`
/// @param into the waiting VM as `DIALECT:CONTROL-SOCKET`
/// @param paused leave the guest paused
/// @param mapBlock region names of the snapshot to region names of the waiting VM, where they differ
/// @param disks what the user says about the guest's disks
/// @param memory when the guest gets its memory
/// @param settings places of the VMM's configuration that are to have other values: `disks[0].path`
/// @param copy another place that holds a copy of the repository, for what cannot be read from the first
/// @param ownRisk go on where Dray cannot know that it will go well: a VMM of a version that it was not tried with,
///     a host whose processor lacks features
public record Restore(
        String snapshot,
        RepositoryAccess repository,
        String into,
        boolean paused,
        SortedMap<String, String> mapBlock,
        DisksCheck disks,
        RestoreMemory memory,
        SortedMap<String, String> settings,
        Optional<String> copy,
        boolean ownRisk)
        implements Operation<Restored> {
    public Restore {
        mapBlock = Collections.unmodifiableSortedMap(new TreeMap<>(mapBlock));
        settings = Collections.unmodifiableSortedMap(new TreeMap<>(settings));
    }

    /// A restore with the defaults of the command.
    public static Restore of(String snapshot, RepositoryAccess repository, String into) {
        return new Restore(
                snapshot,
                repository,
                into,
                false,
                new TreeMap<>(),
                new DisksCheck.Nothing(),
                new RestoreMemory.Eager(),
                new TreeMap<>(),
                Optional.empty(),
                false);
    }

    /// The same restore with the guest's memory at another time.
    public Restore with(RestoreMemory other) {
        return new Restore(snapshot, repository, into, paused, mapBlock, disks, other, settings, copy, ownRisk);
    }

    /// The same restore, going on where Dray cannot know that it will go well.
    public Restore atOwnRisk() {
        return new Restore(snapshot, repository, into, paused, mapBlock, disks, memory, settings, copy, true);
    }

    RestoreWish wish() {
        return new RestoreWish(snapshot, repository, copy, paused, mapBlock, disks, memory, settings, ownRisk);
    }

    @Override
    public Restored run(Progress progress) throws OperationException {
        try {
            VmAddress.parse(into).dialect().refuseWhatItCannot(this);
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
