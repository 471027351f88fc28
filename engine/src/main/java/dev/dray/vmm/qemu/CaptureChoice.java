package dev.dray.vmm.qemu;

import dev.dray.error.RefusedException;
import dev.dray.vmm.AfterCapture;
import dev.dray.vmm.CaptureMode;
import dev.dray.vmm.CaptureOrder;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;

/// Whether and how a guest can be captured, as a function of what was asked and what was found.
///
/// @param reason why this mode, one sentence without a full stop
record CaptureChoice(CapturePlan plan, String reason) {
    private static final Set<String> RUNNING = Set.of("running");
    private static final Set<String> STANDING = Set.of("paused", "prelaunch");
    /// Where a guest stands that was captured and is not to go on; in QEMU before 8.2 also one that stood still before.
    static final String AFTER_MIGRATION = "postmigrate";

    private static final Set<String> NO_MIGRATION = Set.of("none", "completed", "failed", "cancelled");

    /// @param noBackground what stands against a background capture; empty if nothing is known to
    static CaptureChoice of(CaptureOrder order, QemuFacts facts, Optional<NoBackground> noBackground)
            throws RefusedException {
        check(facts);
        boolean runs = RUNNING.contains(facts.status());
        CaptureMode mode = switch (order.mode()) {
            case AUTO -> auto(order.after(), runs, noBackground);
            case BACKGROUND -> background(runs, noBackground);
            case LIVE, STOP -> order.mode();
        };
        if (!runs && mode == CaptureMode.LIVE) {
            mode = CaptureMode.STOP;
        }
        var plan = new CapturePlan(mode, order.after(), runs, order.onPause().isPresent(), order.stopWhenTimeUp());
        return new CaptureChoice(plan, reason(order, mode, runs, noBackground));
    }

    private static void check(QemuFacts facts) throws RefusedException {
        if (!NO_MIGRATION.contains(facts.migration())) {
            throw new RefusedException(
                    "Another migration of this VM is under way (status " + facts.migration() + ")",
                    "wait until it has ended, or end it with migrate_cancel");
        }
        if (facts.status().equals("inmigrate")) {
            throw new RefusedException(
                    "This QEMU waits for an incoming migration: there is no guest to capture yet",
                    "restore a guest into it first");
        }
        if (facts.status().equals(AFTER_MIGRATION)) {
            throw new RefusedException(
                    "The guest stands still after a migration or capture (postmigrate), and QEMU does not migrate it"
                            + " again before it has run",
                    "let it run with cont");
        }
        if (!RUNNING.contains(facts.status()) && !STANDING.contains(facts.status())) {
            throw new RefusedException(
                    "The guest is in the state " + facts.status() + ", which cannot be captured",
                    "bring it to running or paused first");
        }
        if (!facts.blockers().isEmpty()) {
            String reasons = String.join("; ", facts.blockers());
            throw new RefusedException("QEMU cannot migrate this VM: " + reasons, wayOut(reasons));
        }
    }

    /// What to do about a VM that QEMU does not migrate, or not so.
    ///
    /// @param reason QEMU's words
    static String wayOut(String reason) {
        String words = reason.toLowerCase(Locale.ROOT);
        if (words.contains("cpr")) {
            return "set QEMU's migration parameter mode to normal";
        }
        if (words.contains("background") || words.contains("capabilit")) {
            return "use --mode live or stop";
        }
        return "remove the device or option that QEMU names";
    }

    private static CaptureMode auto(AfterCapture after, boolean runs, Optional<NoBackground> noBackground) {
        if (!runs) {
            return CaptureMode.STOP;
        }
        return after == AfterCapture.RESUME && noBackground.isEmpty() ? CaptureMode.BACKGROUND : CaptureMode.LIVE;
    }

    private static CaptureMode background(boolean runs, Optional<NoBackground> refusal) throws RefusedException {
        if (!runs) {
            throw new RefusedException(
                    "The guest stands still, and a background capture would start it", "use --mode stop");
        }
        if (refusal.isPresent()) {
            throw new RefusedException(refusal.get().reason(), refusal.get().wayOut());
        }
        return CaptureMode.BACKGROUND;
    }

    private static String reason(
            CaptureOrder order, CaptureMode mode, boolean runs, Optional<NoBackground> noBackground) {
        if (!runs) {
            return "the guest stands still already";
        }
        if (order.mode() != CaptureMode.AUTO) {
            return "asked for";
        }
        if (mode == CaptureMode.BACKGROUND) {
            return "the shortest pause for a guest that is to run on";
        }
        return noBackground
                .map(NoBackground::reason)
                .orElse("a background image would be older than a guest that ends");
    }
}
