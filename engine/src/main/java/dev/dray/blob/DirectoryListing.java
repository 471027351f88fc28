package dev.dray.blob;

import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.nio.file.SecureDirectoryStream;
import java.nio.file.attribute.BasicFileAttributeView;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.function.Consumer;

/// Lists the objects of one kind, and nothing else that may lie in the directory: leftovers, symbolic links, files
/// of others. Directories are entered by their parent's descriptor, never through a symbolic link.
final class DirectoryListing {
    private DirectoryListing() {}

    static void list(Path root, String kind, Consumer<BlobStore.Entry> each) throws IOException {
        try (DirectoryStream<Path> top = Files.newDirectoryStream(root);
                SecureDirectoryStream<Path> directory =
                        secure(top).newDirectoryStream(Path.of(kind), LinkOption.NOFOLLOW_LINKS)) {
            if (kind.equals(DirectoryTree.FANNED_OUT)) {
                for (Path fanOut : directory) {
                    listFanOut(kind, directory, fanOut, each);
                }
            } else {
                listFiles(kind, "", directory, each);
            }
        } catch (NoSuchFileException e) {
            return; // nothing of this kind was ever stored
        } catch (DirectoryIteratorException e) {
            throw e.getCause();
        }
    }

    private static void listFanOut(
            String kind, SecureDirectoryStream<Path> parent, Path fanOut, Consumer<BlobStore.Entry> each)
            throws IOException {
        String digits = fanOut.getFileName().toString();
        if (digits.length() != 2 || !BlobName.isValid(kind + "/" + digits) || !isDirectory(parent, fanOut)) {
            return;
        }
        try (SecureDirectoryStream<Path> files =
                parent.newDirectoryStream(fanOut.getFileName(), LinkOption.NOFOLLOW_LINKS)) {
            listFiles(kind, digits, files, each);
        } catch (NoSuchFileException | NotDirectoryException e) {
            return; // gone since
        }
    }

    private static boolean isDirectory(SecureDirectoryStream<Path> parent, Path name) throws IOException {
        try {
            return attributes(parent, name).isDirectory();
        } catch (NoSuchFileException e) {
            return false;
        }
    }

    private static void listFiles(
            String kind, String prefix, SecureDirectoryStream<Path> directory, Consumer<BlobStore.Entry> each)
            throws IOException {
        for (Path path : directory) {
            String file = path.getFileName().toString();
            String name = kind + "/" + file;
            if (!file.startsWith(prefix) || !BlobName.isValid(name)) {
                continue;
            }
            try {
                BasicFileAttributes attributes = attributes(directory, path);
                if (attributes.isRegularFile()) {
                    each.accept(new BlobStore.Entry(name, attributes.size()));
                }
            } catch (NoSuchFileException e) {
                // Deleted meanwhile.
            }
        }
    }

    private static BasicFileAttributes attributes(SecureDirectoryStream<Path> directory, Path name) throws IOException {
        return directory
                .getFileAttributeView(name.getFileName(), BasicFileAttributeView.class, LinkOption.NOFOLLOW_LINKS)
                .readAttributes();
    }

    /// All of Linux are.
    private static SecureDirectoryStream<Path> secure(DirectoryStream<Path> stream) {
        return (SecureDirectoryStream<Path>) stream;
    }
}
