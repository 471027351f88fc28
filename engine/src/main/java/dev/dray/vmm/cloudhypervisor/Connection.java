package dev.dray.vmm.cloudhypervisor;

import dev.dray.error.DrayException;
import dev.dray.linux.Fd;
import java.util.OptionalLong;

/// One connection of a migration. One thread reads and one writes; all waits end when the operation is
/// cancelled, with [dev.dray.error.InterruptedOperation]. A peer that breaks off is a
/// [dev.dray.error.PeerException].
public interface Connection extends AutoCloseable {
    /// Reads exactly so many bytes.
    void readFully(long address, long bytes) throws DrayException;

    /// As [#readFully], where the peer may also have ended the connection before the first byte.
    ///
    /// @return false if it has
    boolean readOrEnd(long address, long bytes) throws DrayException;

    /// Waits for bytes, without looking whether the operation is cancelled, and takes those that are there. Only
    /// [#shutdown] ends it early.
    ///
    /// @return how many; 0 if the connection ended, also if it broke
    long receive(long address, long bytes);

    /// The process at the other end; empty if it is not known.
    OptionalLong peerProcess();

    /// Writes all of the bytes, at once if they fit into the socket's buffer.
    void write(long address, long bytes) throws DrayException;

    /// Sends a slot number in a message that carries the descriptor. Unix sockets only.
    void sendDescriptor(int slot, Fd descriptor) throws DrayException;

    /// Reads a slot number, and the descriptor that came with it. Unix sockets only.
    SentDescriptor receiveDescriptor() throws DrayException;

    /// Whether the peer is there and has said nothing since; without waiting.
    boolean isQuiet() throws DrayException;

    /// Ends the connection, from any thread: who reads or writes returns with an exception, and so does the
    /// peer.
    void shutdown();

    /// Ends the connection. Only when no thread uses it any more.
    @Override
    void close();

    /// @param descriptor the receiver's to close
    record SentDescriptor(int slot, Fd descriptor) {}
}
