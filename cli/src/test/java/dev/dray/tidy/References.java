package dev.dray.tidy;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassModel;
import java.lang.classfile.constantpool.ClassEntry;
import java.lang.classfile.constantpool.MemberRefEntry;
import java.lang.classfile.constantpool.PoolEntry;
import java.lang.classfile.constantpool.Utf8Entry;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/// What one compiled class names: classes and members, as they stand in its constant pool.
///
/// @param type the class itself, `dev.dray.page.PageBatch`
/// @param types classes, with dots
/// @param members members that it uses, `java.lang.foreign.Linker.nativeLinker`
record References(String type, Set<String> types, Set<String> members) {
    /// Classes inside descriptors and signatures.
    private static final Pattern IN_DESCRIPTOR = Pattern.compile("L([a-z][\\w/]*/[A-Z][\\w$]*)[;<]");

    private static final Set<String> RESTRICTED = Set.of(
            "java.lang.foreign.Linker.downcallHandle",
            "java.lang.foreign.Linker.upcallStub",
            "java.lang.foreign.SymbolLookup.libraryLookup",
            "java.lang.foreign.MemorySegment.reinterpret",
            "java.lang.foreign.AddressLayout.withTargetLayout",
            "java.lang.System.load",
            "java.lang.System.loadLibrary");

    static List<References> ofModule(String module) {
        Path classes = Checkout.root().resolve(module).resolve("target/classes");
        try (Stream<Path> files = Files.walk(classes)) {
            List<References> all = new ArrayList<>();
            for (Path file : files.filter(f -> f.toString().endsWith(".class"))
                    .filter(f -> !f.endsWith("module-info.class"))
                    .sorted()
                    .toList()) {
                all.add(of(ClassFile.of().parse(file)));
            }
            return all;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static References of(ClassModel model) {
        Set<String> types = new TreeSet<>();
        Set<String> members = new TreeSet<>();
        for (PoolEntry entry : model.constantPool()) {
            switch (entry) {
                case ClassEntry c -> types.add(dotted(c.asInternalName()));
                case MemberRefEntry m ->
                    members.add(
                            dotted(m.owner().asInternalName()) + "." + m.name().stringValue());
                case Utf8Entry text -> {
                    Matcher descriptor = IN_DESCRIPTOR.matcher(text.stringValue());
                    while (descriptor.find()) {
                        types.add(dotted(descriptor.group(1)));
                    }
                }
                default -> {}
            }
        }
        return new References(dotted(model.thisClass().asInternalName()), types, members);
    }

    private static String dotted(String internalName) {
        return internalName.replace('/', '.');
    }

    String room() {
        return room(type);
    }

    /// The rooms that it names.
    Set<String> rooms() {
        Set<String> rooms = new TreeSet<>();
        types.stream().filter(t -> t.startsWith("dev.dray.")).forEach(t -> rooms.add(room(t)));
        return rooms;
    }

    private static String room(String type) {
        return type.substring(0, type.lastIndexOf('.'));
    }

    /// What it uses of the world, in the words of the table's last column.
    Set<String> outside() {
        Set<String> words = new TreeSet<>();
        types.forEach(type -> {
            if (type.startsWith("javax.crypto.") || type.startsWith("org.bouncycastle.")) {
                words.add("cryptography");
            } else if (type.startsWith("com.github.luben.zstd.")) {
                words.add("zstd");
            } else if (type.startsWith("tools.jackson.") || type.startsWith("com.fasterxml.jackson.")) {
                words.add("JSON");
            } else if (type.startsWith("org.apache.hc.")) {
                words.add("HTTP");
            } else if (type.startsWith("picocli.")) {
                words.add("picocli");
            }
        });
        if (members.stream().anyMatch(RESTRICTED::contains)) {
            words.add("native calls");
        }
        return words;
    }
}
