package dev.dray.blob;

/// The grammar of object names, the same for every store: `kind/rest` with exactly one slash; each part starts
/// with a lower-case letter or digit and goes on with lower-case letters, digits, `-` and `.`; at most
/// [BlobStore#NAME_CHARS_MAX] characters; what follows `packs/` starts with two hexadecimal digits.
public final class BlobName {
    private BlobName() {}

    /// @throws IllegalArgumentException if this is no name: names are made by Dray, so a bad one is a defect
    public static void check(String name) {
        if (!isValid(name)) {
            throw new IllegalArgumentException("Not an object name: " + name);
        }
    }

    /// As [#check], for the part before the slash.
    public static void checkKind(String kind) {
        if (!isPart(kind, 0, kind.length())) {
            throw new IllegalArgumentException("Not a kind of object: " + kind);
        }
    }

    /// Whether [#check] accepts it.
    public static boolean isValid(String name) {
        int slash = name.indexOf('/');
        if (slash < 0 || name.length() > BlobStore.NAME_CHARS_MAX) {
            return false;
        }
        boolean parts = isPart(name, 0, slash) && isPart(name, slash + 1, name.length());
        return parts && (!name.startsWith("packs/") || isHex(name, slash + 1));
    }

    private static boolean isHex(String name, int from) {
        return name.length() >= from + 2 && hexDigit(name.charAt(from)) && hexDigit(name.charAt(from + 1));
    }

    private static boolean hexDigit(char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
    }

    private static boolean isPart(String text, int from, int to) {
        for (int i = from; i < to; i++) {
            char c = text.charAt(i);
            boolean letterOrDigit = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
            boolean inner = i > from && (c == '-' || c == '.');
            if (!letterOrDigit && !inner) {
                return false;
            }
        }
        return to > from;
    }
}
