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
    DESTINATION_RUN,

    /// The sender (Cloud Hypervisor's word for a source) is connected; Start is next.
    SENDER_START,
    /// A descriptor of memory is next. Comes again for each.
    SENDER_DESCRIPTOR,
    /// The Config is next.
    SENDER_CONFIG,
    /// The Config is sent; the answer to it is next.
    SENDER_CONFIG_ANSWER,
    /// A further connection for memory is there; its role is next. Comes again for each.
    SENDER_EXTRA_CONNECTION,
    /// What to send next is decided next. Comes again and again.
    SENDER_TABLE,
    /// A request with memory is next. Comes again and again.
    SENDER_MEMORY,
    /// The bytes of a range are next. Comes again and again.
    SENDER_MEMORY_BODY,
    /// Memory is sent; the answer to it is next. Comes again and again.
    SENDER_MEMORY_ANSWER,
    /// The guest stands still; the rest of memory is next.
    SENDER_PAUSED,
    /// The connection on which the receiver fetches memory is there; its role is next.
    SENDER_FAULT_CONNECTION,
    /// A piece of memory was asked for; the answer is next. Comes again and again.
    SENDER_SERVE,
    /// The head of an answer is sent; the piece of memory is next. Comes again and again.
    SENDER_SERVE_BODY,
    /// The State is next.
    SENDER_STATE,
    /// The State is sent; the answer to it is next.
    SENDER_STATE_ANSWER,
    /// Complete is next.
    SENDER_COMPLETE,
    /// Complete is sent; the answer to it is next.
    SENDER_COMPLETE_ANSWER,

    /// The receiver has accepted a connection.
    RECEIVER_ACCEPT,
    /// Start has arrived.
    RECEIVER_START,
    /// The head of a MemoryFd has arrived. Comes again for each.
    RECEIVER_DESCRIPTOR,
    /// The head of the Config has arrived.
    RECEIVER_CONFIG,
    /// The head of a request with memory has arrived. Comes again and again.
    RECEIVER_MEMORY,
    /// Memory is in place; the answer is next. Comes again and again.
    RECEIVER_MEMORY_ANSWER,
    /// The head of the State has arrived.
    RECEIVER_STATE,
    /// The State is in place; the answer is next.
    RECEIVER_STATE_ANSWER,
    /// Complete has arrived; the guest is about to run.
    RECEIVER_COMPLETE,
    /// The guest runs; the answer to Complete is next.
    RECEIVER_COMPLETE_ANSWER,
    /// A page that nobody waits for is asked for next. Comes again and again.
    RECEIVER_PREFAULT,
    /// A page that the guest waits for is asked for next. Comes again and again.
    RECEIVER_FAULT,
    /// Complete is answered, and the first page that nobody waits for is asked for next: where a fault is planned here,
    /// none was before.
    RECEIVER_DRAIN
}
