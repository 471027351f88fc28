package dev.dray.vmm.qemu;

import dev.dray.error.DrayException;
import dev.dray.error.MachineException;
import dev.dray.error.PeerException;
import dev.dray.error.RefusedException;
import dev.dray.vmm.Journal;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/// The migration settings that Dray changes in a QEMU, and puts back. Every capability that Dray does
/// not want is switched off for the time, so that the stream holds nothing that Dray did not ask for.
/// The old values are in the journal before the first change: after a kill of Dray the next one finds
/// them there.
final class MigrationSettings {
    /// How long QEMU may take to end a migration whose stream has been closed.
    private static final Duration ENDING_PATIENCE = Duration.ofSeconds(10);

    private static final Duration ENDING_POLL = Duration.ofMillis(5);

    private static final Set<String> ENDED = Set.of("none", "completed", "failed", "cancelled");

    private static final JsonMapper JSON = JsonMapper.shared();

    /// In the journal: Dray itself has stopped the guest.
    private static final String STOPPED = "stopped";

    /// The parameter that makes a migration one to the next QEMU on the same host (`cpr-...`).
    private static final String MODE = "mode";

    private final QmpClient qmp;
    private final Journal journal;
    private final String process;
    private final ObjectNode old = JSON.createObjectNode();

    /// @param process [QemuProcess#identity()]
    MigrationSettings(QmpClient qmp, Journal journal, String process) {
        this.qmp = qmp;
        this.journal = journal;
        this.process = process;
    }

    /// Puts back what an earlier Dray left, if it was killed.
    ///
    /// @return what was done, in words; empty if there was nothing to do
    static Optional<String> putBackPending(QmpClient qmp, Journal journal, String process) throws DrayException {
        Optional<ObjectNode> entry = journal.pending();
        if (entry.isEmpty()) {
            return Optional.empty();
        }
        String changed = entry.get().path("process").asString("");
        if (!changed.isEmpty() && !process.isEmpty() && !changed.equals(process)) {
            journal.clear(); // the QEMU that was changed is gone, and its settings with it
            return Optional.empty();
        }
        if (QemuFacts.status(qmp).equals("inmigrate") && !hasEnded(qmp.execute("query-migrate"))) {
            return Optional.empty(); // half of a guest is in there: all that it is good for is to be started again
        }
        boolean continued = continueStopped(qmp, entry.get()); // first: nothing else is as urgent
        if (!awaitMigrationEnd(qmp, false)) {
            throw new RefusedException(
                    "A migration of this VM is under way, so that the settings which an earlier, killed Dray has changed"
                            + " cannot be put back",
                    "wait until it has ended, or end it with migrate_cancel");
        }
        restore(qmp, entry.get());
        journal.clear();
        return Optional.of("put back the migration settings that an earlier, killed Dray had changed"
                + (continued ? ", and continued the guest that it had stopped" : ""));
    }

    /// Switches on `capabilities`, switches off all others, and sets `parameters` (`mode` only where QEMU has it).
    ///
    /// @return QEMU's reason if it refuses; what was changed until then stays to be put back
    Optional<String> apply(Set<String> capabilities, Map<String, JsonNode> parameters) throws DrayException {
        remember(capabilities, parameters);
        old.put("process", process);
        journal.write(old);
        var wanted = new TreeMap<String, Boolean>();
        old.path("capabilities").properties().forEach(e -> wanted.put(e.getKey(), capabilities.contains(e.getKey())));
        capabilities.stream().filter(name -> !known(name)).forEach(name -> wanted.put(name, true));
        var setting = JSON.createObjectNode();
        parameters.forEach(setting::set);
        // First of all, where QEMU has it (from 8.2 on): with another mode it takes no background snapshot.
        JsonNode mode = setting.remove(MODE);
        if (mode != null
                && qmp.execute("query-migrate-parameters").has(MODE)
                && qmp.ask("migrate-set-parameters", JSON.createObjectNode().set(MODE, mode))
                        instanceof QmpReply.Refused(var reason)) {
            return Optional.of(reason);
        }
        if (qmp.ask("migrate-set-capabilities", capabilitySetting(wanted)) instanceof QmpReply.Refused(var reason)) {
            return Optional.of(reason);
        }
        if (!setting.isEmpty() && qmp.ask("migrate-set-parameters", setting) instanceof QmpReply.Refused(var reason)) {
            return Optional.of(reason);
        }
        return Optional.empty();
    }

