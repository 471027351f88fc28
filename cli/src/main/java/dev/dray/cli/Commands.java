package dev.dray.cli;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;

/// The subcommands by name, in the order of the help.
final class Commands {
    private static final Map<String, Supplier<Command>> BY_NAME = Map.of(
            "demo", DemoCommand::new,
            "init", InitCommand::new,
            "capture", CaptureCommand::new,
            "restore", RestoreCommand::new,
            "list", ListCommand::new,
            "show", ShowCommand::new,
            "verify", VerifyCommand::new,
            "doctor", DoctorCommand::new,
            "inspect", InspectCommand::new);

    static final List<String> NAMES =
            List.of("demo", "init", "capture", "restore", "list", "show", "verify", "doctor", "inspect");

    /// Names that are taken: a later release has them.
    private static final Set<String> LATER = Set.of(
            "recover",
            "forget",
            "prune",
            "repair",
            "stats",
            "key",
            "export",
            "import",
            "copy",
            "diff",
            "map",
            "dump",
            "receive",
            "send",
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
