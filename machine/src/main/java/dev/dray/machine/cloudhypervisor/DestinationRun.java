package dev.dray.machine.cloudhypervisor;

import dev.dray.error.PeerException;
import dev.dray.linux.Fd;
import dev.dray.linux.Poll;
import dev.dray.linux.Socket;
import dev.dray.linux.SysException;
import dev.dray.machine.cloudhypervisor.DestinationCourse.Effect;
import dev.dray.machine.cloudhypervisor.DestinationCourse.Event;
import dev.dray.machine.cloudhypervisor.DestinationCourse.State;
import dev.dray.machine.vmm.FaultStep;
import dev.dray.machine.vmm.MachineMemory;
import dev.dray.machine.vmm.MemoryBlock;
import dev.dray.machine.vmm.MissingPages;
import dev.dray.machine.vmm.Vmm;
import dev.dray.vmm.cloudhypervisor.wire.Command;
import dev.dray.vmm.cloudhypervisor.wire.RequestHeader;
import dev.dray.vmm.cloudhypervisor.wire.ResponseHeader;
import dev.dray.vmm.cloudhypervisor.wire.WireLimits;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// Drives one incoming migration along [DestinationCourse], in the thread that was told to receive.
final class DestinationRun {
    private static final int FAULT_CONNECTION_WAIT_MS = 30_000;
    private static final int POLL_MS = 20;

    private final Vmm vmm;
    private final Ownership ownership;
    private final Model model;
    private final Reach reach;
    private final boolean isPostcopy;
    private final Map<Integer, Fd> descriptors = new HashMap<>();
    private State state = DestinationCourse.begin();
    private Command asked = Command.ABANDON;
    private long length;
    private boolean isShared;
    private @Nullable Design design;
    private @Nullable MissingPages missing;
    private @Nullable Drain drain;
    private volatile @Nullable Fd listener;
    private volatile @Nullable Channel main;
    private volatile @Nullable MemoryReceiver receiver;
    private volatile @Nullable ExtraConnections extras;
    private volatile boolean isClosed;

    DestinationRun(Vmm vmm, Ownership ownership, Model model, Reach reach, boolean isPostcopy) {
        this.vmm = vmm;
        this.ownership = ownership;
        this.model = model;
        this.reach = reach;
        this.isPostcopy = isPostcopy;
    }

    /// Takes one migration, and returns when the guest is here.
    void run(Place at) throws ApiException {
        try (Fd listening = at.listen()) {
            listener = listening;
            receive(accept(listening));
        } catch (SysException e) {
            throw failed("Failed to receive migratable component snapshot", String.valueOf(e.getMessage()));
        } catch (PeerException e) {
            throw failed("Socket error", String.valueOf(e.getMessage()));
        } finally {
            descriptors.values().forEach(Fd::close);
        }
        switch (state) {
            case State.Completed _ -> {
                // The guest is here.
            }
            case State.Aborted _ ->
                throw failed("Failed to complete migration for migratable component", "Migration was aborted");
            default -> throw failed("Socket error", "failed to fill whole buffer");
        }
    }

    static ApiException failed(String... reasons) {
        return ApiException.because("Error receiving migration", reasons);
    }

    private Channel accept(Fd listening) throws SysException, PeerException {
        while (!isClosed) {
            if (Poll.wait(listening, Poll.POLLIN, POLL_MS) != 0) {
                Channel channel = new Channel(Socket.accept(listening));
                main = channel;
                if (isClosed) {
                    channel.shutdown();
                }
                return channel;
            }
        }
        throw new PeerException("the machine was closed", "");
    }

    private void receive(Channel channel) throws PeerException {
        try (channel) {
            reach.step(FaultStep.RECEIVER_ACCEPT, channel);
            while (!DestinationCourse.isOver(state)) {
                step(channel, request(channel));
            }
        } finally {
            if (!(state instanceof State.Completed)) {
                stopExtras();
                ownership.breakOff();
            }
        }
    }

    private void step(Channel channel, Event event) throws PeerException {
        DestinationCourse.Step step = DestinationCourse.next(state, event);
        state = step.state();
        for (Effect effect : step.effects()) {
            perform(effect, channel);
        }
    }

    private Event request(Channel channel) throws PeerException {
        Optional<RequestHeader> request;
        try {
            request = channel.request();
        } catch (PeerException _) {
            return new Event.Ended();
        }
        if (request.isEmpty()) {
            return new Event.Ended();
        }
        length = request.get().length();
        Optional<Command> command = Command.of(request.get().command());
        if (command.isEmpty()) {
            return new Event.Unknown();
        }
        asked = command.get();
        return new Event.Asked(command.get(), request.get().version());
    }

    private void reached(Command command, Channel channel) throws PeerException {
        switch (command) {
            case START -> reach.step(FaultStep.RECEIVER_START, channel);
            case MEMORY_FD -> reach.step(FaultStep.RECEIVER_DESCRIPTOR, channel);
            case CONFIG -> reach.step(FaultStep.RECEIVER_CONFIG, channel);
            case STATE -> reach.step(FaultStep.RECEIVER_STATE, channel);
            case COMPLETE, COMPLETE_PAUSED -> reach.step(FaultStep.RECEIVER_COMPLETE, channel);
            case MEMORY, ABANDON, PAGE_FAULT -> {
                // Memory has steps of its own; the others are answered at once.
            }
        }
    }

