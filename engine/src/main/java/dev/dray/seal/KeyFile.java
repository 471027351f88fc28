package dev.dray.seal;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import dev.dray.error.KeyException;
import dev.dray.error.MachineException;
import dev.dray.error.UsageException;
import dev.dray.linux.Errno;
import dev.dray.linux.Fd;
import dev.dray.linux.FileIo;
import dev.dray.linux.OpenFile;
import dev.dray.linux.SysException;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.zip.CRC32C;

/// A key as one line of text, in a file or from a command: `DRAY-KEY-1`, a space, the 32 bytes in 64 hexadecimal
/// digits, a space, and their CRC32C in 8, so that a mistyped key is not taken for a wrong one.
public final class KeyFile {
    /// The line's first word.
    public static final String FORMAT = "DRAY-KEY-1";

    private static final String START = FORMAT + " ";
    private static final int START_CHARS_MIN = "DRAY-KEY".length(); // which no object of a repository begins with
    private static final int HEX_KEY_CHARS = 2 * SecretKey.KEY_BYTES;
    private static final int HEX_CRC_CHARS = 8;
    private static final int LINE_CHARS = START.length() + HEX_KEY_CHARS + 1 + HEX_CRC_CHARS;
    /// One line and some blank space; whoever names a disk image by mistake should be told at once.
    private static final int TEXT_BYTES_MAX = 4096;

    private static final int MODE_OWNER_ONLY = 0600;
    private static final HexFormat HEX = HexFormat.of();

    private KeyFile() {}

    /// Makes the file, readable by its owner only, with a new random key. When it returns, the file is durable.
    ///
    /// @throws UsageException if it exists: a key is never overwritten
    public static Credential.Key create(Path file) throws UsageException, MachineException {
        byte[] key = Randomness.bytes(SecretKey.KEY_BYTES);
        byte[] line = (START + HEX.formatHex(key) + " " + HEX.toHexDigits(checksum(key)) + "\n")
                .getBytes(StandardCharsets.US_ASCII);
        int flags = OpenFile.O_WRONLY | OpenFile.O_CREAT | OpenFile.O_EXCL | OpenFile.O_NOFOLLOW;
        try (Fd fd = OpenFile.open(file, flags, MODE_OWNER_ONLY)) {
            write(file, fd, line);
            return new Credential.Key(key);
        } catch (SysException e) {
            if (e.errno() == Errno.EEXIST) {
                throw new UsageException(
                        "The key file " + file + " exists already", "Name a file that does not exist, or remove it", e);
            }
            throw new MachineException(
                    "Could not make the key file " + file + ": " + e.getMessage(),
                    "Name a file in a directory that can be written",
                    e);
        } finally {
            Arrays.fill(line, (byte) 0);
        }
    }

    private static void write(Path file, Fd fd, byte[] line) throws SysException {
        Path parent = file.toAbsolutePath().getParent();
        try (Arena arena = Arena.ofConfined();
                Fd directory = OpenFile.open(parent == null ? file : parent, OpenFile.O_RDONLY, 0)) {
            MemorySegment text = arena.allocateFrom(JAVA_BYTE, line);
            FileIo.pwriteAll(fd, text.address(), text.byteSize(), 0);
            FileIo.fsync(fd);
            FileIo.fsync(directory);
            text.fill((byte) 0);
        } catch (SysException e) {
            try {
                Files.deleteIfExists(file);
            } catch (IOException cleanup) {
                e.addSuppressed(cleanup);
            }
            throw e;
        }
    }

    /// The key in the file.
    ///
    /// @throws KeyException if there is no such file, or no key in it
    /// @throws MachineException if it cannot be read
    public static Credential.Key read(Path file) throws KeyException, MachineException {
        if (Files.isDirectory(file)) {
            throw notAKey(file.toString(), "it is a directory");
        }
        try (InputStream in = Files.newInputStream(file)) {
            byte[] text = in.readNBytes(TEXT_BYTES_MAX + 1);
            if (text.length > TEXT_BYTES_MAX) {
                throw notAKey(file.toString(), "it is longer than " + TEXT_BYTES_MAX + " bytes");
            }
            return parse(new String(text, StandardCharsets.ISO_8859_1), file.toString());
        } catch (NoSuchFileException e) {
            throw new KeyException("There is no key file " + file, "Name the file that `dray init` made", e);
        } catch (IOException e) {
            throw new MachineException(
                    "Could not read the key file " + file + ": " + e.getMessage(),
                    "Run Dray as a user who may read it",
                    e);
        }
    }

    /// Whether a file that begins with these bytes is meant as a key file.
    public static boolean recognizes(byte[] first) {
        String text = new String(first, StandardCharsets.ISO_8859_1);
        return text.length() >= START_CHARS_MIN && (FORMAT.startsWith(text) || text.startsWith(FORMAT));
    }

    /// The key in a text, around which blank space does not matter.
    ///
    /// @param where what to call the text's origin in messages
    public static Credential.Key parse(String text, String where) throws KeyException {
        String line = text.strip();
        if (!line.startsWith(START)) {
            throw notAKey(where, "it does not start with " + START.strip());
        }
        int crcOffset = START.length() + HEX_KEY_CHARS + 1;
        if (line.length() != LINE_CHARS || line.charAt(crcOffset - 1) != ' ') {
            throw notAKey(where, "it has " + line.length() + " characters, not " + LINE_CHARS + " in three words");
        }
        try {
            byte[] key = HEX.parseHex(line, START.length(), START.length() + HEX_KEY_CHARS);
            if (HexFormat.fromHexDigits(line, crcOffset, LINE_CHARS) != checksum(key)) {
                throw new KeyException(
                        "The key in " + where + " is mistyped or damaged: its checksum does not fit",
                        "Compare it with a copy");
            }
            return new Credential.Key(key);
        } catch (IllegalArgumentException e) {
            throw notAKey(where, "it has characters that are not hexadecimal digits"); // without e, which cites them
        }
    }

    private static KeyException notAKey(String where, String why) {
        return new KeyException("No key in " + where + ": " + why, "Name the file that `dray init` made, or a copy");
    }

    private static int checksum(byte[] key) {
        CRC32C crc = new CRC32C();
        crc.update(key);
        return (int) crc.getValue();
    }
}
