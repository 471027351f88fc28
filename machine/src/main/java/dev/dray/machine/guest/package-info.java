/// Guests that check their own memory: what a page of theirs holds, a bare-metal one for a real VMM, and the
/// reader of what it reports.
@NullMarked
package dev.dray.machine.guest;

import org.jspecify.annotations.NullMarked;
