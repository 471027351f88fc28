/// System calls through the foreign function interface, one file per man page. Knows nothing of virtual
/// machines; imports nothing of ours.
@NullMarked
package dev.dray.linux;

import org.jspecify.annotations.NullMarked;
