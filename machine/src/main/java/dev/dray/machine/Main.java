package dev.dray.machine;

import dev.dray.machine.cloudhypervisor.Model;
import dev.dray.machine.guest.Fill;
import dev.dray.machine.guest.ProgramSettings;
import dev.dray.machine.guest.Workload;
import dev.dray.machine.vmm.Faults;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/// Runs one built-in machine as a process, until it is told to quit.
public final class Main {
    private static final String USAGE = """
            usage: java -cp ... dev.dray.machine.Main --qmp SOCKET | --api-socket SOCKET [OPTION...]

              --qmp SOCKET           control socket of a QEMU; may be given several times
              --api-socket SOCKET    control socket of a Cloud Hypervisor
              --private              its memory is not shared
              --zones N              its memory is in this many zones
              --v53                  it is a Cloud Hypervisor v53
              --slot-seed N          decides in which order it hands its memory over
              --repeat N             it asks for each Nth page a second time
              --incoming             wait for a guest instead of starting one
              --memory-mib N         main memory, 32 if not given
              --name NAME            what the machine is called
              --workload W           sweep, random, scattered, hot or idle
              --fill F               half, incompressible, compressible or mostly-zero
              --dirty-rate BYTES     changed per second, 0 for as fast as it can; 16777216 if not given
              --serial SOCKET        where commands can be typed at the guest's serial port
              --report FILE          what the guest reports, one line per pass or error
              --refuse CAPABILITY    claim that the host does not allow this migration capability
              --fault STEP[@N]=WHAT  what goes wrong where; WHAT is cut, stall, error, die or freeze
            """;

    private Main() {}

    public static void main(String[] arguments) {
        MachineOptions options;
        try {
            options = options(List.of(arguments));
        } catch (IllegalArgumentException e) {
            System.err.println(e.getMessage());
            System.err.print(USAGE);
            System.exit(2);
            return;
        }
        int status;
        try (BuiltinMachine machine = BuiltinMachine.start(
                options,
                ProcessHandle.current().pid(),
                () -> Runtime.getRuntime().halt(137))) {
            status = machine.ended().join();
        }
        System.exit(status);
    }

    /// What a command line asks for.
    static MachineOptions options(List<String> arguments) {
        Deque<String> left = new ArrayDeque<>(arguments);
        List<Path> sockets = new ArrayList<>();
        List<String> faults = new ArrayList<>();
        Set<String> refused = new TreeSet<>();
        ProgramSettings program = ProgramSettings.standard();
        Optional<Path> report = Optional.empty();
        Optional<Path> serial = Optional.empty();
        String name = "";
        boolean isIncoming = false;
        long memoryBytes = 32 << 20;
        boolean isCloudHypervisor = false;
        Model model = Model.standard();
        while (!left.isEmpty()) {
            String option = left.removeFirst();
            switch (option) {
                case "--incoming" -> isIncoming = true;
                case "--api-socket" -> {
                    isCloudHypervisor = true;
                    sockets.add(Path.of(value(option, left)));
                }
                case "--qmp" -> sockets.add(Path.of(value(option, left)));
                case "--memory-mib" -> memoryBytes = number(option, left) << 20;
                case "--name" -> name = value(option, left);
                case "--workload" ->
                    program = new ProgramSettings(
                            Workload.valueOf(constant(value(option, left))),
                            program.fill(),
                            program.dirtyBytesPerSecond());
                case "--fill" ->
                    program = new ProgramSettings(
                            program.workload(),
                            Fill.valueOf(constant(value(option, left))),
                            program.dirtyBytesPerSecond());
                case "--dirty-rate" ->
                    program = new ProgramSettings(program.workload(), program.fill(), number(option, left));
                case "--serial" -> serial = Optional.of(Path.of(value(option, left)));
                case "--report" -> report = Optional.of(Path.of(value(option, left)));
                case "--refuse" -> refused.add(value(option, left));
                case "--fault" -> faults.add(value(option, left));
                default -> model = model(model, option, left);
            }
        }
        if (sockets.isEmpty()) {
            throw new IllegalArgumentException("--qmp or --api-socket is missing");
        }
        return new MachineOptions(
                name,
                sockets,
                isIncoming,
                memoryBytes,
                program,
                serial,
                report,
                isCloudHypervisor ? Optional.of(model) : Optional.empty(),
                refused,
                Faults.parse(faults));
    }

    /// Options that only a machine with Cloud Hypervisor's API knows.
    private static Model model(Model model, String option, Deque<String> left) {
        return switch (option) {
            case "--private" -> model.withPrivateMemory();
            case "--zones" -> model.withZones((int) number(option, left));
            case "--v53" -> model.asV53();
            case "--slot-seed" -> model.withSeed(number(option, left));
            case "--repeat" -> model.repeating((int) number(option, left));
            default -> throw new IllegalArgumentException("unknown option " + option);
        };
    }

    private static String value(String option, Deque<String> left) {
        if (left.isEmpty()) {
            throw new IllegalArgumentException(option + " needs a value");
        }
        return left.removeFirst();
    }

    private static long number(String option, Deque<String> left) {
        String text = value(option, left);
        try {
            return Long.parseLong(text);
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException(option + " needs a number, not " + text, e);
        }
    }

    private static String constant(String word) {
        return word.toUpperCase(Locale.ROOT).replace('-', '_');
    }
}
