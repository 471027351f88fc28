package dev.dray.tidy;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.StringWriter;
import java.net.URI;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import javax.tools.JavaCompiler;
import javax.tools.SimpleJavaFileObject;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// The Java in the documents compiles.
class DocumentExamplesTest {
    private static final Pattern TYPE =
            Pattern.compile("^(?:public )?(?:final )?(?:class|record) (\\w+)", Pattern.MULTILINE);

    static Stream<DocumentBlock> examples() {
        return Checkout.files(".md").stream().flatMap(d -> DocumentBlock.ofKind(d, "java").stream());
    }

    @ParameterizedTest
    @MethodSource("examples")
    void compiles(DocumentBlock example, @TempDir Path classes) {
        Matcher type = TYPE.matcher(example.text());
        assertThat(type.find()).as("a class in %s", example).isTrue();
        var source =
                new SimpleJavaFileObject(
                        URI.create("string:///" + type.group(1) + ".java"), SimpleJavaFileObject.Kind.SOURCE) {
                    @Override
                    public CharSequence getCharContent(boolean ignoreEncodingErrors) {
                        return example.text();
                    }
                };
        JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
        var said = new StringWriter();
        boolean compiled = compiler.getTask(
                        said,
                        null,
                        null,
                        List.of("-Xlint:all,-processing", "-Werror", "-proc:none", "-d", classes.toString()),
                        null,
                        List.of(source))
                .call();
        assertThat(compiled)
                .as("%s line %d: %s", example.document(), example.line(), said)
                .isTrue();
    }
}
