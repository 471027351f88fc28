/// Keys and authenticated encryption; the only user of a cryptographic library.
@NullMarked
package dev.dray.seal;

import org.jspecify.annotations.NullMarked;