    private void perform(Effect effect, Channel channel) throws PeerException {
        switch (effect) {
            case ANSWER_OK -> {
                if (state instanceof State.Completed) {
                    reach.step(FaultStep.RECEIVER_COMPLETE_ANSWER, channel);
                }
                channel.answer(ResponseHeader.OK, 0);
                Drain rest = drain;
                if (state instanceof State.Completed && rest != null) {
                    rest.answered();
                }
            }
            case ANSWER_ERROR -> channel.answer(ResponseHeader.ERROR, 0);
            case CLEAR -> {
                stopExtras();
                ownership.giveUp();
            }
            case DROP -> {
                stopExtras();
                ownership.breakOff();
            }
            default -> {
                Event event;
                try {
                    work(effect, channel);
                    event = new Event.Done();
                } catch (PeerException | RuntimeException e) {
                    vmm.log("Migration aborted as migration command failed: " + e.getMessage());
                    event = new Event.Failed(String.valueOf(e.getMessage()));
                }
                step(channel, event);
            }
        }
    }

    private void work(Effect effect, Channel channel) throws PeerException {
        reached(asked, channel);
        switch (effect) {
            case TAKE_DESCRIPTOR -> {
                Channel.Descriptor received = channel.receiveDescriptor();
                Fd before = descriptors.put(received.slot(), received.file());
                if (before != null) {
                    before.close();
                }
            }
            case TAKE_CONFIG -> takeConfig(channel);
            case TAKE_MEMORY -> {
                MemoryReceiver into = receiver;
                if (into != null) {
                    into.receive(new RequestHeader(Command.MEMORY.code(), 0, length), channel);
                }
            }
            case TAKE_STATE -> takeState(channel);
            case RUN -> ownership.go();
            case PASS, ANSWER_OK, ANSWER_ERROR, CLEAR, DROP -> {
                // Nothing that can fail.
            }
        }
    }

    private byte[] document(Channel channel, int bytesMax) throws PeerException {
        if (length < 0 || length > bytesMax) {
            throw new PeerException("a document of " + Long.toUnsignedString(length) + " bytes", "");
        }
        return channel.read((int) length);
    }

    private void takeConfig(Channel channel) throws PeerException {
        Design sent = Design.parse(document(channel, WireLimits.CONFIG_BYTES_MAX));
        if (isPostcopy && sent.config().path("memory").path("prefault").asBoolean(false)) {
            throw new PeerException("postcopy migration is incompatible with memory prefault", "");
        }
        isShared = !descriptors.isEmpty();
        List<MemoryBlock> blocks = new ArrayList<>();
        try {
            for (Slot slot : sent.slots()) {
                Fd file = descriptors.remove(slot.number());
                blocks.add(
                        file == null
                                ? MemoryBlock.create(slot.layout())
                                : MemoryBlock.adopt(slot.layout(), file, slot.fileOffset()));
            }
        } catch (RuntimeException e) {
            blocks.forEach(MemoryBlock::close);
            throw new PeerException("Error creating MemoryManager from snapshot: " + e.getMessage(), "", e);
        }
        Design own = sent.renumbered();
        design = own;
        MachineMemory memory = MachineMemory.of(blocks);
        ownership.configured(own, memory);
        if (isPostcopy) {
            missing = memory.unmap();
        }
        GuestMemory guest = new GuestMemory(memory, own.slots());
        MemoryReceiver into = new MemoryReceiver(vmm, guest, missing, reach);
        receiver = into;
        Fd listening = listener;
        if (listening != null) {
            extras = new ExtraConnections(listening, into);
        }
        if (isClosed) {
            shutdown();
        }
    }

    private void takeState(Channel channel) throws PeerException {
        ExtraConnections further = extras;
        Design own = design;
        if (further == null || own == null) {
            throw new IllegalStateException("no Config");
        }
        MissingPages pages = missing;
        if (pages != null) {
            Channel faults = further.awaitFaultConnection(FAULT_CONNECTION_WAIT_MS)
                    .orElseThrow(() -> new PeerException("Timed out waiting for postcopy fault connection", ""));
            faults.noDelay();
            GuestMemory guest = new GuestMemory(vmm.memory(), own.slots());
            Drain rest = new Drain(vmm, guest, pages, faults, isShared, model.repeatEvery(), reach);
            drain = rest;
            ownership.drains(rest);
            rest.start();
        }
        further.stop();
        byte[] document = document(channel, WireLimits.STATE_BYTES_MAX);
        vmm.loadDevices(Design.devices(document, vmm.deviceLayouts()));
        ownership.arrived(own);
        reach.step(FaultStep.RECEIVER_STATE_ANSWER, channel);
    }

    private void stopExtras() {
        ExtraConnections further = extras;
        if (further == null) {
            return;
        }
        try {
            further.stop();
        } catch (PeerException e) {
            vmm.log("a further connection had failed: " + e.getMessage());
        }
    }

    /// Breaks every connection; from any thread.
    void shutdown() {
        isClosed = true;
        MemoryReceiver into = receiver;
        if (into != null) {
            into.close();
        }
        ExtraConnections further = extras;
        if (further != null) {
            further.shutdown();
        }
        Channel channel = main;
        if (channel != null) {
            channel.shutdown();
        }
    }
}
