package dev.dray.machine.vmm;

import java.util.List;

/// What a dialect needs of a virtual machine monitor, and all it needs. A monitor that implements this can be captured,
/// restored and migrated. Calls come from one thread at a time, [#die] and [#quit] excepted.
public interface Vmm {
    /// The name that the user gave the machine; empty if none.
    String name();

    /// The process that ends with the machine; 0 if it is in a process of others.
    long process();

    /// What kind of machine it is; only a machine of the same kind can take its guest over.
    String machineType();

    /// The memory of the guest's computer; there must be one.
    MachineMemory memory();

    /// Builds a computer around this memory, which is the machine's from now on. Its processors stand still. Only
    /// while there is none.
    void build(MachineMemory memory);

    /// Ends the computer: its processors, and its memory.
    void demolish();

    /// Starts the machine's own guest in the computer, which is as new.
    void boot();

    /// Stops all processors and returns when no more memory changes. Stopping twice is as stopping once.
    void stop();

    /// Lets the processors run.
    void run();

    /// The state of all devices, processors among them, always in the same order. Only while the machine is stopped.
    List<DeviceState> saveDevices();

    /// The devices and fields that [#loadDevices] takes, whatever their values here. At any time.
    List<DeviceState> deviceLayouts();

    /// Takes over a guest whose memory is already in place. Only while the machine is stopped.
    void loadDevices(List<DeviceState> states);

    /// Something that a user who looks for a reason wants to read.
    void log(String line);

    /// Ends the machine in good order, soon; the caller need not be out of its own call for it.
    void quit(int status);

    /// Ends the machine as if its process were killed: connections break, nothing is told to anybody.
    void die();
}
