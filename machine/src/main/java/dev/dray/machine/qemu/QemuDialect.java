package dev.dray.machine.qemu;

import dev.dray.machine.vmm.Dialect;
import dev.dray.machine.vmm.Faults;
import dev.dray.machine.vmm.Vmm;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/// Speaks for a machine as QEMU 10.0 does: control sockets, one outgoing migration at a time, one incoming migration in
/// all.
public final class QemuDialect implements Dialect {
    private final Vmm vmm;
    private final Faults faults;
    private final RunControl runControl;
    private final MigrationSettings settings;
    private final Destination destination;
    private final QmpCommands commands;
    private final List<QmpServer> servers = new CopyOnWriteArrayList<>();
    private volatile @Nullable SourceRun source;

    /// @param isIncoming whether the machine waits for a guest
    /// @param refusedCapabilities migration capabilities that its host is said not to allow
    public QemuDialect(Vmm vmm, boolean isIncoming, Set<String> refusedCapabilities, Faults faults) {
        this.vmm = vmm;
        this.faults = faults;
        this.runControl = new RunControl(vmm, this::event, isIncoming);
        this.settings = new MigrationSettings(refusedCapabilities);
        this.destination = new Destination(vmm, runControl, settings, this::event, faults, isIncoming);
        this.commands = new QmpCommands(this, new MachineFacts(vmm));
    }

    @Override
    public void listen(Path socket) {
        servers.add(new QmpServer(socket, commands, faults, vmm::die));
    }

    @Override
    public String status() {
        return runControl.state().word();
    }

    RunControl runControl() {
        return runControl;
    }

    MigrationSettings settings() {
        return settings;
    }

    void event(String name, Map<String, ?> data) {
        ObjectNode event = JsonMapper.shared().createObjectNode();
        Instant now = Instant.now();
        event.putObject("timestamp").put("seconds", now.getEpochSecond()).put("microseconds", now.getNano() / 1000);
        event.put("event", name);
        if (!data.isEmpty()) {
            event.set("data", JsonMapper.shared().valueToTree(data));
        }
        servers.forEach(server -> server.event(event));
    }

    void checkNoMigration() throws QmpException {
        SourceRun run = source;
        if (run != null && !run.isOver()) {
            throw new QmpException("There's a migration process in progress");
        }
    }

    void migrate(MigrationUri uri) throws QmpException {
        checkNoMigration();
        if (runControl.state() == RunState.INMIGRATE) {
            throw new QmpException("Guest is waiting for an incoming migration");
        }
        SourceRun run = new SourceRun(vmm, runControl, settings, this::event, faults, uri);
        source = run;
        run.start();
    }

    void cancel() {
        SourceRun run = source;
        if (run != null) {
            run.post(new SourceCourse.Event.Cancelled());
        }
    }

    void proceed() throws QmpException {
        SourceRun run = source;
        if (run == null || !(run.state() instanceof SourceCourse.State.Paused)) {
            throw new QmpException("Migration not in expected state: "
                    + (run == null ? "none" : run.state().status()));
        }
        run.post(new SourceCourse.Event.Continued());
    }

    void incoming(MigrationUri uri, boolean exitOnError) throws QmpException {
        destination.start(uri, exitOnError);
    }

    ObjectNode queryMigrate() {
        SourceRun run = source;
        ObjectNode answer = JsonMapper.shared().createObjectNode();
        if (run != null) {
            return switch (run.state()) {
                case SourceCourse.State.Ended(var status, var reason)
                when !status.equals("completed") -> {
                    answer.put("status", status);
                    yield reason.isEmpty() ? answer : answer.put("error-desc", reason);
                }
                case SourceCourse.State state ->
                    run.counters().describe(state.status(), settings.number("downtime-limit", 0));
            };
        }
        DestinationCourse.State state = destination.state();
        if (!state.status().isEmpty()) {
            answer.put("status", state.status());
        }
        if (state instanceof DestinationCourse.State.Failed(var reason)) {
            answer.put("error-desc", reason);
        }
        String place = destination.place();
        if (!place.isEmpty()) {
            answer.putArray("socket-address").addObject().put("path", place).put("type", "unix");
        }
        return answer;
    }

    /// Ends the machine.
    void quit() {
        vmm.quit(0);
    }

    @Override
    public void closeConnections() {
        servers.forEach(QmpServer::cut);
        SourceRun run = source;
        if (run != null) {
            run.close();
        }
        destination.close();
    }

    @Override
    public void close() {
        closeConnections();
        SourceRun run = source;
        if (run != null) {
            run.join();
        }
        destination.join();
        servers.forEach(QmpServer::close);
    }
}
