package dev.dray.error;

/// The host failed: a full disk, a system call that was refused, a file that cannot be written.
public final class MachineException extends DrayException {
    private static final long serialVersionUID = 1L;

    public MachineException(String message, String whatToDo) {
        super(message, whatToDo);
    }

    public MachineException(String message, String whatToDo, Throwable cause) {
        super(message, whatToDo, cause);
    }

    @Override
    public String kind() {
        return "machine";
    }
}