    /// Marks in the journal that Dray itself is about to stop the guest.
    void markStopped() throws DrayException {
        old.put(STOPPED, true);
        journal.write(old);
    }

    /// Marks in the journal that the guest which Dray had stopped was continued: who stops it from now
    /// on is not Dray.
    void markContinued() {
        if (old.remove(STOPPED) != null) {
            try {
                journal.write(old);
            } catch (MachineException e) {
                // The guest runs, which is what matters; the entry goes when everything is put back.
            }
        }
    }

    private static boolean hasEnded(JsonNode migration) {
        return ENDED.contains(migration.path("status").asString("none"));
    }

    /// Puts everything back as it was before the first [#apply], once QEMU's migration has ended. A guest that Dray
    /// stopped and did not
    /// continue is continued; if that fails, the journal still says so.
    void putBack() throws DrayException {
        if (!old.isEmpty()) {
            continueStopped(qmp, old);
            awaitMigrationEnd(qmp, true);
            restore(qmp, old);
            journal.clear();
        }
    }

    /// There is no QEMU any more to put anything back in.
    void forget() throws DrayException {
        if (!old.isEmpty()) {
            journal.clear();
        }
    }

    /// Waits until QEMU's migration has ended, since it does not change settings before. Does so also when the
    /// user asks to stop.
    ///
    /// @param asLongAsItMoves whether to go on waiting for one that still sends: an older QEMU has to write a
    ///         background snapshot that nobody wants any more to its end
    /// @return whether it has ended
    static boolean awaitMigrationEnd(QmpClient qmp, boolean asLongAsItMoves) throws PeerException {
        boolean interrupted = false;
        long sent = -1;
        long deadline = System.nanoTime() + ENDING_PATIENCE.toNanos();
        boolean ended = false;
        while (!ended && System.nanoTime() - deadline < 0) {
            JsonNode migration = qmp.execute("query-migrate");
            ended = hasEnded(migration);
            long now = migration.path("ram").path("transferred").asLong(0);
            if (asLongAsItMoves && now != sent) {
                sent = now;
                deadline = System.nanoTime() + ENDING_PATIENCE.toNanos();
            }
            try {
                if (!ended) {
                    Thread.sleep(ENDING_POLL);
                }
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
        return ended;
    }

    private static boolean continueStopped(QmpClient qmp, ObjectNode entry) throws PeerException {
        boolean held =
                entry.path(STOPPED).asBoolean(false) && QemuFacts.status(qmp).equals("paused");
        if (held) {
            qmp.execute("cont");
        }
        return held;
    }

    private boolean known(String capability) {
        return old.path("all").has(capability);
    }

    /// Adds to `old` what [#apply] will change and has not changed before.
    private void remember(Set<String> capabilities, Map<String, JsonNode> parameters) throws PeerException {
        ObjectNode all = old.withObjectProperty("all");
        ObjectNode changed = old.withObjectProperty("capabilities");
        for (JsonNode each : qmp.execute("query-migrate-capabilities")) {
            String name = each.path("capability").asString("");
            boolean state = each.path("state").asBoolean(false);
            if (!all.has(name)) {
                all.put(name, state);
            }
            if (state != capabilities.contains(name) && !changed.has(name)) {
                changed.put(name, all.path(name).asBoolean(false));
            }
        }
        ObjectNode changedParameters = old.withObjectProperty("parameters");
        JsonNode now = qmp.execute("query-migrate-parameters");
        parameters.forEach((name, value) -> {
            if (now.has(name) && !now.path(name).equals(value) && !changedParameters.has(name)) {
                changedParameters.set(name, now.path(name));
            }
        });
    }

    private static void restore(QmpClient qmp, ObjectNode old) throws PeerException {
        var capabilities = new TreeMap<String, Boolean>();
        old.path("capabilities")
                .properties()
                .forEach(e -> capabilities.put(e.getKey(), e.getValue().asBoolean(false)));
        if (!capabilities.isEmpty()) {
            qmp.execute("migrate-set-capabilities", capabilitySetting(capabilities));
        }
        if (old.path("parameters") instanceof ObjectNode parameters && !parameters.isEmpty()) {
            qmp.execute("migrate-set-parameters", parameters);
        }
    }

    private static ObjectNode capabilitySetting(Map<String, Boolean> states) {
        var arguments = JSON.createObjectNode();
        var list = arguments.putArray("capabilities");
        states.forEach((name, state) -> list.addObject().put("capability", name).put("state", state));
        return arguments;
    }
}
