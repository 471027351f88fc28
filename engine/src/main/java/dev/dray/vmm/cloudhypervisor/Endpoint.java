package dev.dray.vmm.cloudhypervisor;

import dev.dray.error.UsageException;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;

/// Where a migration goes through, as users and Cloud Hypervisor write it: `unix:/run/m.sock`, `tcp:host:9000`,
/// `tcp:[::1]:9000`; TLS is said apart from the address.
public sealed interface Endpoint {
    private static UsageException wrong(String text) {
        return new UsageException("'" + text + "' is no address of a migration", "write unix:PATH or tcp:HOST:PORT");
    }

    static Endpoint parse(String text) throws UsageException {
        if (text.startsWith("unix:") && text.length() > 5) {
            try {
                return new Unix(Path.of(text.substring(5)));
            } catch (InvalidPathException e) {
                throw wrong(text);
            }
        }
        int colon = text.lastIndexOf(':');
        if (text.startsWith("tcp:") && colon > 4) {
            String host = text.substring(4, colon);
            boolean bracketed = host.length() > 2 && host.startsWith("[") && host.endsWith("]");
            if (!bracketed && (host.indexOf(':') >= 0 || host.indexOf('[') >= 0)) {
                throw wrong(text);
            }
            try {
                int port = Integer.parseInt(text.substring(colon + 1));
                if (port >= 0 && port < 1 << 16) {
                    return new Tcp(bracketed ? host.substring(1, host.length() - 1) : host, port);
                }
            } catch (NumberFormatException e) {
                // said below
            }
        }
        throw wrong(text);
    }

    /// As Cloud Hypervisor takes it for `destination_url` and `receiver_url`.
    String url();

    record Unix(Path path) implements Endpoint {
        @Override
        public String url() {
            return "unix:" + path.toAbsolutePath();
        }

        @Override
        public String toString() {
            return url();
        }
    }

    /// @param host a name or an address, IPv6 without brackets
    /// @param port 0 listens on any free one
    record Tcp(String host, int port) implements Endpoint {
        @Override
        public String url() {
            return "tcp:" + (host.indexOf(':') < 0 ? host : "[" + host + "]") + ":" + port;
        }

        @Override
        public String toString() {
            return url();
        }
    }

    /// TCP under TLS.
    ///
    /// @param directory certificates and key, laid out as Cloud Hypervisor's `tls_dir`
    record Tls(Tcp at, Path directory) implements Endpoint {
        @Override
        public String url() {
            return at.url();
        }

        @Override
        public String toString() {
            return url();
        }
    }
}
