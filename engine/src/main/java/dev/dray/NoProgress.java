package dev.dray;

/// Progress that nobody watches.
enum NoProgress implements Progress {
    INSTANCE;

    @Override
    public void phase(String name) {}

    @Override
    public void bytes(long done, long total) {}

    @Override
    public void warning(String text) {}

    @Override
    public boolean cancelled() {
        return false;
    }
}
