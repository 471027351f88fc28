/// Journeys and faults on real QEMU. A Dray that is killed or signalled is a process of its own, as a user starts it,
/// and a
/// guest that checks its own memory says whether all went well.
@NullMarked
package dev.dray.journey;

import org.jspecify.annotations.NullMarked;
