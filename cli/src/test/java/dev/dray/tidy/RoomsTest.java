package dev.dray.tidy;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/// Holds the table of rooms and arrows in `ARCHITECTURE.md` against the classes.
class RoomsTest {
    private final List<Room> rooms = Room.readAll();
    private final List<References> classes = Checkout.MODULES.stream()
            .flatMap(m -> References.ofModule(m).stream())
            .toList();

    @Test
    void everyPackageIsARoomOfTheTable() {
        Set<String> packages = Checkout.files(".java").stream()
                .map(Checkout::name)
                .filter(f -> f.contains("/src/main/java/dev/"))
                .map(f -> f.substring(f.indexOf("dev/"), f.lastIndexOf('/')).replace('/', '.'))
                .collect(Collectors.toSet());
        assertThat(rooms.stream().map(Room::name)).containsExactlyInAnyOrderElementsOf(packages);
    }

    @Test
    void arrowsPointOnlyDownTheTable() {
        Set<String> above = new HashSet<>();
        for (Room room : rooms) {
            above.add(room.name());
            assertThat(room.mayUse()).as("what " + room.name() + " may use").doesNotContainAnyElementsOf(above);
        }
    }

    @Test
    void everyReferenceBetweenRoomsIsAnArrowOfTheTable() {
        Map<String, Room> table = rooms.stream().collect(Collectors.toMap(Room::name, Function.identity()));
        List<String> wrong = new ArrayList<>();
        for (References from : classes) {
            Room room = table.get(from.room());
            if (room == null) {
                continue; // everyPackageIsARoomOfTheTable says so
            }
            from.rooms().stream()
                    .filter(to -> !to.equals(room.name()) && !room.mayUse().contains(to))
                    .forEach(to -> wrong.add(from.type() + " uses " + to + ", which " + room.name() + " may not"));
            from.outside().stream()
                    .filter(word -> !room.outside().contains(word))
                    .forEach(word -> wrong.add(from.type() + " uses " + word + ", which " + room.name() + " may not"));
        }
        assertThat(wrong).isEmpty();
    }

    /// A critical call keeps its thread out of safepoints; blocked on a page, it stops the whole process for good.
    @Test
    void noNativeCallIsCritical() {
        assertThat(classes)
                .allSatisfy(c -> assertThat(c.members())
                        .as(c.type())
                        .doesNotContain("java.lang.foreign.Linker$Option.critical"));
    }

    @Test
    void aDialectKnowsNoOtherDialect() {
        Set<String> dialects = rooms.stream()
                .map(Room::name)
                .filter(name -> name.startsWith("dev.dray.vmm."))
                .map(name -> name.split("\\.", -1)[3])
                .collect(Collectors.toSet());
        for (Room room :
                rooms.stream().filter(r -> r.name().startsWith("dev.dray.vmm.")).toList()) {
            String own = room.name().split("\\.", -1)[3];
            for (String other : dialects.stream().filter(d -> !d.equals(own)).toList()) {
                assertThat(room.mayUse())
                        .as("what " + room.name() + " may use")
                        .noneMatch(used -> used.startsWith("dev.dray.vmm." + other));
            }
        }
    }

    @Test
    void everyPackageSaysWhatItIs() {
        Set<Path> directories = Checkout.files(".java").stream()
                .filter(f -> Checkout.name(f).contains("/src/main/java/dev/"))
                .map(Path::getParent)
                .collect(Collectors.toSet());
        assertThat(directories)
                .allSatisfy(d -> assertThat(d.resolve("package-info.java")).isRegularFile());
    }
}
