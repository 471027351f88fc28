/// Moves the state of running virtual machines, from outside the hypervisor.
@SuppressWarnings("module") // the modules that qualified exports name are built later
module dev.dray.engine {
    requires static transitive org.jspecify;
    requires com.github.luben.zstd_jni;
    requires jdk.jfr;
    requires org.apache.httpcomponents.core5.httpcore5;
    requires org.bouncycastle.provider;
    requires transitive tools.jackson.databind;

    exports dev.dray;
    exports dev.dray.error;
    exports dev.dray.blob;
    exports dev.dray.linux to
            dev.dray.machine;
    exports dev.dray.memory to
            dev.dray.machine;
    exports dev.dray.page to
            dev.dray.machine;
    exports dev.dray.state to
            dev.dray.machine;
    exports dev.dray.vmm.cloudhypervisor.wire to
            dev.dray.machine;
    exports dev.dray.vmm.qemu.wire to
            dev.dray.machine;
}
