/// A machine's opaque configuration and state, tagged by dialect, and the facts about the host it ran on.
@NullMarked
package dev.dray.state;

import org.jspecify.annotations.NullMarked;
