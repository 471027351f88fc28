package dev.dray.vmm.qemu.wire;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dray.error.PeerException;
import dev.dray.testbed.RealQemu;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Machines with as many kinds of devices as the recordings do not have are read from real QEMUs: their
/// description accounts for every byte of their state.
@Tag("vmm")
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class ReaderOnRealQemuTest {
    private static final List<String> DEVICES = List.of(
            "VGA",
            "virtio-net-pci,netdev=net0",
            "e1000,netdev=net1",
            "e1000e,netdev=net2",
            "rtl8139,netdev=net3",
            "virtio-blk-pci,drive=disk0",
            "virtio-scsi-pci,id=scsi0",
            "scsi-hd,bus=scsi0.0,drive=disk1",
            "ide-hd,drive=disk2",
            "virtio-rng-pci",
            "virtio-balloon-pci",
            "virtio-serial-pci",
            "virtserialport,chardev=char0,name=port0",
            "virtio-gpu-pci",
            "virtio-keyboard-pci",
            "virtio-tablet-pci",
            "qemu-xhci,id=xhci",
            "usb-tablet,bus=xhci.0",
            "usb-storage,bus=xhci.0,drive=disk3",
            "ich9-usb-ehci1,id=ehci",
            "pcie-root-port,id=port1,chassis=1",
            "pvpanic",
            "vmcoreinfo",
            "intel-hda",
            "hda-duplex,audiodev=audio0",
            "AC97,audiodev=audio0",
            "i6300esb",
            "sdhci-pci",
            "lsi53c895a",
            "megasas",
            "vmxnet3,netdev=net4",
            "pvscsi");

    static Stream<RealQemu.Version> versions() {
        return RealQemu.Version.present().stream();
    }

    @ParameterizedTest
    @MethodSource("versions")
    void aMachineFullOfDevicesIsReadToItsLastByte(RealQemu.Version version) throws Exception {
        try (var qemu = RealQemu.start(version, machine(version))) {
            CapturedStream stream = capture(qemu);
            assertThat(stream.sections().stream().map(DeviceSection::name))
                    .anyMatch(name -> name.endsWith("/virtio-gpu"))
                    .anyMatch(name -> name.endsWith("/xhci"))
                    .hasSizeGreaterThan(60);
            assertThat(DeviceTail.scan(stream.deviceSections())).isEqualTo(stream.sections());
            // Closing without an answer gives the guest back.
            for (int i = 0; !qemu.status().equals("running"); i++) {
                assertThat(i).as(qemu.status()).isLessThan(6000);
                Thread.sleep(10);
            }
        }
    }

    private static List<String> machine(RealQemu.Version version) {
        var line = new ArrayList<>(List.of("-machine", "pc-q35-" + version.number(), "-m", "64M", "-smp", "2"));
        for (int i = 0; i < 5; i++) {
            line.addAll(List.of("-blockdev", "driver=null-co,node-name=disk" + i + ",size=1048576,read-zeroes=on"));
            line.addAll(List.of("-netdev", "hubport,id=net" + i + ",hubid=" + i));
        }
        line.addAll(List.of("-chardev", "null,id=char0", "-audiodev", "none,id=audio0"));
        for (String device : DEVICES) {
            line.addAll(List.of("-device", device));
        }
        return line;
    }

    private static CapturedStream capture(RealQemu qemu) throws Exception {
        Path socket = qemu.directory().resolve("stream");
        try (var server = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            server.bind(UnixDomainSocketAddress.of(socket));
            qemu.qmp()
                    .execute(
                            "migrate-set-capabilities",
                            "{\"capabilities\": [{\"capability\": \"return-path\", \"state\": true}]}");
            qemu.qmp().execute("migrate-set-parameters", "{\"max-bandwidth\": 0, \"downtime-limit\": 2000000}");
            qemu.qmp().execute("migrate", "{\"uri\": \"unix:" + socket + "\"}");
            try (SocketChannel channel = server.accept()) {
                var memory = new RecordedMemory(256);
                var reader = new StreamReader(source(channel), StreamForm.WAITING, StreamLimits.DEFAULT, memory);
                CapturedStream stream = reader.read();
                System.out.println(stream.configuration().machineType() + ": "
                        + stream.sections().size() + " sections, " + stream.deviceSections().length + " bytes, "
                        + stream.description().length + " bytes of description");
                assertThat(memory.batchesOut()).isZero();
                return stream;
            }
        }
    }

    private static ByteSource source(SocketChannel channel) {
        return into -> {
            try {
                return channel.read(into.asByteBuffer());
            } catch (IOException e) {
                throw new PeerException("QEMU broke the connection: " + e.getMessage(), "", e);
            }
        };
    }
}
