/// QEMU's dialect from the monitor's side: the control socket (QMP), the source of a migration and its destination, for
/// any [dev.dray.machine.vmm.Vmm]. Shares the engine's codecs (`dev.dray.vmm.qemu.wire`) and nothing else of the
/// engine's
/// dialect, so that a mistake in one side is not repeated by the other.
///
/// What a conversation does next is decided by functions of (state, event) without I/O:
/// [dev.dray.machine.qemu.SourceCourse],
/// [dev.dray.machine.qemu.DestinationCourse]. Texts and orders of events are those of QEMU 10.0.2, recorded.
@NullMarked
package dev.dray.machine.qemu;

import org.jspecify.annotations.NullMarked;
