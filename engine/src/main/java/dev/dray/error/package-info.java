/// How an operation fails: one checked type for each party at fault, with one sentence for people and what
/// they can do. Imports nothing of ours.
@NullMarked
package dev.dray.error;

import org.jspecify.annotations.NullMarked;
