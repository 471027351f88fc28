package dev.dray;

import dev.dray.error.RefusedException;
import dev.dray.error.UsageException;
import dev.dray.vmm.cloudhypervisor.Endpoint;
import java.nio.file.Path;
import java.util.Optional;

/// How a migration goes between a VMM and Dray where no control socket is known.
///
/// @param address `unix:PATH` or `tcp:HOST:PORT`
/// @param tlsDirectory certificates and key for TLS, laid out as Cloud Hypervisor's `tls_dir`; over TCP only
/// @param plaintext whether TCP without TLS is meant so
public record Route(String address, Optional<Path> tlsDirectory, boolean plaintext) {
    /// A unix socket.
    public static Route of(String address) {
        return new Route(address, Optional.empty(), false);
    }

    Endpoint endpoint() throws UsageException, RefusedException {
        return switch (Endpoint.parse(address)) {
            case Endpoint.Unix unix -> {
                if (tlsDirectory.isPresent() || plaintext) {
                    throw new UsageException(
                            "TLS is for TCP, and " + address + " is a socket of this host",
                            "Leave --tls-dir and --plaintext out");
                }
                yield unix;
            }
            case Endpoint.Tcp tcp -> {
                if (tlsDirectory.isPresent() && plaintext) {
                    throw new UsageException("--tls-dir and --plaintext contradict each other", "Give one of them");
                }
                if (tlsDirectory.isEmpty() && !plaintext) {
                    throw new RefusedException(
                            "A guest's memory would go in plain text over " + address,
                            "give --tls-dir with the certificates, or say --plaintext if the network is trusted");
                }
                yield tlsDirectory.isPresent() ? new Endpoint.Tls(tcp, tlsDirectory.get()) : tcp;
            }
            case Endpoint.Tls tls -> tls;
        };
    }
}
