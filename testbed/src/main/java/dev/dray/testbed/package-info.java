/// The testbed module.
@NullMarked
package dev.dray.testbed;

import org.jspecify.annotations.NullMarked;
