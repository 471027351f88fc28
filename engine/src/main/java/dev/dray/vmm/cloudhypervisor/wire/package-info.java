/// Cloud Hypervisor's migration protocol byte by byte: messages, documents, and what may follow what. No sockets, no
/// threads.
@NullMarked
package dev.dray.vmm.cloudhypervisor.wire;

import org.jspecify.annotations.NullMarked;
