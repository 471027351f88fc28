package dev.dray;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Locale;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/// How values of outcomes are written as JSON.
final class OutcomeJson {
    private OutcomeJson() {}

    static ObjectNode object() {
        return JsonNodeFactory.instance.objectNode();
    }

    static ObjectNode of(String outcome) {
        return object().put("outcome", outcome);
    }

    /// Milliseconds with one decimal. A decimal number, so that long times are not written as `1.0E7`.
    static BigDecimal ms(double ms) {
        return BigDecimal.valueOf(ms).setScale(1, RoundingMode.HALF_UP);
    }

    /// UTC to the second, as `2026-11-21T09:00:00Z`.
    static String time(Instant time) {
        return time.truncatedTo(ChronoUnit.SECONDS).toString();
    }

    /// As a sentence begins, unless it begins with a command to type.
    static String sentence(String text) {
        boolean isCommand = text.startsWith("dray ") || text.startsWith("sysctl ");
        return text.isEmpty() || isCommand ? text : text.substring(0, 1).toUpperCase(Locale.ROOT) + text.substring(1);
    }

    static ArrayNode strings(List<String> values) {
        var array = JsonNodeFactory.instance.arrayNode();
        values.forEach(array::add);
        return array;
    }

    static ArrayNode phases(List<Phase> phases) {
        var array = JsonNodeFactory.instance.arrayNode();
        phases.forEach(p -> array.addObject().put("name", p.name()).put("ms", ms(p.ms())));
        return array;
    }
}
