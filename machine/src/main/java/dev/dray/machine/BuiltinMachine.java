package dev.dray.machine;

import dev.dray.machine.cloudhypervisor.CloudHypervisorDialect;
import dev.dray.machine.guest.Fill;
import dev.dray.machine.guest.GuestProgram;
import dev.dray.machine.guest.GuestReport;
import dev.dray.machine.guest.PagePattern;
import dev.dray.machine.guest.Processor;
import dev.dray.machine.guest.SerialPort;
import dev.dray.machine.qemu.QemuDialect;
import dev.dray.machine.vmm.DeviceState;
import dev.dray.machine.vmm.Dialect;
import dev.dray.machine.vmm.MachineMemory;
import dev.dray.machine.vmm.MemoryBlock;
import dev.dray.machine.vmm.Vmm;
import dev.dray.memory.GpaRange;
import dev.dray.memory.PageSize;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/// A virtual machine in this process: memory in memfds, one processor that runs a [GuestProgram], and control sockets
/// that speak as QEMU 10.0 or as Cloud Hypervisor does. `dray capture qemu:SOCKET` and `dray restore --into ch:SOCKET`
/// cannot tell it from those, except by its machine type or its version's last word.
///
/// Its state machines, and what it sends and answers, follow recorded conversations with real ones. What it does not do
/// of QEMU (post-copy, XBZRLE, CPR, mapped-ram, ...) it refuses when it is switched on.
public final class BuiltinMachine implements Vmm, AutoCloseable {
    /// The kind of machine that this is. Another layout of memory or devices is another kind.
    public static final String MACHINE_TYPE = "dray-1.0";

    /// Main memory above this address continues at 4 GiB, as in a PC.
    private static final long LOW_END = 3L << 30;

    private static final long FIRMWARE_BYTES = 256 << 10;
    private static final long FIRMWARE_GPA = 0xfffc_0000L;

    private final MachineOptions options;
    private final SerialPort serial;
    private final Dialect dialect;
    private final long process;
    private final Runnable death;
    private final CompletableFuture<Integer> ended = new CompletableFuture<>();
    private final AtomicBoolean closed = new AtomicBoolean();
    private Optional<SerialSocket> serialSocket = Optional.empty();
    private volatile @Nullable Computer computer;

    /// What a guest runs on.
    private record Computer(MachineMemory memory, GuestProgram program, Processor processor) {}

    private BuiltinMachine(MachineOptions options, long process, Runnable death) {
        this.options = options;
        this.process = process;
        this.death = death;
        serial = new SerialPort(options.report());
        dialect = options.model().isPresent()
                ? new CloudHypervisorDialect(this, options.model().get(), options.memoryBytes(), options.faults())
                : new QemuDialect(this, options.isIncoming(), options.refusedCapabilities(), options.faults());
    }

    /// Starts a machine. Its control sockets are there when this returns, and its guest runs unless it waits for one.
    public static BuiltinMachine start(MachineOptions options) {
        return start(options, 0, () -> {});
    }

    /// @param process see [Vmm#process]
    /// @param death called when a planned fault kills the machine, after its connections were closed
    static BuiltinMachine start(MachineOptions options, long process, Runnable death) {
        BuiltinMachine machine = new BuiltinMachine(options, process, death);
        try {
            machine.serialSocket = options.serialSocket().map(path -> new SerialSocket(path, machine.serial));
            if (machine.dialect instanceof CloudHypervisorDialect cloudHypervisor) {
                if (!options.isIncoming()) {
                    cloudHypervisor.boot();
                }
            } else {
                machine.build(MachineMemory.create(layouts(options.memoryBytes())));
                machine.loadFirmware();
                if (!options.isIncoming()) {
                    machine.boot();
                }
            }
            options.controlSockets().forEach(machine.dialect::listen);
            if (!options.isIncoming()) {
                machine.run();
            }
            return machine;
        } catch (RuntimeException | Error e) {
            machine.close();
            throw e;
        }
    }

