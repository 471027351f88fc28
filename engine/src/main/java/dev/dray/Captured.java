package dev.dray;

import java.util.List;
import tools.jackson.databind.node.ObjectNode;

/// A snapshot was taken and published.
///
/// @param snapshot its id, 32 hex digits
/// @param name the guest's name in the repository
/// @param number its number in the history of that name
/// @param guest where the guest is now
/// @param vmm name and version: `qemu 7.2.22`
/// @param mode how it was taken: `background`, `live` or `stop`
/// @param modeReason why that mode, one sentence without a full stop
/// @param pauseMs how long the guest stood still
/// @param startMs from the start of the command to the first message to the VMM
/// @param elapsedMs from there to the end
/// @param memoryBytes the guest's memory
/// @param zeroBytes of it, pages of zeros, which cost nothing
/// @param readBytes bytes of page contents that the VMM sent
/// @param storedBytes what the snapshot references
/// @param addedBytes what it added to the repository
public record Captured(
        String snapshot,
        String name,
        long number,
        GuestFate guest,
        String vmm,
        String mode,
        String modeReason,
        double pauseMs,
        double startMs,
        double elapsedMs,
        long memoryBytes,
        long zeroBytes,
        long readBytes,
        long storedBytes,
        long addedBytes,
        List<Phase> phases,
        List<String> warnings)
        implements Outcome {
    public Captured {
        phases = List.copyOf(phases);
        warnings = List.copyOf(warnings);
    }

    @Override
    public String outcome() {
        return "captured";
    }

    @Override
    public ObjectNode json() {
        ObjectNode json = OutcomeJson.of(outcome())
                .put("snapshot", snapshot)
                .put("name", name)
                .put("number", number)
                .put("guest", guest.word())
                .put("vmm", vmm)
                .put("mode", mode)
                .put("pause_ms", OutcomeJson.ms(pauseMs))
                .put("start_ms", OutcomeJson.ms(startMs))
                .put("elapsed_ms", OutcomeJson.ms(elapsedMs))
                .put("memory_bytes", memoryBytes)
                .put("zero_bytes", zeroBytes)
                .put("read_bytes", readBytes)
                .put("stored_bytes", storedBytes)
                .put("added_bytes", addedBytes);
        json.set("phases", OutcomeJson.phases(phases));
        json.set("warnings", OutcomeJson.strings(warnings));
        return json.put("mode_reason", modeReason);
    }
}
