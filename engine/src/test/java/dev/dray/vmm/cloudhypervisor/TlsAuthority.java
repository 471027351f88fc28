package dev.dray.vmm.cloudhypervisor;

import java.io.IOException;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.interfaces.ECPrivateKey;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;

/// An authority, made with keytool, and a directory with what it certified: laid out as Cloud Hypervisor's `tls_dir`,
/// for both sides.
record TlsAuthority(Path directory) {
    private static final String PASSWORD = "only-for-a-test";

    /// @param hosts of the server, as keytool writes them: `dns:localhost`
    static TlsAuthority make(Path parent, String name, String hosts) throws Exception {
        return make(parent, name, "server", hosts);
    }

    /// @param subject of the server's certificate
    static TlsAuthority make(Path parent, String name, String subject, String hosts) throws Exception {
        Path directory = Files.createDirectory(parent.resolve(name));
        Path store = directory.resolve("store");
        keytool(store, "ca", "ca", "EC", "-ext", "bc:critical=ca:true", "-ext", "ku:critical=keyCertSign");
        keytool(store, "server", subject, "RSA", "-signer", "ca", "-ext", "SAN=" + hosts, "-ext", "eku=serverAuth");
        keytool(store, "client", "client", "EC", "-signer", "ca", "-ext", "eku=clientAuth");
        KeyStore keys = keys(store);
        pem(
                directory.resolve("ca-cert.pem"),
                "CERTIFICATE",
                keys.getCertificate("ca").getEncoded());
        for (String side : List.of("server", "client")) {
            Certificate certificate = keys.getCertificate(side);
            pem(directory.resolve(side + "-cert.pem"), "CERTIFICATE", certificate.getEncoded());
            byte[] key = keys.getKey(side, PASSWORD.toCharArray()).getEncoded();
            pem(directory.resolve(side + "-key.pem"), "PRIVATE KEY", key);
        }
        return new TlsAuthority(directory);
    }

    /// Certified by this authority, and believing another.
    Path trusting(TlsAuthority other) throws IOException {
        Path mixed = copy("mixed");
        Files.write(mixed.resolve("ca-cert.pem"), Files.readAllBytes(other.directory.resolve("ca-cert.pem")));
        return mixed;
    }

    /// The same keys as PKCS#1 and SEC 1 have them.
    Path withOlderForms() throws Exception {
        Path older = copy("older");
        KeyStore keys = keys(directory.resolve("store"));
        byte[] rsa = keys.getKey("server", PASSWORD.toCharArray()).getEncoded();
        int pkcs8Bytes = 26; // version and algorithm of a key of 2048 bits or more
        pem(older.resolve("server-key.pem"), "RSA PRIVATE KEY", Arrays.copyOfRange(rsa, pkcs8Bytes, rsa.length));
        BigInteger secret = ((ECPrivateKey) keys.getKey("client", PASSWORD.toCharArray())).getS();
        String hex = "30310201010420" + "%064x".formatted(secret) + "a00a06082a8648ce3d030107";
        pem(older.resolve("client-key.pem"), "EC PRIVATE KEY", HexFormat.of().parseHex(hex));
        return older;
    }

    private Path copy(String name) throws IOException {
        Path to = Files.createDirectory(directory.resolve(name));
        try (var files = Files.newDirectoryStream(directory, "*.pem")) {
            for (Path file : files) {
                Files.copy(file, to.resolve(file.getFileName()));
            }
        }
        return to;
    }

    private static KeyStore keys(Path store) throws Exception {
        return KeyStore.getInstance(store.toFile(), PASSWORD.toCharArray());
    }

    private static void pem(Path file, String what, byte[] der) throws IOException {
        String text = Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(der);
        Files.writeString(file, "-----BEGIN " + what + "-----\n" + text + "\n-----END " + what + "-----\n");
    }

    private static void keytool(Path store, String alias, String subject, String algorithm, String... more)
            throws Exception {
        var command = new ArrayList<String>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "keytool").toString(), "-genkeypair"));
        command.addAll(List.of("-alias", alias, "-keyalg", algorithm, "-dname", "CN=" + subject, "-validity", "2"));
        command.addAll(algorithm.equals("EC") ? List.of("-groupname", "secp256r1") : List.of("-keysize", "2048"));
        command.addAll(List.of("-keystore", store.toString(), "-storetype", "PKCS12", "-storepass", PASSWORD));
        command.addAll(List.of(more));
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        if (process.waitFor() != 0) {
            throw new IOException(said);
        }
    }
}
