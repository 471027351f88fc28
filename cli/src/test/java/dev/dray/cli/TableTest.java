package dev.dray.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class TableTest {
    @Test
    void alignsColumns() {
        var bytes = new ByteArrayOutputStream();
        var table = new Table("ID", ">MEMORY", "MODE");
        table.row("3fa9c1", "1.0 GiB", "live");
        table.row("00", "87.0 MiB", "background");
        table.print(new PrintStream(bytes, true, StandardCharsets.UTF_8));
        assertThat(bytes.toString(StandardCharsets.UTF_8)).isEqualTo("""
                ID        MEMORY  MODE
                3fa9c1   1.0 GiB  live
                00      87.0 MiB  background
                """);
    }
}
