package dev.dray.snapshot;

import dev.dray.memory.GuestMemoryMap;
import java.time.Instant;
import java.util.Collections;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// The root of a snapshot: what was captured, when and how, and where its page tables and machine state lie.
///
/// @param name the guest's name in the repository
/// @param number its place in the guest's history: 1, 2, 3, …; two captures at once may share one
/// @param taken when the guest's state was taken, by the capturing host's clock
/// @param mode how: `background`, `live` or `stop`
/// @param vmm the VMM and its version: `qemu 7.2.22`
/// @param labels the user's own
/// @param memory the guest's regions
/// @param counters what it holds and what it cost
/// @param dialect the dialect of the machine state
/// @param state the machine state's parts by name
/// @param tables for each region the roots of its page table, each for [Format#NODE_PAGES] pages
/// @param packs pieces of the list of all packs that hold the snapshot's pages
/// @param factsJson everything else that is known, a JSON object of the dialect's own making
public record Manifest(
        String name,
        long number,
        Instant taken,
        String mode,
        String vmm,
        SortedMap<String, String> labels,
        GuestMemoryMap memory,
        Counters counters,
        String dialect,
        SortedMap<String, StatePart> state,
        List<List<TableRef>> tables,
        List<FrameRef> packs,
        String factsJson) {
    public Manifest {
        labels = Collections.unmodifiableSortedMap(new TreeMap<>(labels));
        state = Collections.unmodifiableSortedMap(new TreeMap<>(state));
        tables = tables.stream().map(List::copyOf).toList();
        packs = List.copyOf(packs);
    }

    /// [#factsJson()] as a tree. Parsed at each call, because most commands never ask.
    public JsonNode facts() {
        return JsonMapper.shared().readTree(factsJson);
    }
}
