/// Moves the state of running virtual machines, from outside the hypervisor.
module dev.dray.engine {
    requires static transitive org.jspecify;
    requires com.github.luben.zstd_jni;
    requires org.bouncycastle.provider;
    requires transitive tools.jackson.databind;

    exports dev.dray;
    exports dev.dray.error;
    exports dev.dray.blob;
}
