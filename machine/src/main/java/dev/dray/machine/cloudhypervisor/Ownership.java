package dev.dray.machine.cloudhypervisor;

import dev.dray.machine.vmm.MachineMemory;
import dev.dray.machine.vmm.Vmm;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

/// Who has the VM: nobody, the VMM or a migration; and what its guest does. The one place that runs and stops it.
///
/// Invariant: the processors run if and only if the state is RUNNING, or a migration has it and has not paused it.
final class Ownership {
    static final String CREATED = "Created";

    private static final String MIGRATING = "VM is currently migrating and can't be modified";
    private static final String NOT_RUNNING = "VM is not running";

    private enum State {
        ABSENT,
        RUNNING,
        PAUSED,
        /// A migration has it.
        AWAY
    }

    private final Vmm vmm;
    private State state = State.ABSENT;
    /// There is a configuration also where there is no VM: after a migration that broke off, or a shutdown.
    private @Nullable Design design;
    private @Nullable ObjectNode frozenInfo;
    private volatile @Nullable Drain drain;
    private boolean ranBefore;
    private boolean runsAway;

    Ownership(Vmm vmm) {
        this.vmm = vmm;
    }

    synchronized String status() {
        return switch (state) {
            case ABSENT -> design == null ? "" : CREATED;
            case RUNNING -> "Running";
            case PAUSED -> "Paused";
            case AWAY -> "Migrating";
        };
    }

    /// A VM is there: booted or come in. It stands still.
    synchronized void arrived(Design built) {
        design = built;
        state = State.PAUSED;
    }

    /// There is a configuration and memory, and no VM yet. What an earlier migration left is gone.
    synchronized void configured(Design read, MachineMemory memory) {
        demolish();
        design = read;
        vmm.build(memory);
    }

    /// The guest's memory comes while it runs.
    synchronized void drains(Drain started) {
        drain = started;
    }

    synchronized boolean isRestoring() {
        Drain now = drain;
        return now != null && now.isRestoring();
    }

    /// Nobody writes memory any more when it goes.
    private void demolish() {
        Drain now = drain;
        drain = null;
        if (now != null) {
            now.close();
        }
        vmm.demolish();
    }

    /// Breaks the connection on which memory comes; from any thread.
    void shutdownDrain() {
        Drain now = drain;
        if (now != null) {
            now.shutdown();
        }
    }

    /// Ends what the VM is made of; only when the machine is being closed.
    synchronized void close() {
        demolish();
    }

    /// The machine starts its own guest, or one that came in was running.
    synchronized void go() {
        if (state != State.PAUSED) {
            throw new IllegalStateException("the VM is " + status());
        }
        state = State.RUNNING;
        vmm.run();
    }

    synchronized Design design() {
        Design now = design;
        if (now == null) {
            throw new IllegalStateException("there is no VM");
        }
        return now;
    }

    /// `vm.pause`.
    synchronized void pause() throws ApiException {
        check("The VM could not be paused", NOT_RUNNING);
        if (state == State.PAUSED) {
            throw wrongTransition("pause", "Paused", "The VM could not be paused");
        }
        vmm.stop();
        state = State.PAUSED;
    }

    /// `vm.resume`.
    synchronized void resume() throws ApiException {
        check("The VM could not resume", NOT_RUNNING);
        if (state == State.RUNNING) {
            throw wrongTransition("resume", "Running", "The VM could not resume");
        }
        go();
    }

    private static ApiException wrongTransition(String verb, String is, String call) {
        return ApiException.because(
                call,
                "Cannot " + verb + " VM",
                "Failed to " + verb + " migratable component",
                "Invalid transition: InvalidStateTransition(" + is + ", " + is + ")");
    }

    /// That the VMM has a VM to do something with.
    private void check(String call, String ifAbsent) throws ApiException {
        if (state == State.AWAY) {
            throw ApiException.because(call, MIGRATING);
        }
        if (state == State.ABSENT) {
            throw ApiException.because(call, ifAbsent);
        }
    }

    /// `vm.shutdown`.
    synchronized void shutdown() throws ApiException {
        check("The VM could not shutdown", NOT_RUNNING);
        state = State.ABSENT;
        demolish();
    }

