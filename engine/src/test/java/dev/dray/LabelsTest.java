package dev.dray;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;

class LabelsTest {
    @Test
    void takesOrdinaryLabels() {
        assertThatCode(() -> Labels.check(Map.of("app", "web shop", "a.b/c-d_e", "")))
                .doesNotThrowAnyException();
    }

    @Test
    void refusesOddNamesLongValuesAndTooMany() {
        assertThatThrownBy(() -> Labels.check(Map.of("a b", "x"))).hasMessage("'a b' cannot be a label's name");
        assertThatThrownBy(() -> Labels.check(Map.of("a", "x\ny")))
                .hasMessage("The value of label 'a' is not one line of text of at most 1024 characters");
        var many = new HashMap<String, String>();
        for (int i = 0; i < 65; i++) {
            many.put("k" + i, "v");
        }
        assertThatThrownBy(() -> Labels.check(many)).hasMessage("65 labels are more than a snapshot can have");
    }
}
