package dev.dray.cli;

import dev.dray.ExitCode;

/// Carries out `dray demo`.
final class DemoRun {
    private DemoRun() {}

    @SuppressWarnings("DoNotCallSuggester")
    static ExitCode run(DemoCommand.Vmm vmm, Invocation invocation) {
        throw new UnsupportedOperationException("demo on " + vmm + " as " + invocation.progress());
    }
}
