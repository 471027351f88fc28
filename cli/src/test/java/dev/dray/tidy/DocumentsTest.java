package dev.dray.tidy;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/// What is written in the repository holds for whoever reads it, anywhere.
class DocumentsTest {
    /// Pieces are joined here so that this file does not contain what it forbids. Places of one workplace, the hosts of
    /// package mirrors (which are whatever the machine is set up for), and marks of unfinished work.
    private static final List<String> FORBIDDEN = List.of(
            ".." + "/shared",
            "/work" + "/",
            "helper" + " session",
            "contracts" + ".md",
            "issues" + " show",
            "repo.maven" + ".apache.org",
            "repo1.maven" + ".org",
            "deb.debian" + ".org",
            "snapshot.debian" + ".org",
            "FIX" + "ME",
            "X" + "XX");

    private static final Pattern LINK = Pattern.compile("\\]\\(([^)#: ]+)(#[^)]*)?\\)");

    @Test
    void namesNoPlaceThatOnlyItsWritersKnow() {
        List<String> found = new ArrayList<>();
        for (Path file : Checkout.files("")) {
            String text = Checkout.text(file);
            FORBIDDEN.stream()
                    .filter(text::contains)
                    .forEach(word -> found.add(Checkout.name(file) + " contains " + word));
        }
        assertThat(found).isEmpty();
    }

    @Test
    void linksBetweenDocumentsLeadSomewhere() {
        List<String> dead = new ArrayList<>();
        for (Path document : Checkout.files(".md")) {
            Matcher link = LINK.matcher(Checkout.text(document));
            while (link.find()) {
                if (!Files.exists(document.resolveSibling(link.group(1)))) {
                    dead.add(Checkout.name(document) + ": " + link.group(1));
                }
            }
        }
        assertThat(dead).isEmpty();
    }

    @Test
    void promisesNameTestsThatExist() {
        String promises = Checkout.text(Checkout.root().resolve("docs/promises.md"));
        List<String> tests = Pattern.compile("`(\\w+Test)`")
                .matcher(promises)
                .results()
                .map(r -> r.group(1) + ".java")
                .toList();
        List<String> sources = Checkout.files("Test.java").stream()
                .map(f -> f.getFileName().toString())
                .toList();
        assertThat(tests).isNotEmpty().isSubsetOf(sources);
    }

    @Test
    void everyDocumentIsInTheIndex() {
        Path documents = Checkout.root().resolve("docs");
        String index = Checkout.text(documents.resolve("README.md"));
        List<String> missing = Checkout.files(".md").stream()
                .filter(file -> file.startsWith(documents) && !file.endsWith("README.md"))
                .map(file -> documents.relativize(file).toString())
                .filter(name -> !name.startsWith("decisions/") && !index.contains("(" + name + ")"))
                .toList();
        assertThat(missing).as("documents that docs/README.md does not name").isEmpty();
    }
}
