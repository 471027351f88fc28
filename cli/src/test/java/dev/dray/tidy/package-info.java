/// What must be true of the repository as a whole. The tests lie here since this module sees all the others.
@NullMarked
package dev.dray.tidy;

import org.jspecify.annotations.NullMarked;
