package dev.dray.vmm.cloudhypervisor;

import dev.dray.error.DrayException;

/// How a page that is present is given to the VMM that asked for it, and where pages lie until then.
sealed interface PageAnswers extends PageFetcher.Taker, AutoCloseable permits SharedPages, InlinePages {
    /// Answers a request; everything that it asks for is present.
    ///
    /// @param first number of the first page in its region
    /// @param repeat whether some of it was asked for before
    void answer(Connection to, int region, long first, long pages, boolean repeat) throws DrayException;

    /// Whether a page is gone once it was answered.
    boolean dropsAnswered();

    @Override
    void close();
}
