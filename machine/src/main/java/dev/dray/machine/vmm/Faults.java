package dev.dray.machine.vmm;

import dev.dray.linux.Signals;
import dev.dray.linux.SysException;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/// A plan of what goes wrong, and where. Written as `STEP=ACTION`, or `STEP@3=ACTION` for the third time that the step
/// is reached; the names are those of [FaultStep] and [Action]. Each fault happens once.
public final class Faults {
    /// What goes wrong.
    public enum Action {
        /// The connection at hand is closed.
        CUT,
        /// Nothing more happens on the connection at hand until the other side closes it, or the operation is
        /// cancelled.
        STALL,
        /// A command is answered with an error; a migration fails by itself.
        ERROR,
        /// The machine ends as if its process were killed.
        DIE,
        /// The machine's process stands still, as by `kill -STOP`, until somebody lets it go on; then it does as if
        /// nothing had been. For a machine in a process of its own.
        FREEZE
    }

    /// One fault.
    ///
    /// @param occurrence the time at which the step is reached, from 1
    public record Fault(FaultStep step, int occurrence, Action action) {
        @Override
        public String toString() {
            return step + "@" + occurrence + "=" + action;
        }
    }

    private final List<Fault> planned = new ArrayList<>();
    private final Map<FaultStep, Integer> reached = new EnumMap<>(FaultStep.class);

    /// No faults.
    public static Faults none() {
        return new Faults();
    }

    /// Faults as a command line gives them.
    public static Faults parse(List<String> plan) {
        Faults faults = new Faults();
        for (String text : plan) {
            int equals = text.indexOf('=');
            int at = text.indexOf('@');
            if (equals < 0 || at > equals) {
                throw new IllegalArgumentException("a fault is STEP=ACTION or STEP@TIME=ACTION, not " + text);
            }
            String step = text.substring(0, at < 0 ? equals : at);
            int occurrence = at < 0 ? 1 : Integer.parseInt(text.substring(at + 1, equals));
            faults.plan(FaultStep.valueOf(upper(step)), occurrence, Action.valueOf(upper(text.substring(equals + 1))));
        }
        return faults;
    }

    private static String upper(String word) {
        return word.strip().toUpperCase(Locale.ROOT).replace('-', '_');
    }

    public synchronized Faults plan(FaultStep step, Action action) {
        return plan(step, reached.getOrDefault(step, 0) + 1, action);
    }

    public synchronized Faults plan(FaultStep step, int occurrence, Action action) {
        planned.add(new Fault(step, occurrence, action));
        return this;
    }

    /// The step is reached: what goes wrong now? Never [Action#FREEZE], which is over when this returns.
    public Optional<Action> reach(FaultStep step) {
        Optional<Action> action = next(step);
        if (action.equals(Optional.of(Action.FREEZE))) {
            freeze();
            return Optional.empty();
        }
        return action;
    }

    private static void freeze() {
        try {
            Signals.raise(Signals.SIGSTOP); // not to the process, whose other threads could be later than this one
        } catch (SysException e) {
            throw new IllegalStateException(e);
        }
    }

    private synchronized Optional<Action> next(FaultStep step) {
        int times = reached.merge(step, 1, Integer::sum);
        for (Fault fault : planned) {
            if (fault.step == step && fault.occurrence == times) {
                planned.remove(fault);
                return Optional.of(fault.action);
            }
        }
        return Optional.empty();
    }

    /// Whether something is still to go wrong at a step.
    public synchronized boolean isPlanned(FaultStep step) {
        return planned.stream().anyMatch(fault -> fault.step == step);
    }

    /// How often a step was reached.
    public synchronized int reached(FaultStep step) {
        return reached.getOrDefault(step, 0);
    }

    /// Planned faults that have not happened yet. A test that leaves some here has tested something else.
    public synchronized List<Fault> notHit() {
        return List.copyOf(planned);
    }
}
