package dev.dray.tidy;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;

/// The files that belong to the repository: all of the checkout but what is built or a tool's own.
public final class Checkout {
    /// Modules whose classes are there when these tests run; `bench` is built after them.
    static final List<String> MODULES = List.of("testbed", "engine", "machine", "cli");

    private static final Set<String> NOT_OURS = Set.of(".git", ".work", "target", ".idea", ".vscode");

    private Checkout() {}

    /// Where `./dray` and all documents are.
    public static Path root() {
        for (Path up = Path.of("").toAbsolutePath(); up != null; up = up.getParent()) {
            if (Files.exists(up.resolve("ARCHITECTURE.md"))) {
                return up;
            }
        }
        throw new AssertionError("Not run inside the checkout: " + Path.of("").toAbsolutePath());
    }

    /// Every file whose name ends in one of `endings`, in a stable order.
    static List<Path> files(String... endings) {
        List<Path> found = new ArrayList<>();
        try {
            Files.walkFileTree(root(), new SimpleFileVisitor<>() {
                @Override
                public FileVisitResult preVisitDirectory(Path directory, BasicFileAttributes attributes) {
                    return NOT_OURS.contains(directory.getFileName().toString())
                            ? FileVisitResult.SKIP_SUBTREE
                            : FileVisitResult.CONTINUE;
                }

                @Override
                public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
                    String name = file.getFileName().toString();
                    if (attributes.isRegularFile() && Stream.of(endings).anyMatch(name::endsWith)) {
                        found.add(file);
                    }
                    return FileVisitResult.CONTINUE;
                }
            });
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return found.stream().sorted().toList();
    }

    /// The text of a file; bytes that are not UTF-8 are replaced, so that a binary file can be searched too.
    static String text(Path file) {
        try {
            return new String(Files.readAllBytes(file), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// How a file is named in a failure.
    static String name(Path file) {
        return root().relativize(file).toString();
    }
}
