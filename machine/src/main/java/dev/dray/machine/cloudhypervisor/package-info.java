/// Cloud Hypervisor's protocols from the VMM's side, for any VMM: its REST API, migration source and destination.
///
/// What is sent and answered, and what happens when something breaks, follows the real one (main at ae44c2971): its
/// recordings are replayed against it.
@NullMarked
package dev.dray.machine.cloudhypervisor;

import org.jspecify.annotations.NullMarked;
