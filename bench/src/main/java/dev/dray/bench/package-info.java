/// The bench module.
@NullMarked
package dev.dray.bench;

import org.jspecify.annotations.NullMarked;
