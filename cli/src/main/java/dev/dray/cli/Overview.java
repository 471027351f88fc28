package dev.dray.cli;

import dev.dray.Dray;

/// The help of `dray` itself.
final class Overview {
    private Overview() {}

    static String text() {
        var text = new StringBuilder();
        text.append("Dray ").append(Dray.VERSION).append(" captures and restores running virtual machines.\n\n");
        text.append("Usage: dray COMMAND [OPTIONS]\n\nCommands:\n");
        for (String name : Commands.NAMES) {
            Command command = Commands.find(name).orElseThrow();
            String summary = command.spec().usageMessage().description()[0];
            text.append("  %-9s %s%n".formatted(name, summary));
        }
        return text.append("""

                        A VM is written qemu:SOCKET with the path of its QMP socket, or ch:SOCKET with that of a Cloud
                        Hypervisor's API socket; a repository is a directory; a snapshot is an id or at least 6 digits
                        of one, NAME for the newest of that name, or NAME@7.

                        Every command has --json, --quiet, --verbose and --help; dray --version tells the version.
                        """).toString();
    }
}
