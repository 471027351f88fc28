package dev.dray.vmm.cloudhypervisor;

import dev.dray.error.DrayException;
import dev.dray.error.MachineException;
import dev.dray.vmm.Journal;
import java.util.Optional;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/// Remembers that a guest stands still only because Dray captures it. Between Dray's last answer and
/// `vm.resume` there is a fraction of a millisecond in which a killed Dray would leave a guest paused that ran
/// before.
///
/// Whoever pauses the VM at another time wants it paused. So it is written as late as that costs no pause, while the
/// last of the guest's memory is read, and how often the VM's processors have gone to sleep until then is in it: a VM
/// that has gone on since, as it does by itself when its capture fails, was paused by somebody else.
final class CaptureJournal {
    private static final String RESUME = "cloud_hypervisor_resume";
    private static final String PROCESS = "process";
    private static final String SLEEPS = "processor_sleeps";

    private CaptureJournal() {}

    static void write(Journal journal, VmFacts facts) throws MachineException {
        ObjectNode entry = JsonMapper.shared().createObjectNode();
        entry.put(RESUME, true);
        entry.put(PROCESS, facts.identity().orElse(""));
        entry.put(SLEEPS, sleeps(facts));
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
        JsonNode entry = pending.get();
        boolean same = facts.isOf(entry.path(PROCESS).asString(""));
        boolean paused = facts.state().equals(VmFacts.PAUSED);
        Optional<String> done = Optional.empty();
        if (paused && same && sleeps(facts).equals(entry.path(SLEEPS).asString(""))) {
            ApiClient.Answer answer = api.put("vm.resume");
            if (!answer.isOk()) {
                throw new MachineException(
                        "The VM stands still since a capture whose Dray was killed, and does not go on: "
                                + answer.reason(),
                        "let it go on with vm.resume");
            }
            done = Optional.of("the VM stood still since a capture whose Dray was killed, and was resumed");
        } else if (paused && (same || facts.identity().isEmpty())) {
            done = Optional.of("the VM stands still, perhaps since a capture whose Dray was killed, but "
                    + (same ? "it seems to have run since then" : "which process its VMM is cannot be seen")
                    + ": let it go on with vm.resume if nobody else has paused it");
        }
        journal.clear();
        return done;
    }

    private static String sleeps(VmFacts facts) {
        return facts.pid().map(VcpuSleeps::of).orElse("");
    }
}
