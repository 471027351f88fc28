package dev.dray.machine.cloudhypervisor;

/// Which Cloud Hypervisor a machine is, and how its memory is made.
///
/// @param buildVersion as `vmm.ping` tells it
/// @param version the same without the build
/// @param isShared whether its memory is in files that can be handed over
/// @param zones how many zones main memory is divided into, each of them a slot of its own; 1 is `mem0`
/// @param seed decides what is random in the real one: in which order slots are handed over
/// @param repeatEvery which pages it asks for a second time while they come on demand: each such, 0 for none
public record Model(String buildVersion, String version, boolean isShared, int zones, long seed, int repeatEvery) {
    /// More zones than any test needs.
    static final int ZONES_MAX = 64;

    public Model {
        if (zones < 1 || zones > ZONES_MAX || repeatEvery < 0) {
            throw new IllegalArgumentException(zones + " zones, repeats " + repeatEvery);
        }
    }

    /// Cloud Hypervisor after v53, with shared memory in one zone.
    public static Model standard() {
        return new Model("v53.0-246-gae44c2971-dray", "54.0.0", true, 1, 1, 0);
    }

    public Model asV53() {
        return new Model("v53.0-dray", "53.0.0", isShared, zones, seed, repeatEvery);
    }

    public Model withPrivateMemory() {
        return new Model(buildVersion, version, false, zones, seed, repeatEvery);
    }

    public Model withZones(int count) {
        return new Model(buildVersion, version, isShared, count, seed, repeatEvery);
    }

    public Model withSeed(long other) {
        return new Model(buildVersion, version, isShared, zones, other, repeatEvery);
    }

    public Model repeating(int every) {
        return new Model(buildVersion, version, isShared, zones, seed, every);
    }

    /// v53 does not know `preserve_source`, and sends all memory also where it is shared and sparse.
    boolean isV53() {
        return version.startsWith("53.");
    }
}
