/// Batches of guest pages on their way from a source to a destination.
@NullMarked
package dev.dray.page;

import org.jspecify.annotations.NullMarked;
