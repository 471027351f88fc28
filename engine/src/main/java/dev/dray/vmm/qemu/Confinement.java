package dev.dray.vmm.qemu;

/// What keeps a QEMU from starting a program for Dray.
enum Confinement {
    NONE("nothing"),
    /// A seccomp filter: `-sandbox on,spawn=deny`, as libvirt gives it, kills a QEMU that starts a program.
    SANDBOX("it runs in a seccomp sandbox"),
    /// Another mount namespace or root directory, a container's for example.
    OTHER_FILES("it runs in a container or chroot, and sees other files than Dray"),
    /// Another user's process, or one of another host.
    UNKNOWN("its process cannot be looked at");

    private final String because;

    Confinement(String because) {
        this.because = because;
    }

    /// The reason, as the end of a sentence.
    String because() {
        return because;
    }
}
