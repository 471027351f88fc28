package dev.dray.bench;

import dev.dray.linux.Errno;
import dev.dray.linux.Fd;
import dev.dray.linux.FileIo;
import dev.dray.linux.OpenFile;
import dev.dray.linux.Poll;
import dev.dray.linux.Socket;
import dev.dray.linux.SysException;
import dev.dray.vmm.cloudhypervisor.wire.Command;
import dev.dray.vmm.cloudhypervisor.wire.MigrationConfig;
import dev.dray.vmm.cloudhypervisor.wire.RamSlot;
import dev.dray.vmm.cloudhypervisor.wire.RangeTable;
import dev.dray.vmm.cloudhypervisor.wire.RequestHeader;
import dev.dray.vmm.cloudhypervisor.wire.Wire;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/// Takes a guest as plainly as can be: its memory into synced files, page by page as it is, or to nowhere.
final class PlainReceiver implements AutoCloseable {
    private static final int BACKLOG = 128;
    private static final int POLL_MS = 100;

    private final Fd listener;
    private final boolean tcp;
    private final List<Thread> threads = new ArrayList<>();
    private long startedAt;
    private long configAnsweredAt;

    PlainReceiver(Fd listener, boolean tcp) {
        this.listener = listener;
        this.tcp = tcp;
    }

    static PlainReceiver unix(Path socket) throws SysException {
        return new PlainReceiver(Socket.listenUnix(socket, BACKLOG), false);
    }

    static PlainReceiver tcp() throws SysException {
        return new PlainReceiver(Socket.listenTcp(Ports.local(0), BACKLOG), true);
    }

    int port() throws SysException {
        return Socket.localPort(listener);
    }

    /// When the first message came.
    long startedAt() {
        return startedAt;
    }

    /// From here on the guest stands still.
    long configAnsweredAt() {
        return configAnsweredAt;
    }

    private PlainChannel accept() throws SysException {
        while (true) {
            if (Poll.wait(listener, Poll.POLLIN, POLL_MS) != 0) {
                try {
                    return new PlainChannel(Socket.accept(listener), tcp);
                } catch (SysException e) {
                    if (e.errno() != Errno.EAGAIN) {
                        throw e;
                    }
                }
            }
        }
    }

    /// Takes a guest whose memory is handed over; returns once all of it is in files, and answered.
    SavedGuest save(Path directory) throws Exception {
        Map<Integer, Fd> memory = new HashMap<>();
        byte[] config = new byte[0];
        byte[] state = new byte[0];
        try (PlainChannel channel = accept()) {
            while (true) {
                RequestHeader request = channel.request();
                Command command = Command.of(request.command()).orElseThrow();
                switch (command) {
                    case START -> startedAt = System.nanoTime();
                    case MEMORY_FD -> {
                        Fd file = channel.descriptor().descriptor().orElseThrow();
                        memory.put(channel.buffer().get(Wire.U32, 0), file);
                    }
                    case CONFIG -> {
                        config = channel.document(request.length());
                        configAnsweredAt = System.nanoTime();
                    }
                    case STATE -> state = channel.document(request.length());
                    case COMPLETE, COMPLETE_PAUSED -> {
                        SavedGuest saved = new SavedGuest(config, state, directory);
                        for (RamSlot slot : MigrationConfig.parse(config).slots()) {
                            copy(Objects.requireNonNull(memory.get(slot.slot())), slot, saved.file(slot), channel);
                        }
                        channel.ok();
                        return saved;
                    }
                    default -> throw new IOException("did not expect " + command);
                }
                channel.ok();
            }
        } finally {
            memory.values().forEach(Fd::close);
        }
    }

    private static void copy(Fd from, RamSlot slot, Path to, PlainChannel buffer) throws SysException {
        try (Fd file = OpenFile.open(to, OpenFile.O_WRONLY | OpenFile.O_CREAT, 0600)) {
            for (long at = 0; at < slot.bytes(); ) {
                long bytes = Math.min(PlainChannel.PIECE_BYTES, slot.bytes() - at);
                long got = FileIo.pread(from, buffer.buffer().address(), bytes, slot.fileOffset() + at);
                FileIo.pwriteAll(file, buffer.buffer().address(), got, at);
                at += got;
            }
            FileIo.fsync(file);
        }
    }

    /// Takes a guest that is sent as a stream over so many connections, and forgets it.
    void forget(int connections) throws Exception {
        try (PlainChannel main = accept()) {
            for (int i = 0; connections > 1 && i < connections; i++) {
                threads.add(Thread.ofPlatform().start(() -> forgetMemory()));
            }
            boolean goesOn = true;
            while (goesOn) {
                goesOn = forget(main);
            }
        }
        for (Thread thread : threads) {
            thread.join();
        }
    }

    private void forgetMemory() {
        try (PlainChannel channel = accept()) {
            channel.read(Wire.ROLE_BYTES);
            boolean goesOn = true;
            while (goesOn) {
                goesOn = forget(channel);
            }
        } catch (Exception e) {
            System.err.println("a connection broke: " + e);
        }
    }

    /// @return whether more is to come
    private static boolean forget(PlainChannel channel) throws Exception {
        RequestHeader request = channel.request();
        if (request.command() == 0) {
            return false;
        }
        Command command = Command.of(request.command()).orElseThrow();
        if (command == Command.MEMORY) {
            long bytes = 0;
            channel.read(request.length()); // no table here is longer than the buffer
            RangeTable table = new RangeTable(channel.buffer(), RangeTable.count(request.length()));
            for (int i = 0; i < table.count(); i++) {
                bytes += table.bytes(i);
            }
            channel.skip(bytes);
        } else {
            channel.skip(request.length());
        }
        channel.ok();
        return command != Command.COMPLETE && command != Command.COMPLETE_PAUSED;
    }

    @Override
    public void close() {
        listener.close();
    }
}
