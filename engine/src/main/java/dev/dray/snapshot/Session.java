package dev.dray.snapshot;

import dev.dray.blob.BlobStore;
import dev.dray.error.DrayException;
import dev.dray.error.MachineException;
import dev.dray.seal.Randomness;
import java.io.ByteArrayOutputStream;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.ObjectWriteContext;

/// Announces to whoever cleans up that this process works in the repository: a small object whose name ends
/// in a counter that moves while the process lives. Nothing else locks.
///
/// Whoever cleans up watches by its own clock whether the counter moves, and only when it stood still for
/// [#SILENCE] deletes the session's objects first and what the session may have used after that. So a session
/// whose object is gone has been taken for dead.
public final class Session implements AutoCloseable {
    /// How often the counter moves.
    public static final Duration BEAT = Duration.ofSeconds(30);

    /// How long the counter must have stood still before a session may be taken for dead.
    public static final Duration SILENCE = Duration.ofMinutes(15);

    private final BlobStore store;
    private final RepositoryKeys keys;
    private final byte[] repository;
    private final String hex;
    private final byte[] body;
    private final Thread beating;
    private long counter;
    private boolean closed;

    private Session(BlobStore store, RepositoryKeys keys, byte[] repository, String purpose) {
        this.store = store;
        this.keys = keys;
        this.repository = repository;
        hex = ObjectName.hex(Randomness.bytes(Format.ID_BYTES));
        body = body(purpose);
        beating = Thread.ofPlatform().daemon().name("dray-session").unstarted(this::beat);
    }

    static Session announce(BlobStore store, RepositoryKeys keys, byte[] repository, String purpose)
            throws MachineException {
        Session session = new Session(store, keys, repository, purpose);
        session.put(0);
        session.beating.start();
        return session;
    }

    private static byte[] body(String purpose) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (JsonGenerator json = ManifestWriter.JSON.createGenerator(ObjectWriteContext.empty(), out)) {
            json.writeStartObject();
            json.writeStringProperty("purpose", purpose);
            json.writeStringProperty(
                    "started", Instant.now().truncatedTo(ChronoUnit.SECONDS).toString());
            json.writeNumberProperty("process", ProcessHandle.current().pid());
            json.writeEndObject();
        }
        return out.toByteArray();
    }

    private void put(long number) throws MachineException {
        String name = ObjectName.session(hex, number);
        StoredObject.put(store, name, Envelope.write(ObjectKind.SESSION, name, repository, new byte[0], body, keys));
    }

    private void beat() {
        try {
            while (true) {
                Thread.sleep(BEAT);
                move();
            }
        } catch (InterruptedException _) {
            return; // closed
        }
    }

    /// Moves the counter: the next object is there before the one before it goes.
    private synchronized void move() {
        if (closed) {
            return;
        }
        try {
            if (!stands()) {
                return; // taken for dead: coming back to life would deceive whoever cleaned up
            }
            put(counter + 1);
            counter++;
            store.delete(ObjectName.session(hex, counter - 1));
        } catch (DrayException e) {
            // A beat that fails is a beat missed; the next one tries again, and publishing asks stands().
            System.getLogger(Session.class.getName()).log(System.Logger.Level.DEBUG, "session beat failed", e);
        }
    }

    /// Says whether the announcement still stands; it does not if somebody took this process for dead.
    public synchronized boolean stands() throws DrayException {
        return store.size(ObjectName.session(hex, counter)).isPresent();
    }

    /// Withdraws the announcement. If that fails the object stays, and is cleaned up later.
    @Override
    public void close() {
        beating.interrupt();
        synchronized (this) {
            if (closed) {
                return;
            }
            closed = true;
            try {
                store.delete(ObjectName.session(hex, counter));
            } catch (MachineException e) {
                System.getLogger(Session.class.getName()).log(System.Logger.Level.DEBUG, "session stays", e);
            }
        }
    }
}
