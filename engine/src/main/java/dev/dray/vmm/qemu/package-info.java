/// QEMU: control over QMP, capture as a migration destination, restore as a migration source.
@NullMarked
package dev.dray.vmm.qemu;

import org.jspecify.annotations.NullMarked;
