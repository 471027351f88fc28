package dev.dray.vmm.qemu;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;

/// Printed arrows of a state machine, compared with the list that is kept beside the tests.
/// `-Ddray.arrows=write` renews it.
final class Arrows {
    private Arrows() {}

    static void check(String name, Stream<String> arrows) {
        String text = String.join("\n", arrows.toList()) + "\n";
        Path file = Path.of("src/test/resources/arrows", name);
        try {
            if ("write".equals(System.getProperty("dray.arrows"))) {
                Files.createDirectories(file.getParent());
                Files.writeString(file, text);
            }
            assertThat(text).isEqualTo(Files.readString(file));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
