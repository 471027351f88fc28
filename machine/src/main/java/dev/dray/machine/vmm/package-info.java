/// What a virtual machine monitor has to offer so that a dialect can speak for it, and the parts that are the same for
/// all: memory that logs writes and can be frozen, device state as named fields, planned faults.
///
/// Knows no dialect and no guest.
@NullMarked
package dev.dray.machine.vmm;

import org.jspecify.annotations.NullMarked;
