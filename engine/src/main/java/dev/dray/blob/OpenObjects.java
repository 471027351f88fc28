package dev.dray.blob;

import dev.dray.linux.Fd;
import dev.dray.linux.SysException;
import java.util.ArrayDeque;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/// Open files of objects, so that a page here and a page there of the same packs cost one system call each.
///
/// Invariants: an entry's file is open while its count of users is not 0; the cache itself is one user of each
/// entry in the map; at most [#OPEN_COUNT_MAX] entries are in the map. A hit takes no lock.
final class OpenObjects implements AutoCloseable {
    /// Of the usual 1024 descriptors of a process, what leaves room for a VMM's.
    static final int OPEN_COUNT_MAX = 256;

    /// Opens an object's file.
    interface Opener {
        /// @return null if there is no such object
        @Nullable
        Fd open(String name) throws SysException;
    }

    /// An open file, and who uses it.
    static final class OpenObject {
        private final String name;
        private final Fd fd;
        private final AtomicInteger users;
        /// Set by readers without order, read when room is made: wrong only by chance, and then only slower.
        private boolean recentlyUsed = true;

        private OpenObject(String name, Fd fd, int users) {
            this.name = name;
            this.fd = fd;
            this.users = new AtomicInteger(users);
        }

        Fd fd() {
            return fd;
        }

        private boolean acquire() {
            int count = users.get();
            while (count > 0) {
                if (users.compareAndSet(count, count + 1)) {
                    if (!recentlyUsed) {
                        recentlyUsed = true;
                    }
                    return true;
                }
                count = users.get();
            }
            return false;
        }

        /// Ends a use; the last one closes the file.
        void release() {
            if (users.decrementAndGet() == 0) {
                fd.close();
            }
        }
    }

    private final Opener opener;
    private final ConcurrentHashMap<String, OpenObject> byName = new ConcurrentHashMap<>();
    /// Entries in the order in which they came or were spared; guarded by itself.
    private final ArrayDeque<OpenObject> order = new ArrayDeque<>();

    private final AtomicLong forgotten = new AtomicLong();
    private boolean closed; // guarded by order

    OpenObjects(Opener opener) {
        this.opener = opener;
    }

    /// The object's file, for one use that ends with [OpenObject#release].
    ///
    /// @return null if there is no such object
    @Nullable
    OpenObject use(String name) throws SysException {
        OpenObject cached = byName.get(name);
        return cached != null && cached.acquire() ? cached : open(name);
    }

    private @Nullable OpenObject open(String name) throws SysException {
        long before = forgotten.get();
        Fd fd = opener.open(name);
        if (fd == null) {
            return null;
        }
        OpenObject opened = new OpenObject(name, fd, 2); // the cache and the caller
        synchronized (order) {
            OpenObject other = closed ? opened : byName.putIfAbsent(name, opened);
            if (other != null) {
                opened.release(); // not in the cache: the caller is its only user
                return opened;
            }
            order.add(opened);
            while (byName.size() > OPEN_COUNT_MAX) {
                makeRoom();
            }
        }
        if (forgotten.get() != before) {
            forget(name); // it may have been deleted after it was opened
        }
        return opened;
    }

    /// Second chance: who was used since it last came up goes to the end once more.
    private void makeRoom() {
        OpenObject oldest = order.remove();
        if (oldest.recentlyUsed) {
            oldest.recentlyUsed = false;
            order.add(oldest);
        } else {
            byName.remove(oldest.name);
            oldest.release();
        }
    }

    /// Forgets an object that was deleted: a use that begins after this finds it gone.
    void forget(String name) {
        forgotten.incrementAndGet();
        synchronized (order) {
            OpenObject cached = byName.remove(name);
            if (cached != null) {
                order.remove(cached);
                cached.release();
            }
        }
    }

    int openCount() {
        return byName.size();
    }

    /// Closes all files that are not in use; the others when their use ends.
    @Override
    public void close() {
        synchronized (order) {
            closed = true;
            byName.values().forEach(OpenObject::release);
            byName.clear();
            order.clear();
        }
    }
}
