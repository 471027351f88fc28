package dev.dray.vmm.qemu.wire;

import org.jspecify.annotations.Nullable;

/// Which item may follow which in a stream that Dray captures, as a function. Whatever has no arrow here is
/// refused.
final class StreamGrammar {
    /// Where a reader is: what has come so far.
    enum State {
        NOTHING("before the header"),
        HEADER("behind the header"),
        CONFIGURATION("behind the configuration"),
        LAYOUT("behind the memory layout"),
        MEMORY("among the memory sections"),
        MEMORY_ENDED("behind the END of memory"),
        DEVICES("among the device sections"),
        SECTIONS_ENDED("behind the end of the sections"),
        WHOLE("behind the device description");

        private final String words;

        State(String words) {
            this.words = words;
        }

        /// For a refusal: `a command COMMAND_X among the device sections`.
        String words() {
            return words;
        }
    }

    /// What can come.
    enum Item {
        HEADER("a header"),
        CONFIGURATION("a configuration"),
        MEMORY_START("a START of memory"),
        MEMORY_PART("a PART of memory"),
        MEMORY_END("the END of memory"),
        FULL("a FULL section"),
        OPEN_RETURN_PATH("the command OPEN_RETURN_PATH"),
        PING("the command PING"),
        SWITCHOVER_START("the command SWITCHOVER_START"),
        OTHER_COMMAND("a command of post-copy or COLO"),
        END_MARK("the end mark"),
        DESCRIPTION("a device description");

        private final String words;

        Item(String words) {
            this.words = words;
        }

        String words() {
            return words;
        }
    }

    private StreamGrammar() {}

    /// The state behind `item`, or null if it may not come in `state`.
    ///
    /// A `FULL` section before the first page is an early one (virtio-mem), be it before or behind the memory
    /// layout. Behind pages it is a device's, and only a background-snapshot, which sends no `END`, may come
    /// to it directly.
    static @Nullable State next(State state, Item item, boolean memoryEnds) {
        // spotless:off
        return switch (state) {
            case NOTHING -> item == Item.HEADER ? State.HEADER : null;
            case HEADER -> item == Item.CONFIGURATION ? State.CONFIGURATION : null;
            case CONFIGURATION -> switch (item) {
                case OPEN_RETURN_PATH, PING, FULL -> state;
                case MEMORY_START                 -> State.LAYOUT;
                default                           -> null;
            };
            case LAYOUT -> switch (item) {
                case FULL, PING, SWITCHOVER_START -> state;
                case MEMORY_PART                  -> State.MEMORY;
                case MEMORY_END                   -> memoryEnds ? State.MEMORY_ENDED : null;
                default                           -> null;
            };
            case MEMORY -> switch (item) {
                case MEMORY_PART, PING, SWITCHOVER_START -> state;
                case MEMORY_END                          -> memoryEnds ? State.MEMORY_ENDED : null;
                case FULL                                -> memoryEnds ? null : State.DEVICES;
                default                                  -> null;
            };
            case MEMORY_ENDED -> switch (item) {
                case PING, SWITCHOVER_START -> state;
                case FULL                   -> State.DEVICES;
                default                     -> null;
            };
            case DEVICES -> switch (item) {
                case FULL     -> state;
                case END_MARK -> State.SECTIONS_ENDED;
                default       -> null;
            };
            case SECTIONS_ENDED -> item == Item.DESCRIPTION ? State.WHOLE : null;
            case WHOLE -> null;
        };
        // spotless:on
    }
}
