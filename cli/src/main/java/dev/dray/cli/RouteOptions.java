package dev.dray.cli;

import dev.dray.Route;
import java.nio.file.Path;

/// The way of a migration, for `receive` and `send`.
final class RouteOptions {
    private RouteOptions() {}

    static Spec addTo(Spec spec) {
        return spec.option(
                        "--tls-dir",
                        "D",
                        "TCP: certificates and key, named as Cloud Hypervisor names them in its own tls_dir.")
                .flag("--plaintext", "TCP without TLS: whoever is on the way reads the guest's memory.");
    }

    /// @param option that names the address
    static Route read(String option, Invocation invocation) {
        return new Route(
                invocation.option(option, ""),
                invocation.option("--tls-dir").map(Path::of),
                invocation.has("--plaintext"));
    }
}
