package dev.dray.vmm.qemu;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import tools.jackson.databind.JsonNode;

/// Makes of the command line of a captured QEMU the one to restore into: the same machine by its versioned name (an
/// alias like `pc` means another machine in another QEMU), waiting for the guest.
public final class RestoreCommandLine {
    /// Options that say where a guest comes from.
    private static final Set<String> ORIGINS = Set.of("-incoming", "-loadvm");

    private static final Set<String> MACHINE = Set.of("-machine", "-M");

    private RestoreCommandLine() {}

    /// @param facts the facts of a manifest, as [MachineFacts] wrote them
    /// @return empty if the source's command line is not known
    public static List<String> of(JsonNode facts) {
        var source = new ArrayList<String>();
        facts.path(MachineFacts.COMMAND_LINE).forEach(argument -> source.add(argument.asString()));
        return of(source, facts.path(MachineFacts.MACHINE).asString(""));
    }

    static List<String> of(List<String> source, String machine) {
        if (source.isEmpty()) {
            return List.of();
        }
        var command = new ArrayList<String>();
        boolean typed = machine.isEmpty();
        for (int i = 0; i < source.size(); i++) {
            String argument = source.get(i);
            String option = argument.startsWith("--") ? argument.substring(1) : argument; // QEMU takes both
            boolean hasValue = i + 1 < source.size();
            if (ORIGINS.contains(option) && hasValue) {
                i++;
            } else if (MACHINE.contains(option) && hasValue) {
                i++;
                command.add(argument);
                boolean names = namesAType(source.get(i)) && !machine.isEmpty();
                command.add(names ? withType(source.get(i), machine) : source.get(i));
                typed |= names;
            } else {
                command.add(argument);
            }
        }
        if (!typed) {
            // At the end: what comes first may be a loader or a wrapper with options of its own.
            command.addAll(List.of("-machine", machine));
        }
        command.addAll(List.of("-incoming", "defer"));
        return List.copyOf(command);
    }

    private static boolean namesAType(String value) {
        return !value.split(",", 2)[0].contains("=") || ("," + value).contains(",type=");
    }

    /// `pc,usb=off` becomes `pc-i440fx-7.2,usb=off`; properties stay as they are.
    private static String withType(String value, String machine) {
        var properties = new ArrayList<>(List.of(value.split(",", -1)));
        properties.removeIf(property -> property.startsWith("type="));
        if (!properties.isEmpty() && !properties.getFirst().contains("=")) {
            properties.removeFirst();
        }
        properties.addFirst(machine);
        return String.join(",", properties);
    }
}
