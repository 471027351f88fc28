package dev.dray.vmm.cloudhypervisor;

import dev.dray.error.RefusedException;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Arrays;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;
import org.jspecify.annotations.Nullable;

/// Certificates and key in a directory laid out as Cloud Hypervisor's `tls_dir`: `ca-cert.pem`, and for who connects
/// `client-cert.pem` and `client-key.pem`, for who listens `server-cert.pem` and `server-key.pem`. Each side trusts
/// who has a certificate from that authority, and nobody else.
final class TlsFiles {
    private static final int FILE_BYTES_MAX = 1 << 20;

    private static final Pattern KEY =
            Pattern.compile("-----BEGIN ((?:RSA |EC )?PRIVATE KEY)-----([A-Za-z0-9+/=\\s]+)-----END \\1-----");

    /// Object identifiers of the algorithms that older forms of a key leave out, as PKCS#8 has them.
    private static final byte[] RSA = HexFormat.of().parseHex("300d06092a864886f70d0101010500");

    private static final byte[] EC = HexFormat.of().parseHex("06072a8648ce3d0201");

    private static final List<byte[]> CURVES = List.of(
            HexFormat.of().parseHex("06082a8648ce3d030107"),
            HexFormat.of().parseHex("06052b81040022"),
            HexFormat.of().parseHex("06052b81040023"));

    private TlsFiles() {}

    /// @param side `client` for who connects, `server` for who listens
    static SSLContext read(Path directory, String side) throws RefusedException {
        try {
            var authorities = KeyStore.getInstance(KeyStore.getDefaultType());
            authorities.load(null, null);
            Certificate[] trusted = certificates(directory.resolve("ca-cert.pem"));
            for (int i = 0; i < trusted.length; i++) {
                authorities.setCertificateEntry("ca-" + i, trusted[i]);
            }
            var trust = TrustManagerFactory.getInstance("PKIX");
            trust.init(authorities);
            var own = KeyStore.getInstance(KeyStore.getDefaultType());
            own.load(null, null);
            char[] noPassword = new char[0]; // the store is never written
            PrivateKey key = key(directory.resolve(side + "-key.pem"));
            own.setKeyEntry(side, key, noPassword, certificates(directory.resolve(side + "-cert.pem")));
            var keys = KeyManagerFactory.getInstance("PKIX");
            keys.init(own, noPassword);
            SSLContext context = SSLContext.getInstance("TLSv1.3");
            context.init(keys.getKeyManagers(), trust.getTrustManagers(), null);
            return context;
        } catch (GeneralSecurityException | IOException | IllegalArgumentException e) {
            throw unusable(directory, String.valueOf(e.getMessage()), e);
        }
    }

    private static RefusedException unusable(Path directory, String why, @Nullable Throwable cause) {
        return new RefusedException(
                "The TLS files in " + directory + " cannot be used: " + why,
                "put ca-cert.pem, and for receive server-cert.pem and server-key.pem, for send client-cert.pem and"
                        + " client-key.pem there, as for Cloud Hypervisor's tls_dir",
                cause == null ? new IllegalArgumentException(why) : cause);
    }

    private static byte[] bytes(Path file) throws IOException {
        if (!Files.isRegularFile(file)) {
            throw new IOException("there is no " + file.getFileName());
        }
        if (Files.size(file) > FILE_BYTES_MAX) {
            throw new IOException(file.getFileName() + " has more than " + FILE_BYTES_MAX + " bytes");
        }
        return Files.readAllBytes(file);
    }

    private static Certificate[] certificates(Path file) throws IOException, GeneralSecurityException {
        var all = CertificateFactory.getInstance("X.509").generateCertificates(new ByteArrayInputStream(bytes(file)));
        if (all.isEmpty()) {
            throw new IOException(file.getFileName() + " has no certificate");
        }
        return all.toArray(Certificate[]::new);
    }

    private static PrivateKey key(Path file) throws IOException, GeneralSecurityException {
        byte[] text = bytes(file);
        Matcher matcher = KEY.matcher(new String(text, StandardCharsets.ISO_8859_1));
        if (!matcher.find()) {
            throw new IOException(file.getFileName() + " has no private key, or one with a password");
        }
        byte[] der = Base64.getMimeDecoder().decode(matcher.group(2));
        byte[] pkcs8 = switch (matcher.group(1)) {
            case "RSA PRIVATE KEY" -> pkcs8(RSA, der);
            case "EC PRIVATE KEY" -> pkcs8(sequence(join(EC, curve(der))), der);
            default -> der;
        };
        try {
            for (String algorithm : List.of("EC", "RSA", "EdDSA")) {
                try {
                    return KeyFactory.getInstance(algorithm).generatePrivate(new PKCS8EncodedKeySpec(pkcs8));
                } catch (GeneralSecurityException e) {
                    // Another algorithm's key.
                }
            }
        } finally {
            Arrays.fill(pkcs8, (byte) 0);
            Arrays.fill(text, (byte) 0);
        }
        throw new IOException(file.getFileName() + " has a key of an unknown kind");
    }

    private static byte[] curve(byte[] sec1) throws IOException {
        String hex = HexFormat.of().formatHex(sec1);
        for (byte[] curve : CURVES) {
            if (hex.contains(HexFormat.of().formatHex(curve))) {
                return curve;
            }
        }
        throw new IOException("the key is on none of the curves P-256, P-384 and P-521");
    }

    /// The older forms hold the key alone: PKCS#8 is a version, the algorithm, and that.
    private static byte[] pkcs8(byte[] algorithm, byte[] key) {
        return sequence(join(join(new byte[] {2, 1, 0}, algorithm), tagged(4, key)));
    }

    private static byte[] sequence(byte[] content) {
        return tagged(0x30, content);
    }

    private static byte[] tagged(int tag, byte[] content) {
        var out = new ByteArrayOutputStream(content.length + 4);
        out.write(tag);
        if (content.length < 0x80) {
            out.write(content.length);
        } else if (content.length < 0x100) {
            out.write(0x81);
            out.write(content.length);
        } else {
            out.write(0x82);
            out.write(content.length >> 8);
            out.write(content.length);
        }
        out.writeBytes(content);
        return out.toByteArray();
    }

    private static byte[] join(byte[] a, byte[] b) {
        byte[] both = Arrays.copyOf(a, a.length + b.length);
        System.arraycopy(b, 0, both, a.length, b.length);
        return both;
    }
}
