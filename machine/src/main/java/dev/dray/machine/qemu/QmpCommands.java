package dev.dray.machine.qemu;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/// The commands of the control socket. One is carried out at a time, whoever gives it.
final class QmpCommands {
    private static final JsonMapper JSON = JsonMapper.shared();

    /// What a command does.
    @FunctionalInterface
    private interface Action {
        JsonNode run(JsonNode arguments) throws QmpException;
    }

    /// @param arguments the names of those that it takes
    private record Command(Set<String> arguments, Action action) {}

    private final Map<String, Command> commands = new TreeMap<>();
    private final ReentrantLock oneAtATime = new ReentrantLock();
    private final QemuDialect dialect;
    private final MachineFacts facts;
    private volatile boolean quitting;

    QmpCommands(QemuDialect dialect, MachineFacts facts) {
        this.dialect = dialect;
        this.facts = facts;
        questions();
        guestCommands();
        migrationCommands();
    }

    ObjectNode greeting() {
        ObjectNode greeting = JSON.createObjectNode();
        ObjectNode qmp = greeting.putObject("QMP");
        qmp.set("version", facts.version());
        qmp.putArray("capabilities");
        return greeting;
    }

    /// Whether `quit` was given: sessions end after its answer.
    boolean isQuitting() {
        return quitting;
    }

    /// To be called by the session that was told so, when its answer has gone out.
    void quit() {
        dialect.quit();
    }

    JsonNode execute(String name, JsonNode arguments) throws QmpException {
        Command command = commands.get(name);
        if (command == null) {
            throw new QmpException(QmpException.COMMAND_NOT_FOUND, "The command " + name + " has not been found");
        }
        for (String argument : arguments.propertyNames()) {
            if (!command.arguments.contains(argument)) {
                throw new QmpException("Parameter '" + argument + "' is unexpected");
            }
        }
        oneAtATime.lock();
        try {
            return command.action.run(arguments);
        } finally {
            oneAtATime.unlock();
        }
    }

    private void questions() {
        ask("query-version", facts::version);
        ask("query-name", facts::name);
        ask("query-machines", facts::machines);
        ask("query-target", () -> JSON.createObjectNode().put("arch", "x86_64"));
        ask("query-uuid", () -> JSON.createObjectNode().put("UUID", "00000000-0000-0000-0000-000000000000"));
        ask("query-kvm", () -> JSON.createObjectNode().put("enabled", false).put("present", false));
        ask("query-cpus-fast", facts::processors);
        ask("query-pci", facts::pci);
        ask("query-block", JSON::createArrayNode);
        ask("query-memory-devices", JSON::createArrayNode);
        ask("query-memdev", facts::memoryBackends);
        ask("x-query-ramblock", () -> JSON.createObjectNode().put("human-readable-text", facts.memoryBlocks("\n")));
        ask("query-commands", () -> {
            var list = JSON.createArrayNode();
            commands.keySet().forEach(name -> list.addObject().put("name", name));
            return list;
        });
        add("qom-get", Set.of("path", "property"), facts::property);
        add("qom-list", Set.of("path"), facts::children);
        add(
                "human-monitor-command",
                Set.of("command-line", "cpu-index"),
                arguments -> JSON.valueToTree(facts.monitor(text(arguments, "command-line"))));
    }

    private void guestCommands() {
        ask("query-status", () -> {
            RunState state = dialect.runControl().state();
            return JSON.createObjectNode().put("status", state.word()).put("running", state == RunState.RUNNING);
        });
        add("stop", Set.of(), _ -> {
            dialect.runControl().stop();
            return JSON.createObjectNode();
        });
        add("cont", Set.of(), _ -> {
            dialect.runControl().resume();
            return JSON.createObjectNode();
        });
        add("quit", Set.of(), _ -> {
            dialect.event("SHUTDOWN", Map.of("guest", false, "reason", "host-qmp-quit"));
            quitting = true;
            return JSON.createObjectNode();
        });
    }

    private void migrationCommands() {
        MigrationSettings settings = dialect.settings();
        ask("query-migrate-capabilities", settings::capabilities);
        ask("query-migrate-parameters", settings::parameters);
        ask("query-migrate", dialect::queryMigrate);
        add("migrate-set-capabilities", Set.of("capabilities"), arguments -> {
            if (!arguments.has("capabilities")) {
                throw new QmpException("Parameter 'capabilities' is missing");
            }
            dialect.checkNoMigration();
            settings.setCapabilities(arguments.get("capabilities"));
            return JSON.createObjectNode();
        });
        add("migrate-set-parameters", parameterNames(), arguments -> {
            settings.setParameters(arguments);
            return JSON.createObjectNode();
        });
        add("migrate", Set.of("uri", "channels", "detach", "resume"), arguments -> {
            dialect.migrate(MigrationUri.parse(uri(arguments)));
            return JSON.createObjectNode();
        });
        add("migrate_cancel", Set.of(), _ -> {
            dialect.cancel();
            return JSON.createObjectNode();
        });
        add("migrate-continue", Set.of("state"), _ -> {
            dialect.proceed();
            return JSON.createObjectNode();
        });
        add("migrate-incoming", Set.of("uri", "channels", "exit-on-error"), arguments -> {
            dialect.incoming(
                    MigrationUri.parse(uri(arguments)),
                    arguments.path("exit-on-error").asBoolean(true));
            return JSON.createObjectNode();
        });
    }

    private Set<String> parameterNames() {
        List<String> names = new ArrayList<>();
        dialect.settings().parameters().propertyNames().forEach(names::add);
        return Set.copyOf(names);
    }

    private static String uri(JsonNode arguments) throws QmpException {
        return Optional.ofNullable(arguments.path("uri").asString(null))
                .orElseThrow(() -> new QmpException("need either 'uri' or 'channels' argument"));
    }

    private static String text(JsonNode arguments, String name) throws QmpException {
        @Nullable String value = arguments.path(name).asString(null);
        if (value == null) {
            throw new QmpException("Parameter '" + name + "' is missing");
        }
        return value;
    }

    /// A command without arguments that changes nothing.
    private void ask(String name, java.util.function.Supplier<? extends JsonNode> answer) {
        add(name, Set.of(), _ -> answer.get());
    }

    private void add(String name, Set<String> arguments, Action action) {
        commands.put(name, new Command(arguments, action));
    }
}
