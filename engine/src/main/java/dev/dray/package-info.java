/// The operations a user can ask for, and their outcomes.
@NullMarked
package dev.dray;

import org.jspecify.annotations.NullMarked;