    private static List<MemoryBlock.Layout> layouts(long memoryBytes) {
        List<GpaRange> gpas = new ArrayList<>();
        gpas.add(new GpaRange(0, 0, Math.min(memoryBytes, LOW_END)));
        if (memoryBytes > LOW_END) {
            gpas.add(new GpaRange(4L << 30, LOW_END, memoryBytes - LOW_END));
        }
        return List.of(
                new MemoryBlock.Layout("pc.ram", memoryBytes, memoryBytes, false, gpas),
                new MemoryBlock.Layout(
                        "pc.bios",
                        FIRMWARE_BYTES,
                        FIRMWARE_BYTES,
                        true,
                        List.of(new GpaRange(FIRMWARE_GPA, 0, FIRMWARE_BYTES))),
                new MemoryBlock.Layout("/rom@etc/acpi/tables", 128 << 10, 2 << 20, true, List.of()),
                new MemoryBlock.Layout(
                        "0000:00:02.0/vga.vram",
                        1 << 20,
                        1 << 20,
                        false,
                        List.of(new GpaRange(0xfd00_0000L, 0, 1 << 20))));
    }

    private void loadFirmware() {
        PagePattern pattern = new PagePattern(Fill.COMPRESSIBLE);
        for (long page = 0; page < PageSize.pages(FIRMWARE_BYTES); page++) {
            long number = PageSize.index(FIRMWARE_GPA) + page;
            memory().write(1, page, content -> pattern.fill(content, number, 0));
        }
    }

    public MachineOptions options() {
        return options;
    }

    /// What the guest has reported so far.
    public GuestReport report() {
        return serial.report();
    }

    /// What the guest does in the dialect's words: QEMU's `running`, `inmigrate`, Cloud Hypervisor's `Running`, ...
    public String status() {
        return dialect.status();
    }

    /// Completed when the machine has been told to quit, or died: the process's exit status.
    public CompletableFuture<Integer> ended() {
        return ended;
    }

    @Override
    public String name() {
        return options.name();
    }

    @Override
    public long process() {
        return process;
    }

    @Override
    public String machineType() {
        return MACHINE_TYPE;
    }

    private Computer computer() {
        Computer now = computer;
        if (now == null) {
            throw new IllegalStateException("there is no guest");
        }
        return now;
    }

    @Override
    public MachineMemory memory() {
        return computer().memory();
    }

    @Override
    public void build(MachineMemory memory) {
        if (computer != null) {
            throw new IllegalStateException("there is a guest");
        }
        GuestProgram program = new GuestProgram(memory, serial);
        // As the VMM names its own, by which Dray finds out whether a guest has run.
        String thread = dialect instanceof CloudHypervisorDialect ? "vcpu0" : "processor";
        computer = new Computer(memory, program, new Processor(program, thread));
    }

    @Override
    public void demolish() {
        Computer now = computer;
        computer = null;
        if (now != null) {
            now.memory().release();
            now.processor().close();
            now.memory().close();
        }
    }

    @Override
    public void boot() {
        computer().program().start(options.program());
    }

    @Override
    public void stop() {
        computer().processor().stop();
    }

    @Override
    public void run() {
        computer().processor().run();
    }

    @Override
    public List<DeviceState> saveDevices() {
        return Devices.of(computer().program().registers());
    }

    @Override
    public List<DeviceState> deviceLayouts() {
        return Devices.of(new GuestProgram.Registers(0, 0, 0));
    }

    @Override
    public void loadDevices(List<DeviceState> states) {
        computer().program().resume(Devices.registers(states));
    }

    /// Types characters at the guest's serial port, each of them a command: see [GuestProgram].
    public void type(String characters) {
        serial.type(characters);
    }

    @Override
    public void log(String line) {
        System.getLogger(BuiltinMachine.class.getName()).log(System.Logger.Level.INFO, line);
    }

    @Override
    public void quit(int status) {
        ended.complete(status);
        dialect.closeConnections();
    }

    @Override
    public void die() {
        ended.complete(137);
        Computer now = computer;
        if (now != null) {
            now.processor().halt();
        }
        dialect.closeConnections();
        death.run();
    }

    /// Ends everything and gives its memory back.
    @Override
    public void close() {
        if (closed.compareAndSet(false, true)) {
            ended.complete(0);
            Computer now = computer;
            if (now != null) {
                now.memory().release();
            }
            dialect.close();
            serialSocket.ifPresent(SerialSocket::close);
            demolish();
            serial.close();
        }
    }
}
