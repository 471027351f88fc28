package dev.dray.snapshot;

import dev.dray.memory.PageKind;

/// What a parent in a page table knows of a child: that all its pages are of one kind and hold nothing, or
/// where it lies.
public sealed interface TableRef permits TableRef.Uniform, FrameRef {
    /// All pages below are of this kind, never [PageKind#CONTENT].
    record Uniform(PageKind kind) implements TableRef {
        public Uniform {
            if (kind == PageKind.CONTENT) {
                throw new IllegalArgumentException("uniform content");
            }
        }
    }
}
