package dev.dray.vmm.cloudhypervisor;

import dev.dray.error.RefusedException;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// What a Cloud Hypervisor of one version can do, as far as its protocol cannot say: the wire has had version 0 since
/// the beginning, whatever was added.
///
/// | `vmm.ping` says | release | hands memory over and lives on | shared pages on demand | first pre-copy pass |
/// |---|---|---|---|---|
/// | 53 | v53 | no | no: wakes guests without mapping the page, which kills those with huge pages | everything |
/// | 54 | main after v53 | yes | yes | what is not empty |
///
/// Both take `memory_mode` of a restore from the request that starts it; later ones read it in the Config. Dray says
/// it in both places, and each passes over what it does not know.
///
/// @param version as outcomes show it: `53.0.0`; empty if it is not known
/// @param known whether Dray was tried with it
/// @param preservesSource whether a local migration can leave its source alive
/// @param sharedOnDemand whether pages of shared memory can be given on demand; else they go over the socket
record Versions(String version, boolean known, boolean preservesSource, boolean sharedOnDemand) {
    private static final Pattern NUMBERED = Pattern.compile("v?([0-9]{1,4})([.-].*)?");

    private static final int OLDEST = 53;
    private static final int NEWEST = 54;

    /// @param version the field `version` of `vmm.ping`; empty if nobody was asked
    static Versions of(String version) {
        Matcher matcher = NUMBERED.matcher(version);
        int major = matcher.matches() ? Integer.parseInt(matcher.group(1)) : -1;
        boolean main = major < 0 ? version.isEmpty() : major > OLDEST;
        return new Versions(version, version.isEmpty() || (major >= OLDEST && major <= NEWEST), main, main);
    }

    /// Name and version as outcomes and lists show them.
    String vmm() {
        return version.isEmpty() ? "cloud-hypervisor" : "cloud-hypervisor " + version;
    }

    /// @param ownRisk whether the user wants to go on all the same
    /// @throws RefusedException if Dray was not tried with this version
    void check(boolean ownRisk) throws RefusedException {
        Optional<String> why = known || ownRisk ? Optional.empty() : Optional.of(vmm());
        if (why.isPresent()) {
            throw new RefusedException(
                    "Dray was not tried with " + why.get() + ", only with " + OLDEST + " and " + NEWEST,
                    "use one of those, or go on with --own-risk");
        }
    }
}
