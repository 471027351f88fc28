/// The snapshot format and the repository: packs, page tables, manifests, sessions, verification.
@NullMarked
package dev.dray.snapshot;

import org.jspecify.annotations.NullMarked;
