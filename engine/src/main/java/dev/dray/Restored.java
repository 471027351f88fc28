package dev.dray;

import java.util.List;
import java.util.Optional;
import tools.jackson.databind.node.ObjectNode;

/// A guest was brought back.
///
/// @param snapshot the id of the snapshot it came from
/// @param guest running, or paused if that was asked
/// @param vmm name and version of the VMM that runs it now
/// @param mode `eager` or `lazy`
/// @param startMs from the start of the command to the first message to the VMM
/// @param elapsedMs from there to the end
/// @param resumeMs from the first message to the guest running (with `--paused`: ready to run)
/// @param residentMs from the first message to all memory in place
/// @param memoryBytes the guest's memory
/// @param zeroBytes of it, pages of zeros
/// @param readBytes bytes of page contents that were sent to the VMM
/// @param storedBytes what the snapshot references
/// @param served how it was served after it ran, if it was restored lazily
public record Restored(
        String snapshot,
        String name,
        long number,
        GuestFate guest,
        String vmm,
        String mode,
        double startMs,
        double elapsedMs,
        double resumeMs,
        double residentMs,
        long memoryBytes,
        long zeroBytes,
        long readBytes,
        long storedBytes,
        List<Phase> phases,
        List<String> warnings,
        Optional<Served> served)
        implements Outcome {
    public Restored {
        phases = List.copyOf(phases);
        warnings = List.copyOf(warnings);
    }

    @Override
    public String outcome() {
        return "restored";
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
                .put("start_ms", OutcomeJson.ms(startMs))
                .put("elapsed_ms", OutcomeJson.ms(elapsedMs))
                .put("resume_ms", OutcomeJson.ms(resumeMs))
                .put("resident_ms", OutcomeJson.ms(residentMs))
                .put("memory_bytes", memoryBytes)
                .put("zero_bytes", zeroBytes)
                .put("read_bytes", readBytes)
                .put("stored_bytes", storedBytes);
        served.ifPresent(lazy -> lazy.addTo(json));
        json.set("phases", OutcomeJson.phases(phases));
        json.set("warnings", OutcomeJson.strings(warnings));
        return json;
    }
}
