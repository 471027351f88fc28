package dev.dray.snapshot;

/// How much of a repository to verify.
public sealed interface VerifyScope {
    /// Manifests, page tables, and each pack's presence, length and directory.
    record Structure() implements VerifyScope {}

    /// The same, and every frame of every referenced pack: authenticated, decompressed, and compared with the
    /// identity that its page had when it was captured.
    record Data() implements VerifyScope {}

    /// The same for the `part`th of `parts` groups of packs; all parts together are [Data].
    record Part(int part, int parts) implements VerifyScope {
        public Part {
            if (part < 1 || parts < 1 || part > parts) {
                throw new IllegalArgumentException(part + "/" + parts);
            }
        }
    }

    /// The same for about this share of the packs, chosen at random, at least one.
    record Share(double percent) implements VerifyScope {
        public Share {
            if (!(percent > 0 && percent <= 100)) {
                throw new IllegalArgumentException(percent + "%");
            }
        }
    }
}
