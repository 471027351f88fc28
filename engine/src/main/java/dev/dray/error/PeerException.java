package dev.dray.error;

/// The virtual machine monitor or another peer broke its protocol, failed, or went away.
public final class PeerException extends DrayException {
    private static final long serialVersionUID = 1L;

    public PeerException(String message, String whatToDo) {
        super(message, whatToDo);
    }

    public PeerException(String message, String whatToDo, Throwable cause) {
        super(message, whatToDo, cause);
    }

    @Override
    public String kind() {
        return "peer";
    }
}