    /// `vm.delete`.
    synchronized void delete() throws ApiException {
        if (state == State.AWAY) {
            throw ApiException.because("The VM could not be deleted", MIGRATING);
        }
        state = State.ABSENT;
        design = null;
        demolish();
    }

    /// `vm.info`; while a migration has the VM, what it was before.
    synchronized ObjectNode info() throws ApiException {
        ObjectNode frozen = frozenInfo;
        if (state == State.AWAY && frozen != null) {
            return frozen;
        }
        if (design == null) {
            throw new ApiException(
                    ApiException.NOT_FOUND, "Error from API", "The VM info is not available", "VM is not created");
        }
        return design.info(status());
    }

    /// `vm.counters`, as far as to whether there are any.
    synchronized void checkCounters() throws ApiException {
        check("The VM info is not available", NOT_RUNNING);
    }

    /// `vm.snapshot`, as far as to whether it could be taken.
    synchronized void checkSnapshot() throws ApiException {
        String call = "The VM could not be snapshotted";
        check(call, NOT_RUNNING);
        if (isRestoring()) {
            throw ApiException.because(call, "VM on-demand memory restore is still in progress");
        }
    }

    /// What the calls say that no machine of this kind carries out.
    synchronized void checkBoot() throws ApiException {
        if (state == State.AWAY) {
            throw ApiException.because("The VM could not boot", MIGRATING);
        }
        if (design == null) {
            throw new ApiException(
                    ApiException.NOT_FOUND, "Error from API", "The VM could not boot", "VM config is missing");
        }
    }

    /// A migration takes the VM.
    ///
    /// @param start gives what starts it
    /// @return what that gave
    synchronized Runnable lend(SendOrder order, Supplier<Runnable> start) throws ApiException {
        return switch (state) {
            case AWAY -> throw SendOrder.refused("There is already an ongoing migration");
            case ABSENT -> throw SendOrder.refused(NOT_RUNNING);
            case RUNNING, PAUSED -> {
                if (isRestoring()) {
                    throw SendOrder.refused("Cannot migrate while on-demand memory restore is in progress");
                }
                if (order.isLocal() && !design().isShared()) {
                    throw SendOrder.refused("Local migration requires shared memory or hugepages enabled");
                }
                frozenInfo = info();
                ranBefore = state == State.RUNNING;
                runsAway = ranBefore;
                state = State.AWAY;
                yield start.get();
            }
        };
    }

    /// Whether the guest ran when the migration took it.
    synchronized boolean ranBefore() {
        return ranBefore;
    }

    /// The migration pauses the guest.
    synchronized void pauseAway() {
        if (runsAway) {
            runsAway = false;
            vmm.stop();
        }
    }

    /// The migration has failed: the guest is the VMM's again and does what it did.
    synchronized void backFromFailure() {
        boolean stillRuns = runsAway;
        state = ranBefore ? State.RUNNING : State.PAUSED;
        frozenInfo = null;
        if (ranBefore && !stillRuns) {
            vmm.run();
        }
    }

    /// The migration is over and the VM was to be preserved: it stands still.
    synchronized void backPreserved() {
        state = State.PAUSED;
        frozenInfo = null;
    }

    /// The guest has gone; the VMM ends.
    synchronized void gone() {
        state = State.ABSENT;
        frozenInfo = null;
        vmm.quit(0);
    }

    /// `vm.receive-migration`: that there is room for a VM.
    synchronized void checkRoom() throws ApiException {
        String why = switch (state) {
            case RUNNING, PAUSED -> "Can't receive a migration when a VM is already created";
            case AWAY -> "There is already an ongoing migration";
            case ABSENT -> "";
        };
        if (!why.isEmpty()) {
            throw ApiException.because(
                    "Error receiving migration", "Failed to receive migratable component snapshot", why);
        }
    }

    /// An incoming VM is given up in good order.
    synchronized void giveUp() {
        state = State.ABSENT;
        design = null;
        demolish();
    }

    /// An incoming VM that is not whole loses what it runs on; its configuration stays.
    synchronized void breakOff() {
        if (state == State.ABSENT) {
            demolish();
        }
    }
}
