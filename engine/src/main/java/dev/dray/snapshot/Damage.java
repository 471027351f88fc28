package dev.dray.snapshot;

import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;

/// What is wrong with packs: whole packs, or single frames of them. For many threads.
final class Damage {
    /// More frames of one pack are one finding for the pack.
    private static final int FRAMES_OF_PACK_MAX = 1024;

    private final Map<String, String> packs = new HashMap<>();
    private final Map<String, SortedMap<Integer, String>> frames = new HashMap<>();

    synchronized void pack(String hex, String message) {
        packs.putIfAbsent(hex, message);
    }

    synchronized void frame(String hex, int offset, String message) {
        SortedMap<Integer, String> ofPack = frames.computeIfAbsent(hex, _ -> new TreeMap<>());
        if (ofPack.size() < FRAMES_OF_PACK_MAX) {
            ofPack.putIfAbsent(offset, message);
        } else {
            packs.putIfAbsent(
                    hex,
                    "Object " + ObjectName.pack(hex) + " is damaged in more than " + FRAMES_OF_PACK_MAX + " frames");
        }
    }

    synchronized boolean isEmpty() {
        return packs.isEmpty() && frames.isEmpty();
    }

    /// What is wrong with a frame, if anything is.
    synchronized Optional<String> of(String hex, int offset) {
        String whole = packs.get(hex);
        if (whole != null) {
            return Optional.of(whole);
        }
        SortedMap<Integer, String> ofPack = frames.get(hex);
        return ofPack == null ? Optional.empty() : Optional.ofNullable(ofPack.get(offset));
    }

    synchronized boolean touches(String hex) {
        return packs.containsKey(hex) || frames.containsKey(hex);
    }

    /// All of it: object name and message, packs first.
    synchronized SortedMap<String, String> all() {
        SortedMap<String, String> all = new TreeMap<>();
        frames.forEach((hex, ofPack) ->
                ofPack.values().stream().findFirst().ifPresent(message -> all.put(ObjectName.pack(hex), message)));
        packs.forEach((hex, message) -> all.put(ObjectName.pack(hex), message));
        return all;
    }
}
