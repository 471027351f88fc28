/// Snapshots in the forms of others, read into Dray's own.
@NullMarked
package dev.dray.format;

import org.jspecify.annotations.NullMarked;
