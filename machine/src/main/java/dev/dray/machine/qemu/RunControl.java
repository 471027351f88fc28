package dev.dray.machine.qemu;

import dev.dray.machine.vmm.Vmm;
import java.util.function.Consumer;

/// Who may stop and run the guest, and when. The one place that changes its [RunState]; every method is one transition.
///
/// Invariant: the processors run if and only if the state is [RunState#RUNNING].
final class RunControl {
    private final Vmm vmm;
    private final QmpEvents events;
    private RunState state;
    /// What a migration that fails goes back to.
    private RunState before = RunState.RUNNING;
    /// Whether an incoming guest is to run at once.
    private boolean autostart = true;

    RunControl(Vmm vmm, QmpEvents events, boolean isIncoming) {
        this.vmm = vmm;
        this.events = events;
        this.state = isIncoming ? RunState.INMIGRATE : RunState.RUNNING;
    }

    synchronized RunState state() {
        return state;
    }

    /// The command `stop`.
    synchronized void stop() {
        switch (state) {
            case RUNNING -> {
                vmm.stop();
                state = RunState.PAUSED;
                events.send("STOP");
            }
            case INMIGRATE -> autostart = false;
            case PAUSED, FINISH_MIGRATE, POSTMIGRATE -> {
                // Stands still already.
            }
        }
    }

    /// The command `cont`.
    synchronized void resume() throws QmpException {
        switch (state) {
            case PAUSED, POSTMIGRATE -> run();
            case INMIGRATE -> autostart = true;
            case FINISH_MIGRATE -> throw new QmpException("Migration is not finalized yet");
            case RUNNING -> {
                // Runs already.
            }
        }
    }

    /// The migration is about to send the rest.
    synchronized void stopForMigration() {
        before = state;
        vmm.stop();
        state = RunState.FINISH_MIGRATE;
        if (before == RunState.RUNNING) {
            events.send("STOP");
        }
    }

    /// The migration has ended without the guest having gone.
    synchronized void backFromMigration() {
        if (state == RunState.FINISH_MIGRATE) {
            state = before;
            if (before == RunState.RUNNING) {
                run();
            }
        }
    }

    /// The guest has gone.
    synchronized void gone() {
        state = RunState.POSTMIGRATE;
    }

    /// Does something at an instant at which the guest stands still, and lets it go on if it ran.
    ///
    /// @param action takes the word for what the guest did before
    synchronized void atStandstill(Consumer<String> action) {
        String word = state.word();
        boolean runs = state == RunState.RUNNING;
        if (runs) {
            vmm.stop();
            state = RunState.PAUSED;
            events.send("STOP");
        }
        action.accept(word);
        if (runs) {
            run();
        }
    }

    /// The word that goes with the guest: what it did before it was stopped for the migration.
    synchronized String globalState() {
        return (state == RunState.FINISH_MIGRATE ? before : state).word();
    }

    /// A guest has come in that did what `globalState` says.
    synchronized void arrived(String globalState) {
        state = RunState.PAUSED;
        if (autostart && globalState.equals(RunState.RUNNING.word())) {
            run();
        }
    }

    private void run() {
        state = RunState.RUNNING;
        vmm.run();
        events.send("RESUME");
    }
}
