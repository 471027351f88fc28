package dev.dray.cli;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;

/// The subcommands by name, in the order of the help.
final class Commands {
    private static final Map<String, Supplier<Command>> BY_NAME = Map.ofEntries(
            Map.entry("demo", DemoCommand::new),
            Map.entry("init", InitCommand::new),
            Map.entry("capture", CaptureCommand::new),
            Map.entry("restore", RestoreCommand::new),
            Map.entry("receive", ReceiveCommand::new),
            Map.entry("send", SendCommand::new),
            Map.entry("import", ImportCommand::new),
            Map.entry("list", ListCommand::new),
            Map.entry("show", ShowCommand::new),
            Map.entry("verify", VerifyCommand::new),
            Map.entry("doctor", DoctorCommand::new),
            Map.entry("inspect", InspectCommand::new));

    static final List<String> NAMES = List.of(
            "demo", "init", "capture", "restore", "receive", "send", "import", "list", "show", "verify", "doctor",
            "inspect");

    /// Names that are taken: a later release has them.
    private static final Set<String> LATER = Set.of(
            "recover",
            "forget",
            "prune",
            "repair",
            "stats",
            "key",
            "export",
            "copy",
            "diff",
            "map",
            "dump",
            "migrate",
            "handover",
            "park",
            "serve");

    private Commands() {}

    static Optional<Command> find(String name) {
        return Optional.ofNullable(BY_NAME.get(name)).map(Supplier::get);
    }

    static boolean isLater(String name) {
        return LATER.contains(name);
    }
}
