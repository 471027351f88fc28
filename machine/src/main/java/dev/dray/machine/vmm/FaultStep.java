package dev.dray.machine.vmm;

/// Every place at which a fault can be planned ([Faults]), in the order of the conversations.
public enum FaultStep {
    /// A client has connected to the control socket; its greeting is next.
    CONTROL_GREETING,
    /// A command has arrived and is about to be carried out.
    CONTROL_COMMAND,
    /// A command was carried out; its answer is next.
    CONTROL_ANSWER,

    /// The source is about to connect to where it was told.
    SOURCE_CONNECT,
    /// The source is connected; the header is next.
    SOURCE_HEADER,
    /// The list of memory blocks is next.
    SOURCE_MEMORY_START,
    /// The first page is next.
    SOURCE_FIRST_PAGE,
    /// Some hundred pages were sent; the next are next. Comes again and again.
    SOURCE_PAGES,
    /// A part of memory was sent, and whether to go on is decided next. Comes again and again.
    SOURCE_PART_END,
    /// The guest was stopped by the source; the rest of memory is next.
    SOURCE_STOPPED,
    /// Memory is sent; the devices are next.
    SOURCE_DEVICES,
    /// The devices are sent; their description is next.
    SOURCE_DESCRIPTION,
    /// Everything is sent; the destination's answer is next.
    SOURCE_ANSWER,
    /// Memory is frozen and the guest is about to run on (background).
    SOURCE_FROZEN,

    /// The destination listens; a connection is next.
    DESTINATION_ACCEPT,
    /// The destination has the list of memory blocks.
    DESTINATION_MEMORY_START,
    /// Pages have arrived. Comes again and again.
    DESTINATION_PAGES,
    /// All pages have arrived; the devices are next.
    DESTINATION_DEVICES,
    /// The stream is whole; the guest is about to run.
    DESTINATION_RUN
}
