package dev.dray.snapshot;

import dev.dray.blob.BlobStore;
import dev.dray.error.CorruptException;
import dev.dray.error.DrayException;
import dev.dray.error.KeyException;
import dev.dray.error.MachineException;
import dev.dray.error.RefusedException;
import dev.dray.seal.Credential;
import dev.dray.seal.KeySlots;
import dev.dray.seal.SecretKey;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// The key slots of a repository, of which any one opens it.
final class KeyRing {
    private static final int SLOT_BYTES_MAX = Envelope.HEADER_BYTES + Format.CLEAR_BYTES_MAX;

    /// More are not tried: each trial of a passphrase takes a second.
    private static final int SLOTS_MAX = 256;

    private KeyRing() {}

    /// The master key.
    ///
    /// @throws KeyException if the credential opens none of the slots
    /// @throws CorruptException if it opens none, and only damaged ones might have been its
    static SecretKey unlock(BlobStore store, byte[] repository, Credential credential) throws DrayException {
        int type = credential instanceof Credential.Key ? KeySlots.TYPE_KEY : KeySlots.TYPE_PASSPHRASE;
        boolean refused = false;
        @Nullable CorruptException damage = null;
        for (String name : names(store)) {
            try {
                byte[] slot = slot(store, name, repository);
                if (KeySlots.type(slot) == type) {
                    return KeySlots.unwrap(slot, repository, credential);
                }
            } catch (KeyException _) {
                refused = true;
            } catch (CorruptException e) {
                damage = e;
            } catch (RefusedException _) {
                // Of a newer version: not for us.
            }
        }
        if (damage != null && !refused) {
            throw damage;
        }
        String what = type == KeySlots.TYPE_KEY ? "key" : "passphrase";
        if (refused) {
            throw new KeyException("The " + what + " does not open " + store.place(), "Give the right one");
        }
        throw new KeyException(
                store.place() + " has no slot for a " + what,
                type == KeySlots.TYPE_KEY ? "Give a passphrase" : "Give --key-file or --key-command");
    }

    static List<String> names(BlobStore store) throws MachineException {
        List<String> names = new ArrayList<>();
        store.list(ObjectName.KEYS, entry -> {
            if (names.size() < SLOTS_MAX && ObjectName.plain(entry.name()).isPresent()) {
                names.add(entry.name());
            }
        });
        names.sort(null);
        return names;
    }

    /// The slot in an object.
    static byte[] slot(BlobStore store, String name, byte[] repository) throws DrayException {
        Envelope envelope = Envelope.read(ObjectKind.KEY_SLOT, name, StoredObject.read(store, name, SLOT_BYTES_MAX));
        if (!Arrays.equals(envelope.repository(), repository)) {
            throw Envelope.damaged(name, "it belongs to repository " + ObjectName.hex(envelope.repository()));
        }
        if (envelope.sealedBytes() != 0) {
            throw Envelope.damaged(name, "it has a sealed part");
        }
        return envelope.clear();
    }
}
