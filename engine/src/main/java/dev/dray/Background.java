package dev.dray;

import dev.dray.error.MachineException;
import dev.dray.linux.Signals;
import dev.dray.linux.SysException;
import java.nio.file.Path;

/// Goes on behind the user's back: a guest that was restored lazily needs this process after the user has stopped
/// waiting for it. The launcher has started this process as a child, and leaves when it is told to.
public final class Background {
    /// The process that has started this one and waits for it, if there is such a one.
    public static final String LAUNCHER = "dray.launcher";

    private Background() {}

    /// Where this process writes from now on what it has to say.
    public static Path log() throws MachineException {
        return StateDirectory.open()
                .directory("log")
                .resolve(ProcessHandle.current().pid() + ".log");
    }

    /// Tells the launcher that nobody has to wait any more.
    ///
    /// @return false if there is none that waits
    public static boolean leave() {
        long launcher = Long.getLong(LAUNCHER, 0);
        boolean waits = ProcessHandle.current()
                .parent()
                .filter(parent -> parent.pid() == launcher)
                .isPresent();
        if (!waits) {
            return false; // it was killed, and its number may be another's by now
        }
        try {
            Signals.kill(Math.toIntExact(launcher), Signals.SIGUSR1);
            return true;
        } catch (SysException e) {
            return false;
        }
    }
}
