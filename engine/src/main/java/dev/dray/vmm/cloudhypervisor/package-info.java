/// Cloud Hypervisor: control over its REST API, capture as a migration destination, restore as a source.
@NullMarked
package dev.dray.vmm.cloudhypervisor;

import org.jspecify.annotations.NullMarked;
