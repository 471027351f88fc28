/// Where bytes lie: write-once objects under names, in a directory or in whatever else implements
/// [dev.dray.blob.BlobStore].
@NullMarked
package dev.dray.blob;

import org.jspecify.annotations.NullMarked;
