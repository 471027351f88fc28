package dev.dray.seal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.dray.error.KeyException;
import dev.dray.error.MachineException;
import dev.dray.error.UsageException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class KeyFileTest {
    /// The key 00 01 02 … 1f, whose CRC32C is in RFC 3720, appendix B.4 (there as bytes: 4e 79 dd 46).
    private static final String LINE =
            "DRAY-KEY-1 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f 46dd794e";

    @TempDir
    Path directory = Path.of("/unset");

    @Test
    void makesAFileThatItReads() throws Exception {
        Path file = directory.resolve("key");
        Credential.Key made = KeyFile.create(file);
        assertThat(KeyFile.read(file).key32()).isEqualTo(made.key32());
        assertThat(file).content().matches("DRAY-KEY-1 [0-9a-f]{64} [0-9a-f]{8}\n");
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
                .isEqualTo("rw-------");
        assertThat(KeyFile.create(directory.resolve("other")).key32()).isNotEqualTo(made.key32());
    }

    @Test
    void neverOverwritesAndFollowsNoLink() throws Exception {
        Path file = Files.writeString(directory.resolve("key"), "mine");
        Path link = Files.createSymbolicLink(directory.resolve("link"), directory.resolve("target"));
        for (Path taken : new Path[] {file, link}) {
            assertThatThrownBy(() -> KeyFile.create(taken))
                    .isInstanceOf(UsageException.class)
                    .hasMessage("The key file " + taken + " exists already");
        }
        assertThat(file).hasContent("mine");
        assertThat(directory.resolve("target")).doesNotExist();
    }

    @Test
    void saysThatItCannotMakeOrReadTheFile() throws Exception {
        Path nowhere = directory.resolve("nowhere/key");
        assertThatThrownBy(() -> KeyFile.create(nowhere))
                .isInstanceOf(MachineException.class)
                .hasMessageStartingWith("Could not make the key file " + nowhere + ": ");
        assertThatThrownBy(() -> KeyFile.read(nowhere))
                .isInstanceOf(KeyException.class)
                .hasMessage("There is no key file " + nowhere);
        assertThatThrownBy(() -> KeyFile.read(directory))
                .isInstanceOf(KeyException.class)
                .hasMessage("No key in " + directory + ": it is a directory");
        Path long_ = Files.write(directory.resolve("long"), new byte[5000]);
        assertThatThrownBy(() -> KeyFile.read(long_))
                .isInstanceOf(KeyException.class)
                .hasMessage("No key in " + long_ + ": it is longer than 4096 bytes");
    }

    @Test
    void readsTheDocumentedLine() throws Exception {
        for (String text : new String[] {LINE, LINE + "\n", "  " + LINE + "\r\n\n", upperHex()}) {
            byte[] key = KeyFile.parse(text, "a test").key32();
            for (int i = 0; i < 32; i++) {
                assertThat(key[i]).isEqualTo((byte) i);
            }
        }
    }

    private static String upperHex() {
        return LINE.replace("46dd794e", "46DD794E").replace("1f ", "1F ");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "DRAY-KEY-1",
                "DRAY-KEY-1 ",
                "DRAY-KEY-2 00",
                "-----BEGIN PRIVATE KEY-----",
                "DRAY-KEY-1 0001 0203"
            })
    void refusesOtherTexts(String text) {
        assertThatThrownBy(() -> KeyFile.parse(text, "the command's output"))
                .isInstanceOf(KeyException.class)
                .hasMessageStartingWith("No key in the command's output: it ");
    }

    @Test
    void findsATypingErrorAndNeverShowsTheKey() {
        for (int i = "DRAY-KEY-1 ".length(); i < LINE.length(); i++) {
            char wrong = LINE.charAt(i) == '7' ? '8' : '7';
            String text = LINE.substring(0, i) + wrong + LINE.substring(i + 1);
            assertThatThrownBy(() -> KeyFile.parse(text, "x"))
                    .isInstanceOf(KeyException.class)
                    .hasMessageNotContaining("0405")
                    .hasNoCause();
            String notHex = LINE.substring(0, i) + 'x' + LINE.substring(i + 1);
            assertThatThrownBy(() -> KeyFile.parse(notHex, "x"))
                    .isInstanceOf(KeyException.class)
                    .hasNoCause();
        }
    }
}
