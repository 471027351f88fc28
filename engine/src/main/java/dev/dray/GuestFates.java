package dev.dray;

import dev.dray.vmm.Whereabouts;

/// The dialects' word for where a guest is, as the public one.
final class GuestFates {
    private GuestFates() {}

    static GuestFate of(Whereabouts guest) {
        return switch (guest) {
            case RUNNING -> GuestFate.RUNNING;
            case PAUSED -> GuestFate.PAUSED;
            case GONE -> GuestFate.GONE;
            case NEEDS_DRAY -> GuestFate.NEEDS_DRAY;
            case UNKNOWN -> GuestFate.UNKNOWN;
        };
    }
}
