package dev.dray.vmm.cloudhypervisor;

import dev.dray.error.MachineException;
import dev.dray.vmm.Journal;
import java.util.Optional;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/// Remembers that a guest gets its memory from Dray while it runs already. The VMM itself tells nobody that
/// its guest lacks some, and ends when that touches it: of a Dray that was killed only this is left.
final class LazyJournal {
    private static final String LAZY = "cloud_hypervisor_lazy";
    private static final String PROCESS = "process";

    private LazyJournal() {}

    static void write(Journal journal, VmFacts facts) throws MachineException {
        ObjectNode entry = JsonMapper.shared().createObjectNode();
        entry.put(LAZY, true);
        entry.put(PROCESS, facts.identity().orElse(""));
        journal.write(entry);
    }

    static void forget(Journal journal) throws MachineException {
        if (pending(journal).isPresent()) {
            journal.clear();
        }
    }

    private static Optional<ObjectNode> pending(Journal journal) throws MachineException {
        return journal.pending().filter(entry -> entry.path(LAZY).asBoolean(false));
    }

    /// Whether this VM's guest lost the Dray that gave it its memory. What was noted of another, which is gone, is
    /// forgotten.
    static boolean isLeft(Journal journal, VmFacts facts) throws MachineException {
        var pending = pending(journal);
        if (pending.isEmpty()) {
            return false;
        }
        boolean same = facts.isOf(pending.get().path(PROCESS).asString(""));
        if (same && (facts.state().equals(VmFacts.RUNNING) || facts.state().equals(VmFacts.PAUSED))) {
            return true;
        }
        journal.clear();
        return false;
    }
}
