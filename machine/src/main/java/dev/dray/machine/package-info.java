/// A small virtual machine monitor of our own, and the seed of a library for authors of others.
///
/// - `dev.dray.machine.vmm` is what a monitor has to offer: memory that logs which pages were written and can be
///   frozen at an instant, devices whose state is named fields, a guest that can be stopped and run on.
/// - `dev.dray.machine.qemu` speaks QEMU's dialect from the monitor's side for any such monitor: the control socket,
///   the source and the destination of a migration.
/// - `dev.dray.machine.guest` is what runs inside: programs that check their own memory.
/// - [dev.dray.machine.BuiltinMachine] puts the three together; [dev.dray.machine.Main] runs one as a process.
@NullMarked
package dev.dray.machine;

import org.jspecify.annotations.NullMarked;
