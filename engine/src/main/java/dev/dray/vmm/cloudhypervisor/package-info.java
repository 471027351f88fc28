/// Cloud Hypervisor: control over its API socket, capture as the receiver of its migration, restore as the sender.
@NullMarked
package dev.dray.vmm.cloudhypervisor;

import org.jspecify.annotations.NullMarked;
