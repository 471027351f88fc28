package dev.dray.vmm;

import dev.dray.error.DrayException;
import java.util.List;
import java.util.Optional;

/// A virtual machine that Dray has reached by its control socket. Nothing of it is changed until [#capture] or
/// [#restore].
public interface VirtualMachine extends AutoCloseable {
    /// What tells this machine from every other on this host, whichever of its control sockets was used; empty if
    /// that is not known.
    Optional<String> identity();

    /// What can be done with this machine, what is in the way, and what an earlier, killed Dray left that nobody can
    /// put back; changes nothing.
    List<Finding> examine(Journal journal) throws DrayException;

    /// Puts back what an earlier, killed Dray left changed.
    ///
    /// @return what was done, in words; empty if there was nothing
    Optional<String> putBack(Journal journal) throws DrayException;

    /// Captures the guest into `store`.
    CaptureReport capture(CaptureOrder order, CaptureStore store, Journal journal, OperationWatch watch)
            throws GuestException;

    /// Restores a guest into this machine, which waits for one.
    RestoreReport restore(RestoreOrder order, RestoreImage image, Journal journal, OperationWatch watch)
            throws GuestException;

    @Override
    void close();

    /// One thing that was looked at.
    ///
    /// @param whatToDo empty if there is nothing to do
    record Finding(String subject, boolean ok, String message, String whatToDo) {}
}
