/// Words and arithmetic of guest memory: regions, ranges, page numbers. No I/O; imports nothing of ours.
@NullMarked
package dev.dray.memory;

import org.jspecify.annotations.NullMarked;
