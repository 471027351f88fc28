package dev.dray.tidy;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.source.tree.BlockTree;
import com.sun.source.tree.ClassTree;
import com.sun.source.tree.CompilationUnitTree;
import com.sun.source.tree.MethodTree;
import com.sun.source.util.JavacTask;
import com.sun.source.util.TreePathScanner;
import com.sun.source.util.Trees;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.regex.Pattern;
import javax.tools.JavaCompiler;
import javax.tools.StandardJavaFileManager;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.Test;

/// Small files, short methods, names that say something.
class SourcesTest {
    private static final int FILE_LINES_MAX = 500;
    private static final int METHOD_LINES_MAX = 60;

    /// A table of constants, one a line: the list may get shorter, not longer.
    private static final Set<String> LONG_METHODS =
            Set.of("engine/src/test/java/dev/dray/linux/ConstantsTest.java constants");

    private static final Pattern EMPTY_NAME =
            Pattern.compile("Abstract.*|I[A-Z][a-z].*able|.*(Utils?|Helpers?|Managers?|Impl|Misc|Common)");

    private final List<Path> sources = Checkout.files(".java");

    @Test
    void filesAreSmall() {
        Map<String, Long> large = new TreeMap<>();
        for (Path source : sources) {
            long lines = Checkout.text(source).lines().count();
            if (lines > FILE_LINES_MAX) {
                large.put(Checkout.name(source), lines);
            }
        }
        assertThat(large).as("files of more than " + FILE_LINES_MAX + " lines").isEmpty();
    }

    @Test
    void methodsAreShort() throws IOException {
        Map<String, Long> found = new TreeMap<>();
        eachTree((unit, trees) -> new TreePathScanner<Void, Void>() {
            @Override
            public Void visitMethod(MethodTree method, Void unused) {
                BlockTree body = method.getBody(); // an annotation may hold a long table
                if (body != null) {
                    long lines = line(unit, trees.getSourcePositions().getEndPosition(unit, body))
                            - line(unit, trees.getSourcePositions().getStartPosition(unit, body))
                            + 1;
                    if (lines > METHOD_LINES_MAX) {
                        found.put(name(unit) + " " + method.getName(), lines);
                    }
                }
                return super.visitMethod(method, null);
            }
        }.scan(unit, null));
        assertThat(found.keySet()).as("long methods").containsAll(LONG_METHODS);
        found.keySet().removeAll(LONG_METHODS);
        assertThat(found)
                .as("methods of more than " + METHOD_LINES_MAX + " lines")
                .isEmpty();
    }

    @Test
    void typesHaveNamesThatSaySomething() throws IOException {
        List<String> found = new ArrayList<>();
        eachTree((unit, _) -> new TreePathScanner<Void, Void>() {
            @Override
            public Void visitClass(ClassTree type, Void unused) {
                if (EMPTY_NAME.matcher(type.getSimpleName()).matches()) {
                    found.add(name(unit) + ": " + type.getSimpleName());
                }
                return super.visitClass(type, null);
            }
        }.scan(unit, null));
        assertThat(found).isEmpty();
    }

    private static long line(CompilationUnitTree unit, long position) {
        return unit.getLineMap().getLineNumber(position);
    }

    private static String name(CompilationUnitTree unit) {
        return Checkout.name(Path.of(unit.getSourceFile().toUri()));
    }

    private interface Look {
        void at(CompilationUnitTree unit, Trees trees);
    }

    private void eachTree(Look look) throws IOException {
        JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
        try (StandardJavaFileManager files = compiler.getStandardFileManager(null, null, null)) {
            JavacTask task = (JavacTask)
                    compiler.getTask(null, files, _ -> {}, List.of(), null, files.getJavaFileObjectsFromPaths(sources));
            Trees trees = Trees.instance(task);
            Consumer<CompilationUnitTree> each = unit -> look.at(unit, trees);
            task.parse().forEach(each);
        }
    }
}
