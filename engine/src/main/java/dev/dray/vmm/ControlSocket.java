package dev.dray.vmm;

import dev.dray.error.RefusedException;
import java.nio.file.Path;

/// Why a VMM's control socket cannot be used, told alike for every VMM.
///
/// @param kind what users call it: `QMP socket`
/// @param vmm whose it is
/// @param option of the VMM's command line that makes it, the path included
public record ControlSocket(String kind, Path path, String vmm, String option) {
    public RefusedException missing() {
        return new RefusedException("There is no socket " + path, "start " + vmm + " with " + option);
    }

    public RefusedException forbidden(Exception reason) {
        return new RefusedException(
                "This user may not use the " + kind + " " + path, "run Dray as the VMM's user, or as root", reason);
    }

    /// @param why in the system's words
    public RefusedException silent(String why, Exception reason) {
        return new RefusedException(
                "Nobody answers at the " + kind + " " + path + " (" + why + ")",
                "see whether its " + vmm + " still runs; a socket file stays behind when " + vmm + " is killed",
                reason);
    }
}
