package dev.dray.vmm.qemu;

import dev.dray.vmm.ProcessIdentity;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// The QEMU process behind a control socket, found through /proc without touching it: who listens on
/// the socket's inode. Where that cannot be seen (another user's process, another PID namespace) it is
/// simply not known.
record QemuProcess(Path controlSocket, Optional<Long> pid) {
    static QemuProcess listeningOn(Path controlSocket) {
        return new QemuProcess(controlSocket, listener(controlSocket.toAbsolutePath()));
    }

    /// Its command line as the shell would need it; empty if it is not known.
    List<String> commandLine() {
        if (pid.isEmpty()) {
            return List.of();
        }
        try {
            String text = Files.readString(Path.of("/proc", pid.get().toString(), "cmdline"), StandardCharsets.UTF_8);
            return text.isEmpty() ? List.of() : List.of(text.split("\0"));
        } catch (IOException | RuntimeException e) {
            return List.of();
        }
    }

    /// What tells this process from a later one at the same socket: process id and start time; empty if
    /// not known.
    String identity() {
        return pid.flatMap(ProcessIdentity::of).orElse("");
    }

    /// Whether it may start programs that see the same files as Dray.
    Confinement confinement() {
        if (pid.isEmpty()) {
            return Confinement.UNKNOWN;
        }
        Path process = Path.of("/proc", pid.get().toString());
        try {
            String program = String.valueOf(
                    Files.readSymbolicLink(process.resolve("exe")).getFileName());
            if (!program.contains("qemu") && !program.contains("kvm")) {
                return Confinement.UNKNOWN; // whoever handed QEMU its socket, and has it open too
            }
            String status = Files.readString(process.resolve("status"), StandardCharsets.ISO_8859_1);
            boolean free = status.lines().anyMatch(line -> line.matches("Seccomp:\\s+0"));
            if (!free) {
                return Confinement.SANDBOX;
            }
            boolean sameFiles = Files.readSymbolicLink(process.resolve("ns/mnt"))
                            .equals(Files.readSymbolicLink(Path.of("/proc/self/ns/mnt")))
                    && Files.readSymbolicLink(process.resolve("root"))
                            .equals(Files.readSymbolicLink(Path.of("/proc/self/root")));
            return sameFiles ? Confinement.NONE : Confinement.OTHER_FILES;
        } catch (IOException e) {
            return Confinement.UNKNOWN;
        }
    }

    /// Whether the process has ended, or ends within `patience`; false if it is not known.
    boolean isGone(Duration patience) {
        if (pid.isEmpty()) {
            return false;
        }
        long deadline = System.nanoTime() + patience.toNanos();
        while (!identity().isEmpty()) {
            if (System.nanoTime() - deadline > 0) {
                return false;
            }
            try {
                Thread.sleep(20);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return identity().isEmpty();
            }
        }
        return true;
    }

    /// Sockets that listen at a path that may be this one, by their links in `/proc/PID/fd`, with the path as it was
    /// bound: QEMU is often given a relative one.
    private static Map<String, Path> candidates(Path socket) {
        Map<String, Path> candidates = new HashMap<>();
        try {
            for (String line : Files.readAllLines(Path.of("/proc/net/unix"), StandardCharsets.ISO_8859_1)) {
                // Num RefCount Protocol Flags Type St Inode Path; the flag 0x10000 marks a listening socket.
                String[] fields = line.strip().split("\\s+", 8);
                if (fields.length == 8 && fields[3].equals("00010000") && !fields[7].startsWith("@")) {
                    Path bound = Path.of(fields[7]);
                    if (socket.getFileName().equals(bound.getFileName())) {
                        candidates.put("socket:[" + fields[6] + "]", bound);
                    }
                }
            }
        } catch (IOException | InvalidPathException e) {
            // Then it is not known.
        }
        return candidates;
    }

    private static Optional<Long> listener(Path socket) {
        Map<String, Path> candidates = candidates(socket);
        if (candidates.isEmpty()) {
            return Optional.empty();
        }
        for (long process : processes()) {
            try (DirectoryStream<Path> fds = Files.newDirectoryStream(Path.of("/proc/" + process + "/fd"))) {
                for (Path fd : fds) {
                    Path bound = candidates.get(linkOf(fd));
                    if (bound != null && isBoundAt(bound, process, socket)) {
                        return Optional.of(process);
                    }
                }
            } catch (IOException e) {
                // Another user's process, or one that has just ended.
            }
        }
        return Optional.empty();
    }

    /// Whether what a process bound is this socket. A relative path was meant in the directory where the process was
    /// started: one that became a daemon is in another now, but its environment still names that.
    private static boolean isBoundAt(Path bound, long process, Path socket) throws IOException {
        if (bound.isAbsolute()) {
            return isSame(bound, socket);
        }
        Path proc = Path.of("/proc", Long.toString(process));
        if (isSame(proc.resolve("cwd").resolve(bound), socket)) {
            return true;
        }
        String environment = Files.readString(proc.resolve("environ"), StandardCharsets.ISO_8859_1);
        return Arrays.stream(environment.split("\0", -1))
                .filter(variable -> variable.startsWith("PWD=/"))
                .anyMatch(variable -> isSame(Path.of(variable.substring(4)).resolve(bound), socket));
    }

    private static boolean isSame(Path one, Path other) {
        try {
            return Files.isSameFile(one, other);
        } catch (IOException e) {
            return one.equals(other);
        }
    }

    private static String linkOf(Path fd) {
        try {
            return Files.readSymbolicLink(fd).toString();
        } catch (IOException e) {
            return "";
        }
    }

    private static List<Long> processes() {
        var pids = new ArrayList<Long>();
        try (DirectoryStream<Path> all = Files.newDirectoryStream(Path.of("/proc"), "[0-9]*")) {
            all.forEach(path -> pids.add(Long.parseLong(path.getFileName().toString())));
        } catch (IOException e) {
            return List.of();
        }
        return pids;
    }
}
