/// The machine module.
@NullMarked
package dev.dray.machine;

import org.jspecify.annotations.NullMarked;
