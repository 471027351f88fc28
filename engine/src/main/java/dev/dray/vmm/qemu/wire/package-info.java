/// QEMU's migration stream byte by byte: records, readers and writers, no sockets.
@NullMarked
package dev.dray.vmm.qemu.wire;

import org.jspecify.annotations.NullMarked;
