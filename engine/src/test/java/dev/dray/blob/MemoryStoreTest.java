package dev.dray.blob;

class MemoryStoreTest extends BlobStoreContract {
    @Override
    protected BlobStore create() {
        return new MemoryStore();
    }
}
