import java.io.IOException;
import java.io.InputStream;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassFile.ClassHierarchyResolverOption;
import java.lang.classfile.ClassFile.StackMapsOption;
import java.lang.classfile.ClassFileVersion;
import java.lang.classfile.ClassHierarchyResolver;
import java.lang.classfile.ClassModel;
import java.lang.classfile.ClassTransform;
import java.lang.classfile.CodeTransform;
import java.lang.classfile.MethodTransform;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import java.util.jar.JarOutputStream;

/// Gives the class files of a jar the form of Java 8, where theirs is older: `java tools/Reframe.java JAR`. The
/// JVM keeps classes of the old form, without stack map frames, out of its AOT cache. picocli is compiled for Java 5, and
/// loading it from its jar was a quarter of a short command's time. What the classes do stays as it is.
class Reframe {
    public static void main(String[] args) throws IOException {
        Path jar = Path.of(args[0]);
        Path reframed = Path.of(args[0] + ".reframed");
        try (var in = new JarFile(jar.toFile());
                var classes = new URLClassLoader(new URL[] {jar.toUri().toURL()});
                var out = new JarOutputStream(Files.newOutputStream(reframed))) {
            ClassFile format = ClassFile.of(
                    StackMapsOption.GENERATE_STACK_MAPS,
                    ClassHierarchyResolverOption.of(ClassHierarchyResolver.ofResourceParsing(classes)
                            .orElse(ClassHierarchyResolver.defaultResolver())));
            for (JarEntry entry : in.stream().toList()) {
                var copy = new JarEntry(entry.getName());
                copy.setTime(entry.getTime());
                out.putNextEntry(copy);
                try (InputStream content = in.getInputStream(entry)) {
                    byte[] bytes = content.readAllBytes();
                    out.write(entry.getName().endsWith(".class") ? reframe(format, bytes) : bytes);
                }
            }
        }
        Files.move(reframed, jar, StandardCopyOption.REPLACE_EXISTING);
    }

    private static byte[] reframe(ClassFile format, byte[] bytes) {
        ClassModel model = format.parse(bytes);
        if (model.majorVersion() >= ClassFile.JAVA_8_VERSION) {
            return bytes;
        }
        // Code that is only copied keeps its form; passing through each instruction makes the frames.
        ClassTransform methods = ClassTransform.transformingMethods(MethodTransform.transformingCode(CodeTransform.ACCEPT_ALL));
        return format.transformClass(model, ((ClassTransform) (to, element) -> {
            if (element instanceof ClassFileVersion) {
                to.withVersion(ClassFile.JAVA_8_VERSION, 0);
            } else {
                to.with(element);
            }
        }).andThen(methods));
    }
}
