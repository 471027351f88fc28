package dev.dray.vmm.cloudhypervisor;

import dev.dray.error.DrayException;
import dev.dray.error.MachineException;
import dev.dray.vmm.Journal;
import java.util.Optional;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/// Remembers that a guest stands still only because Dray captures it. Between Dray's last answer and
/// `vm.resume` there is a fraction of a millisecond in which a killed Dray would leave a guest paused that ran
/// before.
///
/// Written while the guest stands still and its memory is read, not earlier: whoever pauses the VM at another
/// time wants it paused.
final class CaptureJournal {
    private static final String RESUME = "cloud_hypervisor_resume";
    private static final String PROCESS = "process";

    private CaptureJournal() {}

    static void write(Journal journal, VmFacts facts) throws MachineException {
        ObjectNode entry = JsonMapper.shared().createObjectNode();
        entry.put(RESUME, true);
        entry.put(PROCESS, facts.identity().orElse(""));
        journal.write(entry);
    }

    /// Lets a guest go on that a killed Dray has left standing.
    ///
    /// @return what was done
    static Optional<String> putBack(Journal journal, ApiClient api) throws DrayException {
        Optional<ObjectNode> pending =
                journal.pending().filter(entry -> entry.path(RESUME).asBoolean(false));
        if (pending.isEmpty()) {
            return Optional.empty();
        }
        VmFacts facts = VmFacts.ask(api);
        boolean same =
                facts.identity().orElse("").equals(pending.get().path(PROCESS).asString(""));
        Optional<String> done = Optional.empty();
        if (same && facts.state().equals(VmFacts.PAUSED)) {
            ApiClient.Answer answer = api.put("vm.resume");
            if (!answer.isOk()) {
                throw new MachineException(
                        "The VM stands still since a capture whose Dray was killed, and does not go on: "
                                + answer.reason(),
                        "let it go on with vm.resume");
            }
            done = Optional.of("the VM stood still since a capture whose Dray was killed, and was resumed");
        }
        journal.clear();
        return done;
    }
}
