/// What every dialect offers: capture from a virtual machine, restore into one, and what can be said of it.
@NullMarked
package dev.dray.vmm;

import org.jspecify.annotations.NullMarked;
