package dev.dray.vmm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.dray.error.DrayException;
import dev.dray.error.MachineException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class HookTest {
    private static final Duration LONG = Duration.ofSeconds(60);

    @TempDir
    private Path temp = Path.of("");

    @Test
    void theFirstLineIsTheId() throws DrayException {
        assertThat(Hook.run("echo ' snap-17 '; echo more", "/run/vm", LONG)).isEqualTo("snap-17");
    }

    @Test
    void aFailureIsOne() {
        assertThatThrownBy(() -> Hook.run("exit 3", "/run/vm", LONG))
                .isInstanceOf(MachineException.class)
                .hasMessageContaining("exit code 3");
    }

    /// The process whose parent has ended is no descendant of the command any more, but of its group.
    @Test
    void theWholeGroupIsKilledAtTheTimeLimit() throws IOException, InterruptedException {
        Path pid = temp.resolve("pid");
        String command = "(sh -c 'echo $$ > " + pid + "; exec sleep 600' &) ; sleep 600";
        // On a busy machine it may be killed before that process is there.
        for (int seconds = 1; !isWritten(pid); seconds *= 2) {
            Duration limit = Duration.ofSeconds(seconds);
            assertThatThrownBy(() -> Hook.run(command, "/run/vm", limit))
                    .isInstanceOf(MachineException.class)
                    .hasMessageContaining("killed");
        }
        assertEnds(pid);
    }

    @Test
    void anInterruptKillsIt() throws IOException, InterruptedException {
        Path pid = temp.resolve("pid");
        Thread runner = Thread.ofPlatform().start(() -> {
            try {
                Hook.run("echo $$ > " + pid + "; sleep 600", "/run/vm", LONG);
            } catch (DrayException e) {
                // What is asked is whether the command is gone.
            }
        });
        while (!isWritten(pid)) {
            assertThat(runner.isAlive()).isTrue();
            Thread.sleep(10);
        }
        runner.interrupt();
        runner.join();
        assertEnds(pid);
    }

    private static boolean isWritten(Path pid) throws IOException {
        return Files.exists(pid) && Files.size(pid) > 0;
    }

    private static void assertEnds(Path pid) throws IOException, InterruptedException {
        long process = Long.parseLong(Files.readString(pid).strip());
        boolean alive = true;
        for (int i = 0; i < 6000 && alive; i++) {
            alive = lives(process);
            Thread.sleep(10);
        }
        assertThat(alive).as("process %d lives", process).isFalse();
    }

    /// A zombie that nobody has waited for yet does not live.
    private static boolean lives(long process) {
        Optional<ProcessHandle> handle = ProcessHandle.of(process);
        if (handle.isEmpty()) {
            return false;
        }
        try {
            return !Files.readString(Path.of("/proc/" + process + "/stat")).contains(") Z ");
        } catch (IOException e) {
            return false; // also one that ended while its file was read
        }
    }
}
